//! `cargo xtask examples`: runs every example of the workspace.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use cargo_metadata::{Artifact, Message, TargetKind};

/// Runs all examples; fails if one of them does.
pub(crate) fn run(root: &Path) -> Result<ExitCode> {
    let examples = build(root)?;
    let mut failed = 0;
    for (name, program) in &examples {
        let output = Command::new(program)
            .current_dir(root)
            .output()
            .with_context(|| format!("cannot start {}", program.display()))?;
        if output.status.success() {
            println!("{name}: runs");
        } else {
            println!("{name}: {}", output.status);
            print!("{}", String::from_utf8_lossy(&output.stderr));
            failed += 1;
        }
    }
    println!("examples: {} run, {failed} failed", examples.len());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Builds all at once: one by one, each would have its own set of features, and with it
/// its own build of the libraries. Gives out name and program of each.
fn build(root: &Path) -> Result<Vec<(String, PathBuf)>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(&cargo)
        .args(["build", "--workspace", "--examples"])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", cargo.display()))?;
    if !output.status.success() {
        bail!("building the examples failed: {}", output.status);
    }
    let mut examples = Vec::new();
    for message in Message::parse_stream(output.stdout.as_slice()) {
        if let Message::CompilerArtifact(artifact) = message? {
            examples.extend(example(artifact));
        }
    }
    examples.sort();
    Ok(examples)
}

/// Name and program, if this is an example.
fn example(artifact: Artifact) -> Option<(String, PathBuf)> {
    let is_example = artifact.target.kind.contains(&TargetKind::Example);
    let program = artifact.executable?.into_std_path_buf();
    is_example.then_some((artifact.target.name, program))
}
