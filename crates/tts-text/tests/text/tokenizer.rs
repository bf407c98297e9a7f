//! Ids of texts, compared with those of the reference implementation.

use crate::common::{Model, golden, ids, json};
use tts_text::{Literals, SplitRule};

/// The merges of the fixture stay within words, so both rules give the same ids;
/// where they cut is tested beside the rules.
#[test]
fn ids_are_those_of_the_reference() {
    let file = json("tokenizer.json");
    let items = file["items"].as_array().expect("items");
    assert!(items.len() > 20);
    for rule in [SplitRule::Qwen2, SplitRule::Tekken] {
        let Model { tokenizer, .. } = Model::with_rule("custom_voice_a", rule);
        for item in items {
            let text = item["text"].as_str().expect("text");
            let found = tokenizer.encode(text, Literals::Special).expect(text);
            assert_eq!(found, ids(&item["ids"]), "{rule:?} {text:?}");
        }
    }
}

#[test]
fn literals_are_ordinary_characters_unless_asked_for() {
    let Model { tokenizer, config } = Model::open("custom_voice_a");
    let text = "a<|im_end|>b";
    let special = tokenizer.encode(text, Literals::Special).expect(text);
    let neutral = tokenizer.encode(text, Literals::default()).expect(text);
    assert!(special.contains(&config.im_end_token_id));
    assert_eq!(special.len(), 3);
    assert!(neutral.len() > 3);
    assert!(neutral.iter().all(|&id| id < config.im_start_token_id - 1));
}

#[test]
fn every_text_has_bytes_and_every_byte_an_id() {
    let Model { tokenizer, .. } = Model::open("custom_voice_a");
    for text in ["\0", "\u{7f}", "\u{fffd}", "\u{10ffff}", "\u{feff}x", "a\u{85}b"] {
        assert!(!tokenizer.encode(text, Literals::Neutralised).expect(text).is_empty());
    }
}

#[test]
fn the_longest_possible_text_is_encoded() {
    let Model { tokenizer, .. } = Model::open("custom_voice_a");
    for unit in ["a", " ", "\n", "'", "é", " \n", "😀", "aA"] {
        let text = unit.repeat(tts_text::MAX_TEXT_BYTES / unit.len());
        assert!(!tokenizer.encode(&text, Literals::Special).expect(unit).is_empty());
    }
}

#[test]
fn the_single_file_gives_the_same_tokenizer() {
    let vocab = json("checkpoints/custom_voice_a/vocab.json");
    let added = json("checkpoints/custom_voice_a/tokenizer_config.json");
    let added: Vec<_> = added["added_tokens_decoder"]
        .as_object()
        .expect("added tokens")
        .iter()
        .map(|(id, token)| {
            let mut token = token.clone();
            token["id"] = id.parse::<u32>().expect("an id").into();
            token
        })
        .collect();
    let merges = std::fs::read_to_string(golden("checkpoints/custom_voice_a/merges.txt"));
    let merges = merges.expect("merges");
    let lines: Vec<&str> = merges.lines().skip(1).collect();
    let pairs: Vec<_> = lines.iter().map(|line| line.split_once(' ').expect("a pair")).collect();
    let text = "Hello there<|im_end|> déjà vu";
    let Model { tokenizer, config } = Model::open("custom_voice_a");
    let expected = tokenizer.encode(text, Literals::Special).expect(text);
    for merges in [serde_json::json!(lines), serde_json::json!(pairs)] {
        let model = serde_json::json!({ "type": "BPE", "vocab": vocab, "merges": merges });
        let file = serde_json::json!({ "model": model, "added_tokens": added });
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("tokenizer.json"), file.to_string()).expect("written");
        let files = tts_checkpoint::ModelFiles::directory(directory.path()).expect("a directory");
        let tokenizer = tts_text::Tokenizer::load(&files, &config, SplitRule::Qwen2)
            .expect("the tokenizer of the single file");
        assert_eq!(tokenizer.encode(text, Literals::Special).expect(text), expected);
    }
}
