//! Text in pieces has the ids of the whole text.

use std::path::PathBuf;

use tts_checkpoint::{Checkpoint, ModelFiles};
use tts_text::{
    Layout, Literals, PromptRequest, Speaker, SplitRule, TextError, TextFeed, Tokenizer,
    build_prompt, open_prompt,
};

fn checkpoint(name: &str) -> Checkpoint {
    let home = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/checkpoints");
    Checkpoint::open(ModelFiles::directory(home.join(name)).unwrap()).unwrap()
}

fn tokenizer(rule: SplitRule) -> Tokenizer {
    let checkpoint = checkpoint("custom_voice_a");
    Tokenizer::load(&checkpoint.files, &checkpoint.config, rule).unwrap()
}

fn fed(tokenizer: &Tokenizer, pieces: &[&str]) -> Result<Vec<u32>, TextError> {
    let mut feed = TextFeed::new();
    let mut ids = Vec::new();
    for piece in pieces {
        ids.extend(feed.append(tokenizer, piece)?);
    }
    ids.extend(feed.finish(tokenizer)?);
    Ok(ids)
}

/// A small generator with a fixed sequence (Knuth's MMIX constants).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

#[test]
fn any_pieces_of_any_text_give_the_ids_of_the_whole() {
    // Letters of both cases, contractions, digits, spaces, newlines, punctuation that
    // takes newlines and slashes along, marks that compose and reorder, Hangul
    // letters that join, scripts without spaces, emoji.
    let alphabet: Vec<char> = "aBrsdt'l1２ \n\r\t\u{a0}.!-/—“、。中文ら한\u{1100}\u{1161}\u{11a8}\
                               é\u{301}\u{323}\u{315}\u{94d}न🎉\u{200d}<|"
        .chars()
        .collect();
    let mut random = Random(7);
    for rule in [SplitRule::Qwen2, SplitRule::Tekken] {
        let tokenizer = tokenizer(rule);
        for _ in 0..3000 {
            let length = 1 + random.below(14);
            let text: String =
                (0..length).map(|_| alphabet[random.below(alphabet.len())]).collect();
            let mut pieces = vec![String::new()];
            for c in text.chars() {
                if random.below(2) == 0 {
                    pieces.push(String::new());
                }
                pieces.last_mut().unwrap().push(c);
            }
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let whole = tokenizer.encode(text.trim(), Literals::Neutralised).unwrap();
            match fed(&tokenizer, &pieces) {
                Ok(ids) => assert_eq!(ids, whole, "{rule:?} {pieces:?}"),
                Err(TextError::Empty { .. }) => assert!(whole.is_empty(), "{pieces:?}"),
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn words_are_given_out_as_soon_as_the_next_one_begins() {
    let tokenizer = tokenizer(SplitRule::Qwen2);
    let mut feed = TextFeed::new();
    assert!(feed.append(&tokenizer, "  Hel").unwrap().is_empty());
    assert!(feed.append(&tokenizer, "lo").unwrap().is_empty());
    let hello = feed.append(&tokenizer, " wor").unwrap();
    assert_eq!(hello, tokenizer.encode("Hello", Literals::Neutralised).unwrap());
    assert!(feed.append(&tokenizer, "ld").unwrap().is_empty());
    let world = feed.append(&tokenizer, ". ").unwrap();
    assert_eq!(world, tokenizer.encode(" world.", Literals::Neutralised).unwrap());
    let chinese = feed.append(&tokenizer, "今天很好，我们").unwrap();
    assert_eq!(chinese, tokenizer.encode(" 今天很好", Literals::Neutralised).unwrap());
}

#[test]
fn an_endless_word_is_refused_and_nothing_is_lost() {
    let tokenizer = tokenizer(SplitRule::Qwen2);
    let mut feed = TextFeed::new();
    feed.append(&tokenizer, "abc").unwrap();
    let error = feed.append(&tokenizer, &"x".repeat(1 << 20)).unwrap_err();
    assert!(matches!(error, TextError::TextTooLong { .. }), "{error}");
    let rest = feed.finish(&tokenizer).unwrap();
    assert_eq!(rest, tokenizer.encode("abc", Literals::Neutralised).unwrap());
}

#[test]
fn an_open_prompt_with_all_its_text_is_the_whole_prompt() {
    let checkpoint = checkpoint("custom_voice_a");
    let tokenizer = tokenizer(SplitRule::Qwen2);
    let config = &checkpoint.config;
    let request = PromptRequest {
        speaker: Speaker::Named("ryan"),
        instruct: Some("Slowly."),
        ..PromptRequest::new("Hello out there.", Layout::Streaming)
    };
    let whole = build_prompt(&tokenizer, config, &request).unwrap();
    let open = open_prompt(&tokenizer, config, &PromptRequest { text: "", ..request }).unwrap();
    assert_eq!(open.text_needed(), 1);
    let ids = tokenizer.encode(request.text, Literals::Neutralised).unwrap();
    let complete = open.with_text(config, &ids, true).unwrap();
    assert_eq!(complete.positions, whole.positions);
    assert_eq!(complete.trailing, whole.trailing);
    let partial = open.with_text(config, &ids[..2], false).unwrap();
    assert_eq!(partial.positions, whole.positions);
    assert_eq!(partial.trailing, ids[1..2]);
}
