//! `cargo xtask audit-gpu-syncs`: every place where the host waits for the device.
//!
//! Every read is found in the parsed sources ([`reads`] has the list of them), whether it
//! is configured away, in a macro call or in a macro definition. It must have a mark
//! ([`scan`] says where), and reads of every frame must be justified in `audit.toml`.
//! [`finding::Rule`] lists what is refused.
//!
//! Reads by names outside the list are not seen, nor calls that a procedural macro
//! makes. A class is what the mark claims; that it holds is counted at run time.

mod budget;
mod finding;
mod formats;
mod json;
mod macros;
mod marks;
mod names;
mod reads;
mod report;
mod sarif;
mod scan;
mod site;
mod table;
mod types;
mod unparsed;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;
use serde_json::Value;

use budget::Budget;

use crate::source::workspace::Workspace;

/// How the audit is printed.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Aligned columns
    Table,
    /// One object with sites and findings
    Json,
    /// SARIF 2.1.0
    Sarif,
}

/// Audits the workspace at `root`: what `--format json` prints.
pub(crate) fn as_json(root: &Path) -> Result<Value> {
    Ok(json::value(&report::audit(&Workspace::load(root)?, &Budget::load(root)?)?))
}

/// Audits the workspace at `root`, prints all reads and fails if a rule is broken.
pub(crate) fn run(root: &Path, args: &Args) -> Result<ExitCode> {
    let report = report::audit(&Workspace::load(root)?, &Budget::load(root)?)?;
    let text = match args.format {
        Format::Table => table::render(&report),
        Format::Json => format!("{:#}\n", json::value(&report)),
        Format::Sarif => format!("{:#}\n", sarif::value(&report)),
    };
    print!("{text}");
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
