//! Tokenizer files: any are refused, or encode any text, in pieces as in the whole.

use std::cell::LazyCell;

use tts_checkpoint::{Checkpoint, ModelConfig, ModelFiles};
use tts_text::{Literals, SplitRule, Tokenizer};

use crate::sections::{ModelDirectory, sections};
use crate::text;

thread_local! {
    static DIRECTORY: LazyCell<(ModelDirectory, ModelConfig)> = const { LazyCell::new(|| {
        let files = ModelFiles::Embedded(tts_fixture::FILES);
        let checkpoint = Checkpoint::open(files).expect("the embedded model is complete");
        (ModelDirectory::new(), checkpoint.config)
    }) };
}

/// Runs one input: `vocab.json`, `merges.txt`, `tokenizer_config.json`, `tokenizer.json`
/// and a text. An empty file is one that is missing.
///
/// # Panics
/// If a promise is broken.
pub fn run(input: &[u8]) {
    let [vocabulary, merges, config, tokenizer, words] = sections::<5>(input);
    DIRECTORY.with(|shared| {
        let (directory, model) = &**shared;
        for (name, content) in [
            ("vocab.json", vocabulary),
            ("merges.txt", merges),
            ("tokenizer_config.json", config),
            ("tokenizer.json", tokenizer),
        ] {
            if content.is_empty() { directory.remove(name) } else { directory.write(name, content) }
        }
        let loaded = Tokenizer::load(&directory.files(), model, SplitRule::Qwen2);
        let Ok(tokenizer) = loaded else { return };
        let words = String::from_utf8_lossy(words);
        let limit = model.talker_config.text_vocab_size;
        for literals in [Literals::Neutralised, Literals::Special] {
            let ids = tokenizer.encode(&words, literals).expect("a short text is encoded");
            assert!(ids.iter().all(|&id| (id as usize) < limit), "an id of no row: {ids:?}");
        }
        text::pieces(&tokenizer, &words, 3);
    });
}
