//! Every input of the corpora keeps the promises.

use std::path::{Path, PathBuf};

use tts_fuzz::TARGETS;

fn inputs(target: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries = directory.read_dir().unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_input_of_every_corpus_is_handled() {
    for (name, run) in TARGETS {
        let inputs = inputs(name);
        assert!(!inputs.is_empty(), "{name} has no corpus");
        for input in inputs {
            println!("{}", input.display());
            run(&std::fs::read(input).unwrap());
        }
    }
}

#[test]
fn corpora_and_targets_are_the_same() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").read_dir().unwrap();
    let mut corpora: Vec<_> =
        corpora.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    corpora.sort_unstable();
    assert_eq!(corpora, TARGETS.map(|(name, _)| name));
}
