//! A side that can be run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::super::build;
use super::Args;
use super::results::Results;
use super::side::Settings;

/// A built benchmark and its settings.
pub(super) struct Program<'a> {
    path: PathBuf,
    settings: Option<&'a Settings>,
}

impl<'a> Program<'a> {
    /// The workspace as it is.
    pub(super) fn current(root: &Path, args: &Args, settings: &'a Settings) -> Result<Self> {
        let path = build::e2e_bench(root, args.features.as_deref(), None)?;
        Ok(Self { path, settings: Some(settings) })
    }

    /// A commit, checked out and built below `target/bench-compare`, where both stay for the
    /// next time. The compiler is the one that is running this.
    pub(super) fn commit(root: &Path, args: &Args, commit: &str) -> Result<Self> {
        let home = root.join("target/bench-compare").join(commit);
        let source = home.join("source");
        if !source.join("Cargo.toml").is_file() {
            check_out(root, commit, &source)?;
        }
        let target = home.join("target");
        let path = build::e2e_bench(&source, args.features.as_deref(), Some(&target))?;
        Ok(Self { path, settings: None })
    }

    /// Measures each text once.
    pub(super) fn measure(&self, args: &Args) -> Result<Results> {
        let mut command = Command::new(&self.path);
        command
            .args(["--output", "json", "--iterations", "1"])
            .args(["--warmup", &args.warmup.to_string()])
            .args(["--labels", &args.labels])
            .args(["--frames", &args.frames.to_string()]);
        if let Some(directory) = &args.model_dir {
            command.arg("--model-dir").arg(directory);
        }
        command.args(&args.extra);
        if let Some(settings) = self.settings {
            let variables = settings.variables.iter().map(|(name, value)| (name, value));
            command.args(&settings.arguments).envs(variables);
        }
        let output = command.stderr(Stdio::inherit()).output();
        let name = self.path.display();
        let output = output.with_context(|| format!("cannot start {name}"))?;
        if !output.status.success() {
            bail!("{name} failed: {}", output.status);
        }
        let results = Results::parse(&String::from_utf8_lossy(&output.stdout));
        results.with_context(|| format!("{name} reports something else"))
    }
}

/// Makes a work tree of `commit` at `path`.
fn check_out(root: &Path, commit: &str, path: &Path) -> Result<()> {
    let parent = path.parent().context("a work tree needs a directory")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(root).arg("worktree").args(arguments);
        command
    };
    // A work tree that was deleted by hand is still known to git.
    git(&["prune"]).status().context("cannot start git")?;
    let mut add = git(&["add", "--quiet", "--detach"]);
    let status = add.arg(path).arg(commit).status().context("cannot start git")?;
    if !status.success() {
        bail!("git worktree add failed for {commit}: {status}");
    }
    Ok(())
}
