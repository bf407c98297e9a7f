//! Runs recorded sets (by default the one of this repository) and prints the
//! tables of `docs/fidelity.md`: the largest absolute difference of each kind of
//! stage, over all cases and case by case.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tts_golden::{GoldenError, Outcome, Row, run_set};

/// A kind of stage, in the order of the pipeline.
const KINDS: [&str; 10] = [
    "embeddings",
    "talker hidden",
    "talker logits",
    "predictor hidden",
    "predictor logits",
    "codec to upsampling",
    "codec blocks",
    "waveform",
    "scores",
    "probabilities",
];

fn kind(row: &Row) -> &'static str {
    let stage = row.stage.as_str();
    match stage {
        s if s.starts_with("scores.") => KINDS[8],
        s if s.starts_with("probs.") => KINDS[9],
        s if s.starts_with("wav") => KINDS[7],
        s if s.starts_with("stage.decoder") => KINDS[6],
        s if s.starts_with("stage.") => KINDS[5],
        s if s.ends_with("predictor_logits") => KINDS[4],
        s if s.ends_with("predictor_hidden") => KINDS[3],
        s if s.ends_with("logits") || s.ends_with("scores") => KINDS[2],
        s if s.ends_with("hidden") || s.ends_with("predictor_input") => KINDS[1],
        _ => KINDS[0],
    }
}

/// Largest difference, its bound and its case.
type Worst<'a> = BTreeMap<&'static str, (f64, f64, &'a str)>;

fn keep<'a>(worst: &mut Worst<'a>, row: &'a Row) {
    if let Outcome::Difference { max_abs, bound } = row.outcome {
        let entry = worst.entry(kind(row)).or_insert((-1.0, bound, ""));
        if max_abs > entry.0 {
            *entry = (max_abs, bound, &row.case);
        }
    }
}

fn main() -> Result<(), GoldenError> {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden");
    let mut sets: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if sets.is_empty() {
        sets.push(own.into());
    }
    let mut rows = Vec::new();
    for set in &sets {
        rows.extend(run_set(set)?);
    }
    let (mut all, mut cases) = (Worst::new(), BTreeMap::<&str, (Worst<'_>, usize, usize)>::new());
    for row in &rows {
        keep(&mut all, row);
        let (worst, equal, failed) = cases.entry(&row.case).or_default();
        keep(worst, row);
        *equal += usize::from(row.outcome == Outcome::Equal(true));
        *failed += usize::from(!row.passed());
    }
    println!("| stage | largest difference | bound | case |\n| --- | --- | --- | --- |");
    for kind in KINDS {
        if let Some((max_abs, bound, case)) = all.get(kind) {
            println!("| {kind} | {max_abs:.1e} | {bound:.0e} | {case} |");
        }
    }
    println!("\n| case | integers equal | {} | failed |", KINDS.join(" | "));
    println!("| --- {}", "| --- ".repeat(KINDS.len() + 2) + "|");
    for (case, (worst, equal, failed)) in cases {
        let values = KINDS.map(|kind| {
            worst.get(kind).map_or_else(|| "–".to_owned(), |(max_abs, ..)| format!("{max_abs:.1e}"))
        });
        println!("| {case} | {equal} | {} | {failed} |", values.join(" | "));
    }
    Ok(())
}
