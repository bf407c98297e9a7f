//! The command lines of the steps.

use std::env::consts::EXE_SUFFIX;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{CaptureRange, Files, NsysArgs};

/// Optimised, with symbols, and with the spans as NVTX ranges.
pub(super) fn build(cargo: &OsStr, root: &Path, args: &NsysArgs) -> Command {
    let features = args.features.iter().fold("nvtx".to_owned(), |all, more| all + "," + more);
    let mut command = Command::new(cargo);
    command
        .args(["build", "--profile", "profiling"])
        .args(["--package", "tts-benches", "--bin", "e2e_bench"])
        .args(["--features", &features])
        .arg("--manifest-path")
        .arg(root.join("Cargo.toml"));
    command
}

/// What [`build`] makes.
pub(super) fn program(target: &Path) -> PathBuf {
    target.join("profiling").join(format!("e2e_bench{EXE_SUFFIX}"))
}

/// Records the benchmark.
pub(super) fn profile(program: &Path, files: &Files, args: &NsysArgs) -> Command {
    let mut command = Command::new("nsys");
    command
        .args(["profile", "--trace=cuda,nvtx,osrt"])
        .arg(option("--output=", &files.stem))
        .arg("--force-overwrite=true");
    match &args.capture_range {
        CaptureRange::Whole => {}
        CaptureRange::CudaProfilerApi => {
            command.args(["--capture-range=cudaProfilerApi", "--capture-range-end=stop"]);
        }
        CaptureRange::Range(name) => {
            command
                .args(["--capture-range=nvtx", "--capture-range-end=stop"])
                .arg(format!("--nvtx-capture={name}@*"))
                // Names of spans are not registered strings, the only ones looked at by default.
                .arg("--env-var=NSYS_NVTX_PROFILER_REGISTER_ONLY=0");
        }
    }
    command.arg(program);
    if let Some(directory) = &args.model_dir {
        command.arg("--model-dir").arg(directory);
    }
    command
        .args(["--iterations", &args.iterations.to_string()])
        .args(["--warmup", &args.warmup.to_string()])
        .args(["--labels", "short", "--profile", "nvtx"])
        .args(&args.extra);
    command
}

/// Writes the recording as tables.
pub(super) fn export(files: &Files) -> Command {
    let mut command = Command::new("nsys");
    command
        .args(["export", "--type=sqlite"])
        .arg(option("--output=", &files.database))
        .arg("--force-overwrite=true")
        .arg(&files.report);
    command
}

/// Analyses the tables.
pub(super) fn analyse(cargo: &OsStr, root: &Path, files: &Files, args: &NsysArgs) -> Command {
    let mut command = Command::new(cargo);
    command
        .args(["run", "--quiet", "--package", "tts-nsys", "--bin", "tts-nsys"])
        .arg("--manifest-path")
        .arg(root.join("Cargo.toml"))
        .arg("--")
        .arg(&files.database);
    if args.capture_range == CaptureRange::Whole {
        command.args(["--skip", &args.warmup.to_string()]);
    }
    if let Some(from) = args.from_frame {
        command.args(["--from-frame", &from.to_string()]);
    }
    if let Some(frames) = args.frames {
        command.args(["--frames", &frames.to_string()]);
    }
    if args.json {
        command.arg("--json");
    }
    command
}

fn option(name: &str, value: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(value);
    option
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: NsysArgs,
    }

    fn args(given: &[&str]) -> NsysArgs {
        Cli::try_parse_from([&["nsys"], given].concat()).unwrap().args
    }

    fn line(command: &Command) -> String {
        let words = command.get_args().map(|word| word.to_str().unwrap());
        words.collect::<Vec<_>>().join(" ")
    }

    fn profile_line(given: &[&str]) -> String {
        let args = args(given);
        line(&profile(Path::new("bench"), &Files::new(&args.output), &args))
    }

    #[test]
    fn the_whole_run_is_recorded_by_default() {
        assert_eq!(
            profile_line(&["--model-dir", "dir"]),
            "profile --trace=cuda,nvtx,osrt --output=nsys_report --force-overwrite=true bench \
             --model-dir dir --iterations 1 --warmup 1 --labels short --profile nvtx"
        );
    }

    #[test]
    fn ranges_to_capture_become_options_of_nsys() {
        let line = profile_line(&["--capture-range", "generate_frames", "--warmup", "0"]);
        let expected = "--capture-range=nvtx --capture-range-end=stop \
                        --nvtx-capture=generate_frames@* \
                        --env-var=NSYS_NVTX_PROFILER_REGISTER_ONLY=0 bench";
        assert!(line.contains(expected), "{line}");
        let line = profile_line(&["--capture-range", "cudaProfilerApi"]);
        let expected = "--capture-range=cudaProfilerApi --capture-range-end=stop bench";
        assert!(line.contains(expected), "{line}");
        assert!(Cli::try_parse_from(["nsys", "--capture-range", ""]).is_err());
    }

    #[test]
    fn further_arguments_go_to_the_benchmark() {
        let line = profile_line(&["--iterations", "3", "--", "--device", "cuda"]);
        assert!(
            line.ends_with("--iterations 3 --warmup 1 --labels short --profile nvtx --device cuda")
        );
    }

    #[test]
    fn features_are_added_to_nvtx() {
        let features = |given: &[&str]| {
            let command = build(OsStr::new("cargo"), Path::new("/root"), &args(given));
            let words: Vec<_> = command.get_args().map(OsStr::to_owned).collect();
            let at = words.iter().position(|word| word == "--features").unwrap();
            words[at + 1].clone()
        };
        assert_eq!(features(&[]), "nvtx");
        assert_eq!(features(&["--features", "cuda"]), "nvtx,cuda");
    }

    #[test]
    fn the_window_goes_to_the_analysis() {
        let line = |given: &[&str]| {
            let args = args(given);
            let files = Files::new(&args.output);
            let line = line(&analyse(OsStr::new("cargo"), Path::new("/root"), &files, &args));
            line.split_once(" -- ").unwrap().1.to_owned()
        };
        assert_eq!(line(&[]), "nsys_report.sqlite --skip 1");
        assert_eq!(
            line(&["-o", "a.b", "--warmup", "2", "--from-frame", "3", "--frames", "4", "--json"]),
            "a.b.sqlite --skip 2 --from-frame 3 --frames 4 --json"
        );
        // A captured range begins where the user says.
        assert_eq!(line(&["--capture-range", "synthesize"]), "nsys_report.sqlite");
    }

    #[test]
    fn the_extension_of_the_report_may_be_given() {
        for output in ["dir/x", "dir/x.nsys-rep"] {
            let files = Files::new(Path::new(output));
            assert_eq!(files.stem, Path::new("dir/x"));
            assert_eq!(files.report, Path::new("dir/x.nsys-rep"));
            assert_eq!(
                line(&export(&files)),
                "export --type=sqlite --output=dir/x.sqlite --force-overwrite=true dir/x.nsys-rep"
            );
        }
    }
}
