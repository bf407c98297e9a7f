//! The `tts` program: a thin layer over the crate `tts`.
//!
//! Exit codes: 0 done, 1 synthesis failed, 2 wrong usage or unusable request,
//! 3 unusable model, 4 output could not be written.

mod args;
mod error;
mod inspect;
mod model;
mod plot;
mod progress;
mod say;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Say(args) => say::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Plot(args) => plot::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tts: {}", with_causes(&error));
            ExitCode::from(error.exit_code())
        }
    }
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
