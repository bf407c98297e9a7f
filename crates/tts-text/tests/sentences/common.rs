use tts_text::{Pause, SplitLimits, split_sentences};

/// Every sentence is a piece.
pub(crate) const EACH: SplitLimits = SplitLimits { target_chars: 1, max_chars: 1000 };

/// Checks texts in which a `|` marks every place where a sentence ends.
pub(crate) fn check(marked: &[&str]) {
    let wrong: Vec<String> = marked.iter().filter_map(|marked| difference(marked)).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), marked.len(), wrong.join("\n"));
}

fn difference(marked: &str) -> Option<String> {
    let text = marked.replace('|', "");
    let found = texts(&text, EACH);
    let expected: Vec<&str> = marked.split('|').map(str::trim).collect();
    (found != expected).then(|| format!("expected {expected:?}\n   found {found:?}"))
}

pub(crate) fn texts(text: &str, limits: SplitLimits) -> Vec<&str> {
    split_sentences(text, limits).into_iter().map(|piece| piece.text).collect()
}

pub(crate) fn pauses(text: &str, limits: SplitLimits) -> Vec<Pause> {
    split_sentences(text, limits).into_iter().map(|piece| piece.pause).collect()
}
