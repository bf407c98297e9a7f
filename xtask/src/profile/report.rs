//! `cargo xtask profile report`: one HTML file with everything that a profile knows.
//!
//! The page loads nothing and has no script, so it can be mailed, printed and kept. It is
//! well-formed XML, so a program can read it too.

mod data;
mod environment;
mod flame;
mod frames;
mod gpu;
mod headline;
mod html;
mod page;
mod roofline;
mod stages;
mod syncs;

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use self::data::Data;
use super::bench::{BenchArgs, finish};
use crate::audit;

#[derive(clap::Args)]
pub(crate) struct ReportArgs {
    /// Page to write
    #[arg(short, long, value_name = "FILE", default_value = "profile.html")]
    output: PathBuf,
    /// Roofline to draw as well
    #[arg(long, value_name = "FILE")]
    roofline: Option<PathBuf>,
    #[command(flatten)]
    bench: BenchArgs,
}

pub(crate) fn run(root: &Path, args: &ReportArgs) -> Result<ExitCode> {
    // What fails fast goes first.
    let roofline = args.roofline.as_deref().map(data::read).transpose()?;
    let audit = serde_json::from_value(audit::as_json(root)?)?;

    let program = args.bench.build(root, "profiling", "release", "")?;
    let home = tempfile::tempdir().context("no directory for temporary files")?;
    let [bench, summary, folded] =
        ["bench.json", "summary.json", "folded"].map(|name| home.path().join(name));
    let mut stacks = OsString::from("folded=");
    stacks.push(&folded);
    let mut command = Command::new(program);
    args.bench.speak(&mut command);
    command.args(["-o", "json"]).arg("--summary-json").arg(&summary);
    command.arg("--profile").arg(stacks).stdout(File::create(&bench)?);
    finish("e2e_bench", &mut command)?;

    let data = Data {
        bench: data::read(&bench)?,
        summary: data::read(&summary)?,
        stacks: fs::read_to_string(&folded).context("no folded stacks")?,
        audit,
        roofline,
    };
    let path = args.output.display();
    fs::write(&args.output, page::render(&data)?)
        .with_context(|| format!("cannot write {path}"))?;
    println!("{path}: open it in a browser");
    Ok(ExitCode::SUCCESS)
}
