//! `cargo xtask tidy`: the architecture rules that the compiler does not check.
//!
//! A rule is a function from the [`Workspace`] to its findings. To add one,
//! write the function in a file of its own and name it in [`RULES`].

mod examples;
mod externals;
mod file_length;
mod layers;
mod manifests;
mod markers;
mod panics;
mod span_names;
mod unsafe_code;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::source::workspace::Workspace;
use crate::source::{test_code, tokens, workspace};

/// A named check.
struct Rule {
    name: &'static str,
    check: fn(&Workspace) -> Vec<Finding>,
}

const RULES: &[Rule] = &[
    Rule { name: "layering", check: layers::check },
    Rule { name: "externals", check: externals::check },
    Rule { name: "examples", check: examples::check },
    Rule { name: "manifests", check: manifests::check },
    Rule { name: "span-names", check: span_names::check },
    Rule { name: "panics", check: panics::check },
    Rule { name: "unsafe-code", check: unsafe_code::check },
    Rule { name: "file-length", check: file_length::check },
    Rule { name: "markers", check: markers::check },
];

/// What a rule objects to, and where.
#[derive(Debug, PartialEq)]
struct Finding {
    /// Path below the workspace root.
    file: String,
    /// Line, from 1, where the rule knows one.
    line: Option<usize>,
    message: String,
}

impl Finding {
    fn in_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, message: message.into() }
    }

    fn at_line(file: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::in_file(file, message) }
    }
}

/// A finding with the name of the rule it breaks, as it is printed.
struct Violation {
    rule: &'static str,
    finding: Finding,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { file, line, message } = &self.finding;
        match line {
            Some(line) => write!(f, "{file}:{line}: {}: {message}", self.rule),
            None => write!(f, "{file}: {}: {message}", self.rule),
        }
    }
}

/// Checks the workspace at `root`, prints what it finds and fails if it finds
/// anything.
pub(crate) fn run(root: &Path) -> Result<ExitCode> {
    let workspace = Workspace::load(root)?;
    let violations = violations(&workspace);
    for violation in &violations {
        println!("{violation}");
    }
    if violations.is_empty() {
        println!(
            "tidy: {} packages and {} files keep {} rules",
            workspace.packages.len(),
            workspace.files.len(),
            RULES.len(),
        );
        Ok(ExitCode::SUCCESS)
    } else {
        Ok(ExitCode::FAILURE)
    }
}

fn violations(workspace: &Workspace) -> Vec<Violation> {
    RULES
        .iter()
        .flat_map(|rule| {
            let findings = (rule.check)(workspace).into_iter();
            findings.map(|finding| Violation { rule: rule.name, finding })
        })
        .collect()
}
