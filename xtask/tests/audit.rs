//! `cargo xtask audit-gpu-syncs` as it is called: on this workspace, and on one with a
//! planted read.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn audit(root: &Path, format: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["audit-gpu-syncs", "--format", format])
        .env("CARGO_MANIFEST_DIR", root.join("xtask"))
        .output()
        .unwrap()
}

fn parsed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A workspace of one package with this code.
fn workspace(code: &str) -> TempDir {
    let root = TempDir::new().unwrap();
    let package = "[package]\nname = \"tts\"\nedition = \"2024\"\n";
    for (path, text) in [
        ("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n"),
        ("audit.toml", "per_frame = 0\n"),
        ("crates/tts/Cargo.toml", package),
        ("crates/tts/src/lib.rs", code),
    ] {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let init = Command::new("git").args(["init", "--quiet"]).current_dir(&root).status().unwrap();
    assert!(init.success());
    root
}

#[test]
fn this_workspace_has_no_findings() {
    let output = audit(Path::new(ROOT), "json");
    let report = parsed(&output);
    assert_eq!(report["findings"], Value::Array(Vec::new()));
    assert!(output.status.success());
    let sites = report["sites"].as_array().unwrap();
    let per_frame = sites.iter().filter(|site| site["class"] == "per-frame");
    let names: Vec<_> = per_frame.map(|site| site["site"].as_str().unwrap()).collect();
    assert_eq!(names, ["generate.frame"]);
    assert_eq!((&report["per_frame"], &report["budget"]), (&Value::from(0.25), &Value::from(0.25)));
}

#[test]
fn a_planted_read_fails_in_every_format() {
    let root = workspace("fn f(t: &Tensor) {\n    t.to_vec1::<f32>();\n}\n");
    for format in ["table", "json", "sarif"] {
        assert_eq!(audit(root.path(), format).status.code(), Some(1), "{format}");
    }
    let table = String::from_utf8(audit(root.path(), "table").stdout).unwrap();
    assert!(
        table.contains("crates/tts/src/lib.rs:2  f         unmarked  -     to_vec1"),
        "{table}"
    );
    assert_eq!(parsed(&audit(root.path(), "json"))["findings"][0]["rule"], "unmarked-read");
    let run = &parsed(&audit(root.path(), "sarif"))["runs"][0];
    assert_eq!(run["results"][0]["ruleId"], "unmarked-read");
}

#[test]
fn a_marked_read_passes() {
    let root = workspace(
        "fn f(t: &Tensor) {\n    gpu_sync!(\"a\", SyncClass::Load);\n    t.to_vec1::<f32>();\n}\n",
    );
    let output = audit(root.path(), "sarif");
    assert!(output.status.success());
    let result = &parsed(&output)["runs"][0]["results"][0];
    assert_eq!(result["message"]["text"], "`a`: `to_vec1`, load");
}

#[test]
fn a_workspace_without_budget_is_an_error() {
    let root = workspace("");
    fs::remove_file(root.path().join("audit.toml")).unwrap();
    let output = audit(root.path(), "table");
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("audit.toml"));
}
