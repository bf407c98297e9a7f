//! Runs recorded sets (by default the one of this repository) and prints the
//! tables of `docs/fidelity.md`: the largest absolute difference of each kind of
//! stage, over all cases and case by case.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tts_golden::{GoldenError, Outcome, Row, Target, run_set};

/// The kinds of stages, in the order of the pipeline.
const KINDS: [&str; 15] = [
    "mel",
    "speaker encoder",
    "x-vector",
    "codec encoder",
    "resampling",
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
    let (case, stage) = (row.case.as_str(), row.stage.as_str());
    match stage {
        "snr" => "resampling",
        s if s.starts_with("mel") => "mel",
        s if s == "embedding" || s.starts_with("ref_speaker_embedding") => "x-vector",
        _ if case.starts_with("codec_encode") => "codec encoder",
        _ if case.starts_with("speaker") => "speaker encoder",
        s if s.starts_with("scores.") => "scores",
        s if s.starts_with("probs.") => "probabilities",
        s if s.starts_with("wav") => "waveform",
        s if s.starts_with("stage.decoder") => "codec blocks",
        s if s.starts_with("stage.") => "codec to upsampling",
        s if s.ends_with("predictor_logits") => "predictor logits",
        s if s.ends_with("predictor_hidden") => "predictor hidden",
        s if s.ends_with("logits") || s.ends_with("scores") => "talker logits",
        s if s.ends_with("hidden") || s.ends_with("predictor_input") => "talker hidden",
        _ => "embeddings",
    }
}

/// Largest difference, its bound and its case, by kind. Kinds whose stages have several
/// bounds show that of the largest difference.
type Worst<'a> = BTreeMap<&'static str, (f64, f64, &'a str)>;

fn keep<'a>(worst: &mut Worst<'a>, row: &'a Row) {
    if let Outcome::Difference { max_abs, bound } = row.outcome {
        let entry = worst.entry(kind(row)).or_insert((-1.0, bound, row.case.as_str()));
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
        rows.extend(run_set(set, &Target::default(), None)?);
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
    println!("\n| case | integers equal | largest differences | failed |");
    println!("| --- | --- | --- | --- |");
    for (case, (worst, equal, failed)) in cases {
        let values = KINDS.iter().filter_map(|kind| {
            worst.get(kind).map(|(max_abs, ..)| format!("{kind} {max_abs:.1e}"))
        });
        let values: Vec<String> = values.collect();
        println!("| {case} | {equal} | {} | {failed} |", values.join(", "));
    }
    Ok(())
}
