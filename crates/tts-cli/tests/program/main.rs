//! The program as a script sees it.

mod bad_models;
mod basics;
mod voices;

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs the program in a directory.
fn tts(directory: &Path, arguments: &[&str]) -> Output {
    run(directory, env!("CARGO_BIN_EXE_tts"), arguments)
}

/// Runs any program in a directory.
fn run(directory: &Path, program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}
