//! `cargo xtask profile roofline`: how near each stage comes to what the machine can do.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Result;

use super::bench::{build, finish};

#[derive(clap::Args)]
pub(crate) struct RooflineArgs {
    /// Picture to write
    #[arg(short, long, value_name = "FILE", default_value = "roofline.svg")]
    output: PathBuf,
    /// Cargo profile to build with
    #[arg(long, value_name = "PROFILE", default_value = "release")]
    cargo_profile: String,
    /// Further arguments of `roofline`, such as --model-dir DIR or --json FILE
    #[arg(last = true, value_name = "ARGS")]
    extra: Vec<OsString>,
}

pub(crate) fn run(root: &Path, args: &RooflineArgs) -> Result<ExitCode> {
    let program = build(root, "roofline", "profiling", &args.cargo_profile, "")?;
    let mut command = Command::new(program);
    finish("roofline", command.arg("--plot").arg(&args.output).args(&args.extra))?;
    println!("{}: open it in a browser", args.output.display());
    Ok(ExitCode::SUCCESS)
}
