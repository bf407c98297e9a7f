//! `tts-golden DIR...`: runs golden sets and prints a row per comparison. Exit
//! code 1 if any comparison fails or a case is not supported.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tts_golden::{Outcome, Row, run_set};

/// Compares this engine with recorded results of the official implementation.
#[derive(Debug, Parser)]
struct Args {
    /// Directories with manifest.json, checkpoints/ and one safetensors per case
    #[arg(required = true)]
    directories: Vec<PathBuf>,
    /// Print one JSON object per comparison
    #[arg(long)]
    json: bool,
}

fn json(row: &Row) -> serde_json::Value {
    let mut value = serde_json::json!({
        "case": row.case, "stage": row.stage, "pass": row.passed(),
    });
    match &row.outcome {
        Outcome::Difference { max_abs, bound } => {
            value["max_abs"] = (*max_abs).into();
            value["bound"] = (*bound).into();
        }
        Outcome::Equal(_) => {}
        Outcome::Failed(why) => value["problem"] = why.as_str().into(),
        Outcome::NotSupported => value["problem"] = "not supported".into(),
    }
    value
}

fn main() -> ExitCode {
    let args = Args::parse();
    let (mut total, mut failed) = (0, 0);
    for directory in &args.directories {
        match run_set(directory) {
            Ok(rows) => {
                for row in rows {
                    total += 1;
                    failed += usize::from(!row.passed());
                    if args.json {
                        println!("{}", json(&row));
                    } else {
                        println!("{row}");
                    }
                }
            }
            Err(error) => {
                failed += 1;
                eprintln!("tts-golden: {error}");
            }
        }
    }
    eprintln!("{total} comparisons, {failed} failed");
    if failed == 0 && total > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
