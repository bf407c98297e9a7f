//! `cargo xtask examples`: runs every example of the workspace.

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, TargetKind};

/// Runs all examples; fails if one of them does.
pub(crate) fn run(root: &Path) -> Result<ExitCode> {
    let metadata = crate::metadata(root)?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut failed = Vec::new();
    let examples = examples(&metadata);
    for (package, example) in &examples {
        let output = Command::new(&cargo)
            .args(["run", "--quiet", "--package", package, "--example", example])
            .current_dir(root)
            .output()
            .with_context(|| format!("cannot start {}", cargo.display()))?;
        if output.status.success() {
            println!("{package}: {example}: runs");
        } else {
            println!("{package}: {example}: {}", output.status);
            print!("{}", String::from_utf8_lossy(&output.stderr));
            failed.push(example);
        }
    }
    println!("examples: {} run, {} failed", examples.len(), failed.len());
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Package and name of each example.
fn examples(metadata: &Metadata) -> Vec<(String, String)> {
    let packages = metadata.workspace_packages().into_iter();
    let examples = packages.flat_map(|package| {
        let targets = package.targets.iter().filter(|t| t.kind.contains(&TargetKind::Example));
        targets.map(|target| (package.name.to_string(), target.name.clone()))
    });
    examples.collect()
}
