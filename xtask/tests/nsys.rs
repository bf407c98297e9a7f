//! `cargo xtask profile nsys` with programs that stand in for `nsys` and for the build.

#![cfg(unix)]

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Writes its arguments into `calls`, a line for each call, and does what they ask for.
/// A file `fail` holds the exit code of `profile`.
const NSYS: &str = r#"#!/bin/sh
here=$(dirname "$0")
[ "$1" = --version ] && { echo "NVIDIA Nsight Systems version 2025.1.1"; exit 0; }
echo "nsys $*" >> "$here/calls"
for argument; do case "$argument" in --output=*) output=${argument#--output=};; esac; done
case "$1" in
profile)
    [ -e "$here/fail" ] && exit "$(cat "$here/fail")"
    [ -e "$here/no-report" ] || echo recording > "$output.nsys-rep"
    echo "Generated: $output.nsys-rep";;
export) cp "$here/recording.sqlite" "$output";;
esac
"#;

/// Writes builds into `calls` instead of doing them.
const CARGO: &str = r#"#!/bin/sh
here=$(dirname "$0")
case "$1" in
build) echo "cargo $*" >> "$here/calls";;
*) exec "$REAL_CARGO" "$@";;
esac
"#;

struct Stage {
    directory: TempDir,
}

impl Stage {
    /// The programs, and a recording made of `script` (in `crates/tts-nsys/tests/data`).
    fn new(script: &str) -> Self {
        let stage = Self { directory: tempfile::tempdir().unwrap() };
        stage.program("nsys", NSYS);
        stage.program("cargo", CARGO);
        let script = root().join("crates/tts-nsys/tests/data").join(script);
        let made = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--package", "tts-nsys", "--example", "made_up_recording"])
            .arg("--")
            .arg(script)
            .arg(stage.path("recording.sqlite"))
            .current_dir(root())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs `xtask profile nsys` in the directory `work`, with the programs first on PATH.
    fn run(&self, arguments: &[&str]) -> Output {
        let mut path = vec![self.directory.path().to_owned()];
        path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        self.run_on(&env::join_paths(path).unwrap(), arguments)
    }

    fn run_on(&self, path: &OsString, arguments: &[&str]) -> Output {
        let work = self.path("work");
        fs::create_dir_all(&work).unwrap();
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["profile", "nsys"])
            .args(arguments)
            .env("PATH", path)
            .env("CARGO", self.path("cargo"))
            .env("REAL_CARGO", env!("CARGO"))
            .env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"))
            .current_dir(work)
            .output()
            .unwrap()
    }

    /// The recorded calls.
    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_benchmark_is_built_recorded_exported_and_analysed() {
    let stage = Stage::new("two_utterances.sql");
    let output = stage.run(&["--model-dir", "a model", "--", "--device", "cuda"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(stage.path("work/nsys_report.nsys-rep").exists());

    let [build, profile, export] = &stage.calls()[..] else { panic!("{:?}", stage.calls()) };
    let manifest = root().join("Cargo.toml");
    assert_eq!(
        *build,
        format!(
            "cargo build --profile profiling --package tts-benches --bin e2e_bench \
             --features nvtx --manifest-path {}",
            manifest.display()
        )
    );
    let (options, bench) = profile.split_once(" /").unwrap();
    assert_eq!(
        options,
        "nsys profile --trace=cuda,nvtx,osrt --output=nsys_report --force-overwrite=true"
    );
    let (program, arguments) = bench.split_once(' ').unwrap();
    assert!(program.ends_with("profiling/e2e_bench"), "{program}");
    assert_eq!(
        arguments,
        "--model-dir a model --iterations 1 --warmup 1 --labels short --profile nvtx --device cuda"
    );
    assert_eq!(
        *export,
        "nsys export --type=sqlite --output=nsys_report.sqlite --force-overwrite=true \
         nsys_report.nsys-rep"
    );

    let printed = text(&output.stdout);
    for line in [
        "Utterances: 1, frames: 2, time: 10.000 ms",
        "Kernels run          5.900 ms   59.0 %",
        "Kernel gaps          4.100 ms   41.0 %",
        "9 gaps, p50 400.0 us, p95 900.0 us, max 900.0 us",
        "  kernel gaps = the CPU is the bottleneck: for 41.0 % of the time no kernel runs",
    ] {
        assert!(printed.contains(line), "no `{line}` in:\n{printed}");
    }
}

#[test]
fn a_window_of_frames_and_json_leave_only_json_on_standard_output() {
    let stage = Stage::new("two_utterances.sql");
    let output = stage.run(&["-o", "other", "--from-frame", "1", "--frames", "1", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(printed.starts_with('{') && printed.trim_end().ends_with('}'), "{printed}");
    assert!(printed.contains("\"wall_ns\": 4000000"), "{printed}");
    assert!(text(&output.stderr).contains("Generated: other.nsys-rep"));
    assert!(stage.path("work/other.nsys-rep").exists());
    assert!(stage.path("work/other.sqlite").exists());
}

#[test]
fn without_nsys_one_line_says_where_it_is_to_be_had() {
    let stage = Stage::new("no_gpu.sql");
    let output = stage.run_on(&stage.path("empty").into_os_string(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let message = text(&output.stderr);
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.starts_with("nsys is not on PATH"), "{message}");
    assert!(message.contains("https://developer.nvidia.com/nsight-systems"), "{message}");
    assert!(message.contains("cargo xtask profile chrome"), "{message}");
    assert!(stage.calls().is_empty() && output.stdout.is_empty());
}

#[test]
fn the_exit_code_of_a_failing_nsys_is_passed_on() {
    let stage = Stage::new("no_gpu.sql");
    fs::write(stage.path("fail"), "7").unwrap();
    let output = stage.run(&[]);
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(text(&output.stderr), "nsys profile failed: exit status: 7\n");
    assert_eq!(stage.calls().len(), 2, "{:?}", stage.calls());
}

#[test]
fn an_old_report_is_not_taken_for_a_new_one() {
    let stage = Stage::new("no_gpu.sql");
    assert!(stage.run(&[]).status.success());
    fs::write(stage.path("no-report"), "").unwrap();
    let output = stage.run(&["--capture-range", "decode"]);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(message.contains("nsys wrote no nsys_report.nsys-rep"), "{message}");
}

#[test]
fn a_recording_without_kernels_says_that_there_was_no_gpu_work() {
    let stage = Stage::new("no_gpu.sql");
    let output = stage.run(&[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(printed.contains("no GPU work was recorded"), "{printed}");
}
