//! `cargo xtask golden`: builds and runs the reference comparison.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Context, Result};

/// Everything after `golden`, options and `--help` included, goes to the program.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Arguments of `tts-golden`: DIR... [--json]
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

/// Runs `tts-golden` in release mode from the caller's directory and returns
/// its exit code.
pub(crate) fn run(root: &Path, args: &Args) -> Result<ExitCode> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = command(&cargo, root, &args.args)
        .status()
        .with_context(|| format!("cannot start {}", cargo.display()))?;
    Ok(exit_code(status))
}

fn command(cargo: &OsStr, root: &Path, args: &[OsString]) -> Command {
    let mut command = Command::new(cargo);
    command
        .args(["run", "--release"])
        .args(["--package", "tts-golden", "--bin", "tts-golden"])
        .arg("--manifest-path")
        .arg(root.join("Cargo.toml"))
        .arg("--")
        .args(args);
    command
}

/// The child's own code; 1 for a child that a signal ended.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn passes_every_argument_through() {
        let given = ["a dir", "--json", "--help", "-v"];
        let cli = Cli::try_parse_from(["golden"].iter().chain(&given)).unwrap();
        let command = command(OsStr::new("cargo"), Path::new("/root"), &cli.args.args);
        let passed: Vec<_> = command.get_args().skip_while(|arg| *arg != "--").skip(1).collect();
        assert_eq!(passed, given);
    }
}
