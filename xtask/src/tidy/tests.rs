//! All rules on a small tree, loaded from disk the way the real one is.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::*;

const PROFILING: &str = "\
[package]
name = \"tts-profiling\"
edition = \"2024\"

[lints]
workspace = true

[dependencies]
tracing.workspace = true
";

const NN: &str = "\
[package]
name = \"tts-nn\"
edition = \"2024\"

[lints]
workspace = true

[dependencies]
tts-profiling.workspace = true
";

/// A workspace of two libraries that keeps every rule.
const CLEAN: [(&str, &str); 9] = [
    (
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n\
         [workspace.lints]\n\
         [workspace.dependencies]\n\
         tracing = \"0.1\"\n\
         tts-nn.path = \"crates/tts-nn\"\n\
         tts-profiling.path = \"crates/tts-profiling\"\n",
    ),
    (".gitignore", "/ignored.rs\n"),
    ("ignored.rs", "// TODO: not ours\n"),
    ("crates/tts-profiling/Cargo.toml", PROFILING),
    ("crates/tts-profiling/src/lib.rs", "fn f() { tracing::info_span!(\"stage\"); }\n"),
    ("crates/tts-profiling/examples/spans.rs", "fn main() {}\n"),
    ("crates/tts-nn/Cargo.toml", NN),
    ("crates/tts-nn/src/lib.rs", "#[cfg(test)]\nmod tests {\n    fn f() { g().unwrap(); }\n}\n"),
    ("crates/tts-nn/examples/blocks.rs", "fn main() {}\n"),
];

/// The violations of the clean tree with the file `path` added or replaced.
fn plant(path: &str, text: &str) -> Vec<String> {
    let root = TempDir::new().unwrap();
    for (path, text) in CLEAN.iter().chain(&[(path, text)]) {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    git_init(root.path());
    let workspace = Workspace::load(root.path()).unwrap();
    let violations = violations(&workspace);
    violations.iter().map(ToString::to_string).collect()
}

fn git_init(root: &Path) {
    let mut git = Command::new("git");
    let status = git.args(["init", "--quiet"]).current_dir(root).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_clean_tree_passes() {
    assert_eq!(plant("docs/notes.md", "TODO\n"), [""; 0]);
}

#[test]
fn an_import_of_an_upper_crate_is_caught() {
    assert_eq!(
        plant("crates/tts-profiling/Cargo.toml", &format!("{PROFILING}tts-nn.workspace = true\n")),
        ["crates/tts-profiling/Cargo.toml: layering: `tts-profiling` may not import `tts-nn`"]
    );
}

#[test]
fn a_crate_outside_the_table_is_caught() {
    assert_eq!(
        plant("crates/tts-nn/Cargo.toml", &NN.replace("tts-nn", "tts-new")),
        ["crates/tts-nn/Cargo.toml: layering: `tts-new` has no row in the table of layers \
             (xtask/src/tidy/layers.rs)"]
    );
}

#[test]
fn a_profiling_library_elsewhere_is_caught() {
    assert_eq!(
        plant("crates/tts-nn/Cargo.toml", &format!("{NN}tracing.workspace = true\n")),
        ["crates/tts-nn/Cargo.toml: externals: dependency `tracing`: \
             only `tts-profiling` may depend on it"]
    );
}

#[test]
fn a_library_without_example_is_caught() {
    assert_eq!(
        plant("crates/tts-nn/Cargo.toml", &NN.replace("edition", "autoexamples = false\nedition")),
        ["crates/tts-nn/Cargo.toml: examples: library `tts-nn` has no file in `examples/`"]
    );
}

#[test]
fn a_version_in_a_manifest_is_caught() {
    assert_eq!(
        plant("crates/tts-nn/Cargo.toml", &format!("{NN}rayon = \"1\"\n")),
        ["crates/tts-nn/Cargo.toml:10: manifests: `rayon` lacks `workspace = true`"]
    );
}

#[test]
fn lints_of_its_own_are_caught() {
    assert_eq!(
        plant("crates/tts-nn/Cargo.toml", &NN.replace("[lints]\nworkspace = true", "[lints.rust]")),
        ["crates/tts-nn/Cargo.toml: manifests: `[lints] workspace = true` is missing"]
    );
}

#[test]
fn a_span_past_the_facade_is_caught() {
    assert_eq!(
        plant("crates/tts-nn/src/linear.rs", "fn f() {\n    stage_span!(\"matmul\");\n}\n"),
        ["crates/tts-nn/src/linear.rs:2: span-names: string in `stage_span!`: \
             name the span by a `Stage`"]
    );
}

#[test]
fn a_panic_is_caught() {
    assert_eq!(
        plant("crates/tts-nn/src/linear.rs", "fn f() {\n    g().unwrap();\n}\n"),
        ["crates/tts-nn/src/linear.rs:2: panics: `unwrap` in library code"]
    );
}

#[test]
fn unsafe_code_is_caught() {
    assert_eq!(
        plant("crates/tts-nn/tests/raw.rs", "unsafe fn f() {}\n"),
        ["crates/tts-nn/tests/raw.rs:1: unsafe-code: \
             `unsafe` outside the files that may use it"]
    );
}

#[test]
fn a_long_file_is_caught() {
    assert_eq!(
        plant("tools/long.py", &"pass\n".repeat(601)),
        ["tools/long.py: file-length: 601 lines, more than 600: split it"]
    );
}

#[test]
fn a_marker_is_caught() {
    assert_eq!(
        plant("crates/tts-nn/examples/blocks.rs", "fn main() {} // TODO\n"),
        ["crates/tts-nn/examples/blocks.rs:1: markers: comment with `TODO`"]
    );
}
