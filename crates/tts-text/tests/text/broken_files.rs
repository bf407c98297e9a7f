//! Tokenizer files that are missing, damaged or belong to another model.

use crate::common::{config, golden};
use serde_json::{Value, json};
use tempfile::TempDir;
use tts_checkpoint::{ModelConfig, ModelFiles};
use tts_text::{SplitRule, TextError, Tokenizer};

const FILES: [&str; 3] = ["vocab.json", "merges.txt", "tokenizer_config.json"];

/// A copy of the tokenizer files of a fixture, to be damaged.
struct Copy {
    directory: TempDir,
    config: ModelConfig,
}

impl Copy {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for name in FILES {
            let source = golden("checkpoints/custom_voice_a").join(name);
            std::fs::copy(source, directory.path().join(name)).expect(name);
        }
        Self { directory, config: config("custom_voice_a") }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.directory.path().join(name), content).expect(name);
    }

    fn edit(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let text = std::fs::read(self.directory.path().join(name)).expect(name);
        let mut value = serde_json::from_slice(&text).expect(name);
        change(&mut value);
        self.write(name, value.to_string());
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.directory.path().join(name)).expect(name);
    }

    fn error(&self) -> TextError {
        let files = ModelFiles::directory(self.directory.path()).expect("a directory");
        Tokenizer::load(&files, &self.config, SplitRule::Qwen2).expect_err("a damaged tokenizer")
    }

    fn message(&self) -> String {
        self.error().to_string()
    }
}

#[test]
fn missing_files_are_named() {
    let copy = Copy::new();
    copy.remove("tokenizer_config.json");
    assert!(copy.message().contains("tokenizer_config.json"));
    copy.remove("merges.txt");
    assert!(copy.message().contains("merges.txt"));
    copy.remove("vocab.json");
    assert!(matches!(copy.error(), TextError::NoTokenizer { .. }));
}

#[test]
fn malformed_files_are_named() {
    for name in FILES {
        let copy = Copy::new();
        copy.write(name, [b'{', 0xff, b'\n']);
        assert!(copy.message().contains(name), "{}", copy.message());
    }
}

#[test]
fn merges_need_two_tokens_of_the_vocabulary() {
    let copy = Copy::new();
    for (line, problem) in [
        ("er", "expected two tokens"),
        ("e r x", "expected two tokens"),
        ("er xyz", "\"xyz\" is not in the vocabulary"),
        ("z q", "\"zq\" is not in the vocabulary"),
    ] {
        copy.write("merges.txt", format!("#version: 0.2\ne r\n{line}\n"));
        let message = copy.message();
        assert!(message.contains("merges.txt: merge rule 2"), "{message}");
        assert!(message.contains(problem), "{message}");
    }
}

#[test]
fn all_bytes_need_a_symbol() {
    let copy = Copy::new();
    copy.write("merges.txt", "#version: 0.2\n");
    copy.edit("vocab.json", |vocab| {
        let tokens = vocab.as_object_mut().expect("a map");
        assert!(tokens.remove("~").is_some());
        assert!(tokens.remove("Ġ").is_some());
    });
    assert!(matches!(copy.error(), TextError::ByteSymbols { missing: 2, first: '~', .. }));
}

#[test]
fn ids_have_to_be_rows_of_the_embedding() {
    let mut copy = Copy::new();
    copy.config.talker_config.text_vocab_size = 520;
    assert!(matches!(copy.error(), TextError::IdOutOfRange { rows: 520, .. }));
}

#[test]
fn ids_have_to_be_those_of_the_configuration() {
    type Field = fn(&mut ModelConfig) -> &mut u32;
    let fields: [(&str, Field); 5] = [
        ("im_start_token_id", |config| &mut config.im_start_token_id),
        ("im_end_token_id", |config| &mut config.im_end_token_id),
        ("tts_pad_token_id", |config| &mut config.tts_pad_token_id),
        ("tts_bos_token_id", |config| &mut config.tts_bos_token_id),
        ("tts_eos_token_id", |config| &mut config.tts_eos_token_id),
    ];
    for (name, field) in fields {
        let mut copy = Copy::new();
        *field(&mut copy.config) += 1;
        assert!(copy.message().contains(name), "{}", copy.message());
    }
    let mut copy = Copy::new();
    copy.config.assistant_token_id = Some(7);
    assert!(copy.message().contains("assistant_token_id"), "{}", copy.message());
}

#[test]
fn assistant_has_to_be_one_token() {
    let copy = Copy::new();
    copy.write("merges.txt", "#version: 0.2\n");
    assert!(matches!(copy.error(), TextError::NotOneToken { word: "assistant", .. }));
}

#[test]
fn added_tokens_are_matched_as_they_stand() {
    for (field, value) in
        [("lstrip", json!(true)), ("single_word", json!(true)), ("content", json!(""))]
    {
        let copy = Copy::new();
        copy.edit("tokenizer_config.json", |config| {
            config["added_tokens_decoder"]["496"][field] = value;
        });
        assert!(matches!(copy.error(), TextError::AddedToken { .. }), "{field}");
    }
}

#[test]
fn the_single_file_has_to_be_a_bpe() {
    let copy = Copy::new();
    copy.remove("vocab.json");
    copy.write(
        "tokenizer.json",
        json!({ "model": { "type": "Unigram", "vocab": {}, "merges": [] } }).to_string(),
    );
    assert!(copy.message().contains("\"Unigram\"; expected \"BPE\""), "{}", copy.message());
}
