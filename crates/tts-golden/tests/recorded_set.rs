//! Every comparison of the recorded set holds.

use std::path::Path;

use tts_golden::{Row, Target, run_set};

#[test]
fn the_engine_equals_the_official_implementation() {
    let set = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden"));
    let rows = run_set(set, &Target::default(), None).unwrap();
    let failed: Vec<String> = rows.iter().filter(|row| !row.passed()).map(Row::to_string).collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), rows.len(), failed.join("\n"));
    // Nothing was skipped: every case of the manifest and the tokeniser.
    let cases: std::collections::BTreeSet<_> = rows.iter().map(|row| &row.case).collect();
    assert_eq!(cases.len(), 44);
}
