//! Runs the recorded set of this repository and prints, for each kind of stage,
//! the comparison that comes closest to its bound.

use std::collections::BTreeMap;
use std::path::Path;

use tts_golden::{GoldenError, Outcome, run_set};

fn main() -> Result<(), GoldenError> {
    let set = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden"));
    let mut worst: BTreeMap<String, (f64, f64, String)> = BTreeMap::new();
    for row in run_set(set)? {
        if let Outcome::Difference { max_abs, bound } = row.outcome {
            let stage: String = row.stage.chars().filter(|c| !c.is_ascii_digit()).collect();
            let stage = if row.case == "sampling" {
                stage.split('.').next().unwrap_or_default().to_owned() + " (sampling)"
            } else {
                stage
            };
            let entry = worst.entry(stage).or_insert((-1.0, bound, String::new()));
            if max_abs > entry.0 {
                *entry = (max_abs, bound, row.case);
            }
        }
    }
    for (stage, (max_abs, bound, case)) in worst {
        println!("| {stage} | {max_abs:.1e} | {bound:.0e} | {case} |");
    }
    Ok(())
}
