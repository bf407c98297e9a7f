//! `cargo xtask fuzz`: searches with libFuzzer for inputs that break a promise.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use cargo_metadata::{Metadata, TargetKind};

const PACKAGE: &str = "tts-fuzz";

/// Needs a nightly toolchain and `cargo install cargo-fuzz`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Targets; all of them if none is named.
    targets: Vec<String>,
    /// How long each one runs.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Processes that search at a time.
    #[arg(long, default_value_t = 1)]
    jobs: u32,
}

/// Runs the targets one after the other; fails at the first finding, which
/// cargo-fuzz stores and prints.
pub(crate) fn run(root: &Path, args: &Args) -> Result<ExitCode> {
    let known = targets(&crate::metadata(root)?);
    if let Some(name) = args.targets.iter().find(|&name| !known.contains(name)) {
        bail!("no target {name:?}; there are {}", known.join(", "));
    }
    let chosen = if args.targets.is_empty() { &known } else { &args.targets };
    for target in chosen {
        // New inputs go to a scratch corpus; those that were committed stay as they are.
        let found = root.join("target/fuzz-corpus").join(target);
        std::fs::create_dir_all(&found).with_context(|| format!("{}", found.display()))?;
        let status = command(root, &found, target, args)
            .status()
            .context("cannot start cargo; is rustup there, which chooses the nightly compiler?")?;
        if !status.success() {
            bail!("{target}: {status}; see docs/testing.md, \"Fuzzing\"");
        }
        println!("{target}: {} s without a finding", args.seconds);
    }
    Ok(ExitCode::SUCCESS)
}

fn command(root: &Path, found: &Path, target: &str, args: &Args) -> Command {
    let mut command = Command::new("cargo");
    // Cargo of this process would choose its own compiler again.
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
    command
        .args(["+nightly", "fuzz", "run", "--features", "libfuzzer", "--fuzz-dir", "fuzz"])
        .arg(format!("--jobs={}", args.jobs))
        .arg(target)
        .arg(found)
        .arg(root.join("fuzz/corpus").join(target))
        .arg("--")
        .arg(format!("-max_total_time={}", args.seconds))
        .args(["-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1"])
        .current_dir(root);
    command
}

fn targets(metadata: &Metadata) -> Vec<String> {
    let package = metadata.packages.iter().find(|package| package.name.as_str() == PACKAGE);
    let targets = package.into_iter().flat_map(|package| &package.targets);
    targets.filter(|t| t.kind.contains(&TargetKind::Bin)).map(|t| t.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_corpus_has_a_target() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut targets = targets(&crate::metadata(&root).unwrap());
        targets.sort_unstable();
        let corpora = root.join("fuzz/corpus").read_dir().unwrap();
        let mut corpora: Vec<_> =
            corpora.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        corpora.sort_unstable();
        assert_eq!(targets, corpora);
    }
}
