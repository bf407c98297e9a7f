//! What is compared: a saved result, a commit, or the current build with settings.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// One of the two sides.
#[derive(Debug, PartialEq)]
pub(super) enum Side {
    /// A file that `e2e_bench -o json` wrote.
    Saved(PathBuf),
    /// A commit, by its full name.
    Commit(String),
    /// The current build.
    Current(Settings),
}

/// How the current build is run.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Settings {
    pub(super) variables: Vec<(String, String)>,
    pub(super) arguments: Vec<OsString>,
}

impl Side {
    /// `text` is `flags:ARGUMENTS`, `env:NAME=VALUE …`, a file, or what git takes for a commit.
    pub(super) fn parse(root: &Path, text: &str) -> Result<Self> {
        if let Some(arguments) = text.strip_prefix("flags:") {
            let arguments = arguments.split_whitespace().map(OsString::from).collect();
            return Ok(Self::Current(Settings { arguments, ..Settings::default() }));
        }
        if let Some(variables) = text.strip_prefix("env:") {
            return Ok(Self::Current(environment(variables)?));
        }
        if Path::new(text).is_file() {
            return Ok(Self::Saved(text.into()));
        }
        match commit(root, text)? {
            Some(commit) => Ok(Self::Commit(commit)),
            None => bail!(
                "`{text}` is no file and no commit; the current build is `flags:` and arguments, \
                 or `env:` and variables"
            ),
        }
    }
}

/// Variables, and arguments from the first word on that begins with `-`.
fn environment(text: &str) -> Result<Settings> {
    let mut settings = Settings::default();
    for word in text.split_whitespace() {
        if word.starts_with('-') || !settings.arguments.is_empty() {
            settings.arguments.push(word.into());
            continue;
        }
        let (name, value) = word.split_once('=').unwrap_or_default();
        ensure!(!name.is_empty(), "`env:` takes NAME=VALUE, not `{word}`");
        settings.variables.push((name.to_owned(), value.to_owned()));
    }
    Ok(settings)
}

/// The full name of a commit, if `name` is one.
fn commit(root: &Path, name: &str) -> Result<Option<String>> {
    let mut git = Command::new("git");
    git.arg("-C").arg(root).args(["rev-parse", "--verify", "--quiet", "--end-of-options"]);
    let output = git.arg(format!("{name}^{{commit}}")).output().context("cannot start git")?;
    let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(Some(found).filter(|found| output.status.success() && !found.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Side> {
        Side::parse(Path::new(env!("CARGO_MANIFEST_DIR")), text)
    }

    fn settings(variables: &[(&str, &str)], arguments: &[&str]) -> Side {
        Side::Current(Settings {
            variables: variables.iter().map(|&(n, v)| (n.into(), v.into())).collect(),
            arguments: arguments.iter().map(OsString::from).collect(),
        })
    }

    #[test]
    fn settings_are_arguments_or_variables() {
        assert_eq!(parse("flags:").unwrap(), settings(&[], &[]));
        assert_eq!(parse("flags:--dtype bf16").unwrap(), settings(&[], &["--dtype", "bf16"]));
        let expected = settings(&[("A", "1"), ("B", "x=y")], &[]);
        assert_eq!(parse("env:A=1 B=x=y").unwrap(), expected);
        let expected = settings(&[("A", "1")], &["--threads", "2"]);
        assert_eq!(parse("env:A=1 --threads 2").unwrap(), expected);
        assert!(parse("env:A").is_err());
        assert!(parse("env:=1").is_err());
    }

    #[test]
    fn files_come_before_commits_and_all_else_is_refused() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        assert_eq!(parse(file).unwrap(), Side::Saved(file.into()));
        let error = parse("no-such-thing").unwrap_err().to_string();
        assert!(error.starts_with("`no-such-thing` is no file and no commit"), "{error}");
        assert!(parse("--all").is_err());
    }
}
