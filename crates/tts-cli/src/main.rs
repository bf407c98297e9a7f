//! The `tts` program: a thin layer over the crate `tts`.
//!
//! Exit codes: 0 done, 1 synthesis failed, 2 wrong usage or unusable request,
//! 3 unusable model, 4 output could not be written.

mod args;
mod codes;
mod error;
#[cfg(feature = "hub")]
mod hub;
mod inspect;
mod model;
mod output;
mod plot;
mod progress;
mod quantize;
mod say;
mod voice;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::args::{Cli, Command};
use crate::error::CliError;

fn main() -> ExitCode {
    let cli = Cli::parse();
    #[cfg(feature = "profiling")]
    let result = profiled(cli);
    #[cfg(not(feature = "profiling"))]
    let result = run(cli.command);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tts: {}", with_causes(&error));
            ExitCode::from(error.exit_code())
        }
    }
}

/// Runs the command and records it, if that is asked for; a summary goes to standard error.
#[cfg(feature = "profiling")]
fn profiled(cli: Cli) -> Result<(), CliError> {
    use tts_profiling::record::{Profile, Summary};
    if cli.profile.is_empty() {
        return run(cli.command);
    }
    let profile = Profile::start(cli.profile)?;
    run(cli.command)?;
    eprint!("{}", Summary::of(&profile.finish()?));
    Ok(())
}

fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Say(args) => say::run(&args),
        Command::Voice(command) => voice::run(&command),
        Command::Voices(args) => inspect::voices(&args),
        Command::Encode(args) => codes::encode(&args),
        Command::Decode(args) => codes::decode(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Quantize(args) => quantize::run(&args),
        Command::Plot(args) => plot::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "tts", &mut script);
            print(&script)
        }
        Command::Man => manual(),
    }
}

fn manual() -> Result<(), CliError> {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(Cli::command().name("tts")).render(&mut page);
    rendered.map_err(CliError::stdout)?;
    print(&page)
}

/// Writes to standard output.
fn print(bytes: &[u8]) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(CliError::stdout)
}

/// The message of an error and of those behind it that it does not repeat.
fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    message
}
