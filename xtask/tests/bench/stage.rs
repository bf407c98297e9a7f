//! The programs that stand in for others, and the directory that has them.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::json;
use tempfile::TempDir;

/// Says where the benchmark is, and writes the calls into `calls`.
const CARGO: &str = r#"#!/bin/sh
here=$(dirname "$0")
echo "cargo $*" >> "$here/calls"
[ -e "$here/no-build" ] && exit 101
echo "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"e2e_bench\"},\"executable\":\"$here/e2e_bench\"}"
"#;

/// A benchmark that takes 100 ms, and 150 with `--slow` or `SLOW=1`.
const E2E_BENCH: &str = r#"#!/bin/sh
here=$(dirname "$0")
wall=100
case "$SLOW $*" in 1*|*--slow*) wall=150;; esac
echo "e2e_bench $wall $*" >> "$here/calls"
echo "{\"environment\":{},\"rows\":[{\"label\":\"short\",\"samples\":[{\"wall_ms\":$wall,\"frames\":25}]}]}"
"#;

/// Counts as many instructions as `count` says; more of them when the last build had a feature.
const VALGRIND: &str = r#"#!/bin/sh
here=$(dirname "$0")
[ "$1" = --version ] && { echo valgrind-3.19.0; exit 0; }
echo "valgrind $RAYON_NUM_THREADS $*" >> "$here/calls"
for argument; do case "$argument" in --callgrind-out-file=*) out=${argument#--callgrind-out-file=};; esac; done
[ -e "$here/fail" ] && { echo broken >&2; exit 3; }
count=$(cat "$here/count")
grep cargo "$here/calls" | tail -n 1 | grep -q -- --features && count=$((count + $(cat "$here/extra")))
printf "events: Ir\n\nfn=main\n1 %s\n\nfn=_int_malloc'2\n1 999\n" "$count" > "$out"
"#;

pub(crate) const RUSTC: &str = r"#!/bin/sh
printf 'rustc 1.95.0 (abc 2026-04-14)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\n'
";

/// A directory for one test.
pub(crate) struct Stage {
    directory: TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let stage = Self { directory: tempfile::tempdir().unwrap() };
        for (name, text) in
            [("cargo", CARGO), ("e2e_bench", E2E_BENCH), ("valgrind", VALGRIND), ("rustc", RUSTC)]
        {
            let path = stage.path(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::create_dir_all(stage.path("root/xtask")).unwrap();
        fs::create_dir_all(stage.path("root/benches")).unwrap();
        stage.write("count", "100000");
        stage.write("extra", "0");
        stage
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A result of `e2e_bench` with these times.
    pub(crate) fn result(&self, name: &str, times: &[f64]) {
        let samples: Vec<_> = times
            .iter()
            .map(|ms| json!({"wall_ms": ms, "frames": 25, "generate_ms": 0.6 * ms}))
            .collect();
        let result = json!({"environment": {}, "rows": [{"label": "short", "samples": samples}]});
        self.write(name, &result.to_string());
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut path = vec![self.directory.path().to_owned()];
        path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        self.run_on(&path, arguments)
    }

    /// Runs `xtask bench` in the directory of the stage.
    pub(crate) fn run_on(&self, path: &[PathBuf], arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("bench")
            .args(arguments)
            .env("PATH", env::join_paths(path).unwrap())
            .env("CARGO", self.path("cargo"))
            .env("RUSTC", self.path("rustc"))
            .env("CARGO_MANIFEST_DIR", self.path("root/xtask"))
            .env("TMPDIR", self.directory.path())
            .env_remove("SLOW")
            .current_dir(self.directory.path())
            .output()
            .unwrap()
    }

    pub(crate) fn calls(&self, program: &str) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        let calls = calls.lines().filter_map(|line| line.strip_prefix(program));
        calls.map(|line| line.trim().to_owned()).collect()
    }

    /// What was measured, in order.
    pub(crate) fn walls(&self) -> Vec<String> {
        let calls = self.calls("e2e_bench").into_iter();
        calls.map(|call| call.split(' ').next().unwrap().to_owned()).collect()
    }

    /// Makes a commit of the root.
    pub(crate) fn commit(&self) {
        let root = self.path("root");
        fs::write(root.join("Cargo.toml"), "[workspace]\n").unwrap();
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
        for arguments in [
            &["init", "--quiet", "--initial-branch", "trunk"][..],
            &["add", "Cargo.toml"],
            &["commit", "--quiet", "--no-gpg-sign", "--message", "First"],
        ] {
            let mut git = Command::new("git");
            let status = git.arg("-C").arg(&root).args(identity).args(arguments).status();
            assert!(status.unwrap().success());
        }
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[track_caller]
pub(crate) fn assert_code(output: &Output, code: i32) {
    let printed = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{}\n{}", printed.0, printed.1);
}
