//! `cargo xtask profile flamegraph`: time as areas, from samples of the program or from its
//! spans.

mod draw;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};
use clap::ValueEnum;

use super::bench::{BenchArgs, finish};

/// Samples a second; not a divisor of anything that repeats.
const FREQUENCY: &str = "997";
/// So that `perf` finds its way up the stack.
const FRAME_POINTERS: &str = "-C force-frame-pointers=yes";

#[derive(clap::Args)]
pub(crate) struct FlamegraphArgs {
    /// Picture to write
    #[arg(short, long, value_name = "FILE", default_value = "flamegraph.svg")]
    output: PathBuf,
    /// Where the stacks come from
    #[arg(long, value_enum, default_value_t = Source::Auto)]
    from: Source,
    #[command(flatten)]
    bench: BenchArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Source {
    /// `perf` where it works, else the sampler
    Auto,
    /// Samples that Linux perf takes
    Perf,
    /// Samples that the program takes of itself
    Sampler,
    /// Time in each span and in none inside
    Spans,
}

pub(crate) fn run(root: &Path, args: &FlamegraphArgs) -> Result<ExitCode> {
    let source = match args.from {
        Source::Auto if perf_works() => Source::Perf,
        Source::Auto => Source::Sampler,
        chosen => chosen,
    };
    let folded = args.output.with_extension("folded");
    let (title, unit) = match source {
        Source::Auto | Source::Perf => {
            perf(root, args, &folded)?;
            ("Samples of perf", "samples")
        }
        Source::Sampler => {
            sampled(root, args, &folded, "sampling", "profiling", "--sample", folded.as_os_str())?;
            ("Samples of the program", "samples")
        }
        Source::Spans => {
            let mut output = OsString::from("folded=");
            output.push(&folded);
            sampled(root, args, &folded, "profiling", "release", "--profile", &output)?;
            ("Self time of spans", "µs")
        }
    };
    draw::flamegraph(&folded, &args.output, title, unit)?;
    println!("{}: {title}; open it in a browser", args.output.display());
    Ok(ExitCode::SUCCESS)
}

/// Lets the program write its stacks itself.
fn sampled(
    root: &Path,
    args: &FlamegraphArgs,
    folded: &Path,
    features: &str,
    cargo_profile: &str,
    option: &str,
    value: &OsStr,
) -> Result<()> {
    let program = args.bench.build(root, features, cargo_profile, "")?;
    let mut command = Command::new(program);
    args.bench.speak(&mut command);
    finish("e2e_bench", command.arg(option).arg(value))?;
    std::fs::metadata(folded).with_context(|| format!("no {}", folded.display()))?;
    Ok(())
}

/// Whether perf is there and may sample.
fn perf_works() -> bool {
    let mut command = Command::new("perf");
    command.args(["record", "-e", "cpu-clock", "-o", "/dev/null", "--", "true"]);
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Lets perf record the program and folds its stacks.
fn perf(root: &Path, args: &FlamegraphArgs, folded: &Path) -> Result<()> {
    let program = args.bench.build(root, "profiling", "profiling", FRAME_POINTERS)?;
    let data = args.output.with_extension("perf.data");
    let mut record = Command::new("perf");
    record
        .args(["record", "-e", "cpu-clock", "-F", FREQUENCY, "--call-graph", "fp", "-o"])
        .arg(&data)
        .arg("--")
        .arg(program);
    args.bench.speak(&mut record);
    finish("perf record", &mut record)?;

    let mut script = Command::new("perf");
    let text = File::create(folded.with_extension("perf.txt"))?;
    finish("perf script", script.arg("script").arg("-i").arg(&data).stdout(text))?;
    draw::fold(&folded.with_extension("perf.txt"), folded)?;
    std::fs::remove_file(folded.with_extension("perf.txt"))?;
    std::fs::remove_file(&data)?;
    Ok(())
}
