//! Text: sentences lose nothing of it, and pieces of it have the ids of the whole.

use std::sync::LazyLock;

use tts_checkpoint::{Checkpoint, ModelFiles};
use tts_text::{Literals, SplitLimits, SplitRule, TextFeed, Tokenizer, split_sentences};

static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| {
    let files = ModelFiles::Embedded(tts_fixture::FILES);
    let checkpoint = Checkpoint::open(files).expect("the embedded model is complete");
    Tokenizer::load(&checkpoint.files, &checkpoint.config, SplitRule::Qwen2)
        .expect("the embedded tokenizer loads")
});

/// Runs one input: two bytes for the limits of a sentence, one for the size of a piece,
/// and the text.
///
/// # Panics
/// If a promise is broken.
pub fn run(input: &[u8]) {
    let Some((&[target, most, step], text)) = input.split_first_chunk() else { return };
    let text = String::from_utf8_lossy(text);
    sentences(&text, SplitLimits { target_chars: target.into(), max_chars: most.into() });
    pieces(&TOKENIZER, &text, usize::from(step).max(1));
}

fn sentences(text: &str, limits: SplitLimits) {
    let visible = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let pieces = split_sentences(text, limits);
    let mut end = 0;
    for piece in &pieces {
        assert!(piece.range.start >= end, "pieces overlap");
        assert_eq!(text.get(piece.range.clone()), Some(piece.text));
        assert!(piece.text.chars().count() <= limits.max_chars.max(1), "{:?}", piece.text);
        assert!(!piece.text.trim().is_empty(), "an empty piece");
        end = piece.range.end;
    }
    let all: String = pieces.iter().map(|piece| piece.text).collect();
    assert_eq!(visible(&all), visible(text));
}

/// Feeds `text` to the tokenizer, `step` characters at a time.
pub(crate) fn pieces(tokenizer: &Tokenizer, text: &str, step: usize) {
    let mut feed = TextFeed::new();
    let mut fed = Vec::new();
    let characters: Vec<char> = text.chars().collect();
    for piece in characters.chunks(step) {
        let piece: String = piece.iter().collect();
        fed.extend(feed.append(tokenizer, &piece).expect("a short text is taken"));
    }
    match feed.finish(tokenizer) {
        Ok(last) => fed.extend(last),
        Err(error) => assert!(text.trim().is_empty(), "{error}"),
    }
    let whole = tokenizer.encode(text.trim(), Literals::Neutralised).expect("a short text");
    assert_eq!(fed, whole, "{text:?} in pieces of {step}");
}
