//! What the crates of the engine link, as cargo resolves it.

use std::path::Path;
use std::process::Command;

/// The crates that a package links when it is built with `features`.
fn linked(package: &str, features: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut command = Command::new(env!("CARGO"));
    command.args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    command.args(["--package", package, "--features", &features.join(",")]);
    let output = command.current_dir(root).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn without_profiling_nothing_links_tracing() {
    for package in [
        "tts-nn",
        "tts-sampler",
        "tts-talker",
        "tts-code-predictor",
        "tts-codec-decoder",
        "tts",
        "tts-cli",
    ] {
        let crates = linked(package, &[]);
        assert!(crates.iter().any(|name| name == "candle-core"), "{package}: {crates:?}");
        let traced: Vec<_> = crates.iter().filter(|name| name.starts_with("tracing")).collect();
        assert!(traced.is_empty(), "{package} links {traced:?}");
    }
}

#[test]
fn with_profiling_tracing_is_linked() {
    assert!(linked("tts", &["profiling"]).iter().any(|name| name == "tracing"));
}
