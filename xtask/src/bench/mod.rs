//! `cargo xtask bench`: whether a change made the engine slower.
//!
//! `compare` measures time and says how sure it is; `gate` and `overhead` count instructions,
//! which a busy machine does not change; `erased` looks at the program itself. All end with exit code 0 when all is well, 1 when
//! something got slower, and 2 when that could not be found out.

mod build;
mod callgrind;
mod compare;
mod erased;
mod gate;
mod overhead;
mod percent;
mod record;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

/// Exit code of a command that could not measure or compare.
const NOT_MEASURED: u8 = 2;

#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Say which of two builds, settings or saved results of `e2e_bench` is faster.
    Compare(compare::Args),
    /// Count the instructions of an utterance and compare with the recorded count.
    Gate(gate::Args),
    /// Check that profiling costs nothing while nobody listens.
    Overhead(overhead::Args),
    /// Check that a build without the feature is the one without the macros.
    Erased,
}

pub(crate) fn run(root: &Path, bench: &Bench) -> ExitCode {
    let passed = match bench {
        Bench::Compare(args) => compare::run(root, args),
        Bench::Gate(args) => gate::run(root, args),
        Bench::Overhead(args) => overhead::run(root, args),
        Bench::Erased => erased::run(root),
    };
    exit_code(passed)
}

/// 0 for a check that passed, 1 for one that did not; an error is printed.
fn exit_code(passed: Result<bool>) -> ExitCode {
    match passed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(NOT_MEASURED)
        }
    }
}
