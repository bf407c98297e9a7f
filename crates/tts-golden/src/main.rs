//! `tts-golden DIR...`: runs golden sets and prints a row per comparison. Exit
//! code 1 if any comparison fails or a case is not supported.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tts::{DeviceName, Precision};
use tts_golden::{Outcome, Row, Target, run_set};

/// Compares this engine with recorded results of the official implementation.
#[derive(Debug, Parser)]
struct Args {
    /// Directories with manifest.json, checkpoints/ and one safetensors per case
    #[arg(required = true)]
    directories: Vec<PathBuf>,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: DeviceName,
    /// How language models compute: f32, or another precision for what does not depend on drawn tokens
    #[arg(long, value_name = "PRECISION", default_value = "f32")]
    dtype: Precision,
    /// Only this case
    #[arg(long, value_name = "ID")]
    case: Option<String>,
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
    let target = match args.device.open() {
        Ok(device) => Target { device, precision: args.dtype },
        Err(error) => {
            eprintln!("tts-golden: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (mut total, mut failed) = (0, 0);
    for directory in &args.directories {
        match run_set(directory, &target, args.case.as_deref()) {
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
