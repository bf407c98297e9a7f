//! `cargo xtask profile nsys`: records a benchmark with Nsight Systems and says where
//! the GPU waited for the CPU.

mod commands;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::str::FromStr;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

/// Exit code without `nsys`.
const NOT_INSTALLED: u8 = 2;

#[derive(clap::Args)]
pub(crate) struct NsysArgs {
    /// Model directory; without it the embedded model speaks
    #[arg(long, value_name = "DIR")]
    model_dir: Option<PathBuf>,
    /// Report to write: REPORT.nsys-rep and REPORT.sqlite
    #[arg(short, long, value_name = "REPORT", default_value = "nsys_report")]
    output: PathBuf,
    /// What to record: `none` for the whole run, `cudaProfilerApi` for what the program
    /// asks for, or the name of a span: the first one of it, so with --warmup 0
    #[arg(long, value_name = "RANGE", default_value = "none")]
    capture_range: CaptureRange,
    /// Iterations to measure
    #[arg(long, value_name = "N", default_value_t = 1)]
    iterations: usize,
    /// Iterations before that, which the figures leave out
    #[arg(long, value_name = "N", default_value_t = 1)]
    warmup: usize,
    /// Analyse each utterance from this frame on
    #[arg(long, value_name = "N")]
    from_frame: Option<usize>,
    /// Analyse this many frames of each utterance
    #[arg(long, value_name = "N")]
    frames: Option<NonZeroUsize>,
    /// Features to build the benchmark with beside `nvtx`, such as `cuda`
    #[arg(long, value_name = "FEATURES")]
    features: Option<String>,
    /// Print the figures as one JSON object on standard output, all else on standard error
    #[arg(long)]
    json: bool,
    /// Further arguments of `e2e_bench`
    #[arg(last = true, value_name = "ARGS")]
    extra: Vec<OsString>,
}

/// The part of the run that is recorded.
#[derive(Debug, Clone, PartialEq)]
enum CaptureRange {
    /// All of it.
    Whole,
    /// Between `cudaProfilerStart` and `cudaProfilerStop`.
    CudaProfilerApi,
    /// The first NVTX range of this name.
    Range(String),
}

impl FromStr for CaptureRange {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => Err("expected none, cudaProfilerApi or the name of a span"),
            "none" => Ok(Self::Whole),
            "cudaProfilerApi" => Ok(Self::CudaProfilerApi),
            name => Ok(Self::Range(name.into())),
        }
    }
}

/// Builds the benchmark, records it, exports the recording and analyses it. The exit code
/// is that of the first step that fails, and 2 without `nsys`.
pub(crate) fn run(root: &Path, args: &NsysArgs) -> Result<ExitCode> {
    if !is_installed()? {
        eprintln!(
            "nsys is not on PATH: install NVIDIA Nsight Systems \
             (https://developer.nvidia.com/nsight-systems, package nsight-systems-cli); \
             meanwhile `cargo xtask profile chrome` times the GPU from inside of the program"
        );
        return Ok(ExitCode::from(NOT_INSTALLED));
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = crate::metadata(root)?.target_directory;
    let files = Files::new(&args.output);
    let out = || if args.json { Stdio::from(io::stderr()) } else { Stdio::inherit() };

    let mut build = commands::build(&cargo, root, args);
    if let Some(code) = failure("building e2e_bench", build.stdout(out()))? {
        return Ok(code);
    }
    let before = modified(&files.report);
    let mut profile = commands::profile(&commands::program(target.as_std_path()), &files, args);
    if let Some(code) = failure("nsys profile", profile.stdout(out()))? {
        return Ok(code);
    }
    let after = modified(&files.report);
    if after.is_none() || after == before {
        bail!("nsys wrote no {}: was the range to capture entered?", files.report.display());
    }
    if let Some(code) = failure("nsys export", commands::export(&files).stdout(out()))? {
        return Ok(code);
    }
    let mut analyse = commands::analyse(&cargo, root, &files, args);
    let failed = failure("tts-nsys", &mut analyse)?;
    Ok(failed.unwrap_or(ExitCode::SUCCESS))
}

/// What is written.
struct Files {
    /// Path of the report without its extension, as `nsys` wants it.
    stem: PathBuf,
    /// The report.
    report: PathBuf,
    /// Its tables.
    database: PathBuf,
}

impl Files {
    fn new(output: &Path) -> Self {
        let named = output.extension().is_some_and(|extension| extension == "nsys-rep");
        let stem = if named { output.with_extension("") } else { output.into() };
        let with = |extension| {
            let mut path = stem.clone().into_os_string();
            path.push(extension);
            path.into()
        };
        Self { report: with(".nsys-rep"), database: with(".sqlite"), stem }
    }
}

fn is_installed() -> Result<bool> {
    match Command::new("nsys").arg("--version").output() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).context("cannot start nsys"),
    }
}

/// Runs a step; if it fails, its own exit code, 1 for one that a signal ended.
fn failure(step: &str, command: &mut Command) -> Result<Option<ExitCode>> {
    let program = command.get_program().display().to_string();
    let status = command.status().with_context(|| format!("cannot start {program}"))?;
    if status.success() {
        return Ok(None);
    }
    eprintln!("{step} failed: {status}");
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(Some(code.map_or(ExitCode::FAILURE, ExitCode::from)))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}
