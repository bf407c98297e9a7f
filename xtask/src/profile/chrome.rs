//! `cargo xtask profile chrome`: a trace of every stage of every frame.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use super::bench::{BenchArgs, finish};

#[derive(clap::Args)]
pub(crate) struct ChromeArgs {
    /// Trace to write
    #[arg(short, long, value_name = "FILE", default_value = "trace.json")]
    output: PathBuf,
    #[command(flatten)]
    bench: BenchArgs,
}

pub(crate) fn run(root: &Path, args: &ChromeArgs) -> Result<ExitCode> {
    let program = args.bench.build(root, "profiling", "release", "")?;
    let mut command = Command::new(program);
    args.bench.speak(&mut command);
    let mut output = std::ffi::OsString::from("chrome=");
    output.push(&args.output);
    command.arg("--summary").arg("--profile").arg(output);
    finish("e2e_bench", &mut command)?;

    let path = args.output.display();
    let size = std::fs::metadata(&args.output).with_context(|| format!("no {path}"))?.len();
    println!(
        "\n{path}: {} kB; open it in chrome://tracing or https://ui.perfetto.dev",
        size / 1000
    );
    Ok(ExitCode::SUCCESS)
}
