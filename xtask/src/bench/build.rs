//! The benchmark, built.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

const PROGRAM: &str = "e2e_bench";

/// Builds the optimised `e2e_bench` of the workspace at `root` and says where it is.
pub(super) fn e2e_bench(
    root: &Path,
    features: Option<&str>,
    target: Option<&Path>,
) -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command
        .args(["build", "--release", "--package", "tts-benches", "--bin", PROGRAM])
        .args(["--message-format", "json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(root.join("Cargo.toml"));
    if let Some(features) = features {
        command.args(["--features", features]);
    }
    if let Some(target) = target {
        command.arg("--target-dir").arg(target);
    }
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start {}", cargo.display()))?;
    if !output.status.success() {
        bail!("building {PROGRAM} in {} failed: {}", root.display(), output.status);
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let program = messages.lines().find_map(executable);
    program.with_context(|| format!("cargo does not say where {PROGRAM} is"))
}

/// The program, if this message of cargo is about it.
fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_program = message.get("reason")? == "compiler-artifact"
        && message.pointer("/target/name")? == PROGRAM;
    let path = message.get("executable").filter(|_| is_program)?;
    path.as_str().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_where_cargo_says() {
        let message = r#"{"reason":"compiler-artifact","target":{"name":"e2e_bench"},"executable":"/a/e2e_bench"}"#;
        assert_eq!(executable(message), Some(PathBuf::from("/a/e2e_bench")));
        let other = message.replace("\"e2e_bench\"", "\"tts\"");
        let not_linked = message.replace("\"/a/e2e_bench\"", "null");
        for message in [&other, &not_linked, "", "{}", "text"] {
            assert_eq!(executable(message), None, "{message}");
        }
    }
}
