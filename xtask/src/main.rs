//! Development tasks of this workspace, run as `cargo xtask <command>`.
//!
//! This crate builds and drives programs. It links no model crate, so that it
//! compiles in seconds and works while the engine does not build.

mod audit;
mod bench;
mod examples;
mod fuzz;
mod golden;
mod gpu;
mod profile;
mod source;
mod tidy;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};
use clap::{Parser, Subcommand};

/// Development tasks of this workspace.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check the architecture rules that the compiler does not.
    Tidy,
    /// List every place where the host waits for the device, and check the marks there.
    AuditGpuSyncs(audit::Args),
    /// Run every example of the workspace.
    Examples,
    /// Search for inputs that break a promise (runs `cargo fuzz`).
    Fuzz(fuzz::Args),
    /// Compare the engine with recorded reference results (runs `tts-golden`).
    Golden(golden::Args),
    /// Prepare what proves and times the engine on a machine with a GPU.
    #[command(subcommand)]
    Gpu(gpu::Gpu),
    /// Show where the time goes.
    #[command(subcommand)]
    Profile(profile::Profile),
    /// Find out whether a change made the engine slower.
    #[command(subcommand)]
    Bench(bench::Bench),
}

fn main() -> Result<ExitCode> {
    let root = workspace_root()?;
    match Cli::parse().command {
        Command::Tidy => tidy::run(&root),
        Command::AuditGpuSyncs(args) => audit::run(&root, &args),
        Command::Examples => examples::run(&root),
        Command::Fuzz(args) => fuzz::run(&root, &args),
        Command::Golden(args) => golden::run(&root, &args),
        Command::Gpu(gpu) => gpu::run(&root, &gpu),
        Command::Profile(profile) => profile::run(&root, &profile),
        Command::Bench(bench) => Ok(bench::run(&root, &bench)),
    }
}

/// The members of the workspace, as cargo sees them.
fn metadata(root: &Path) -> Result<Metadata> {
    MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo metadata failed")
}

/// The directory above this package when started by cargo, else the current one.
fn workspace_root() -> Result<PathBuf> {
    let manifest_dir = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    match manifest_dir.as_deref().and_then(|dir| dir.parent()) {
        Some(root) => Ok(root.to_path_buf()),
        None => env::current_dir().context("no current directory"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
