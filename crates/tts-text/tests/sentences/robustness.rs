use std::time::{Duration, Instant};

use tts_text::{SplitLimits, split_sentences};

/// Texts of which every rule could be slow on one.
const UNITS: [&str; 20] = [
    "The quick brown fox, they say, jumps. ",
    "敏捷的狐狸，跳过了懒狗。",
    "a",
    ".",
    ". ",
    "a. ",
    "1. ",
    " ",
    "\n",
    "a\n",
    "\n\n-",
    "(",
    "(]",
    "「。",
    "\" ",
    ", ",
    "😀",
    "\u{301}",
    "👩\u{200d}",
    "一",
];

/// Eight times the text may take eight times as long; a rule that looks at all of it from every
/// letter would take 64 times as long.
#[test]
fn time_grows_with_the_length() {
    let time = |unit: &str, bytes: usize| {
        let text = unit.repeat(bytes / unit.len());
        let run = || {
            let start = Instant::now();
            let pieces = split_sentences(&text, SplitLimits::default());
            drop(pieces);
            start.elapsed()
        };
        (0..3).map(|_| run()).min().unwrap_or_default()
    };
    for unit in UNITS {
        let (short, long) = (time(unit, 125_000), time(unit, 1_000_000));
        assert!(long < 32 * short.max(Duration::from_millis(1)), "{unit:?}: {short:?}, {long:?}");
    }
}

#[test]
fn unusual_text_is_cut_without_loss() {
    for text in [
        "👩\u{200d}👩\u{200d}👧\u{200d}👦! 🇩🇪🇫🇷. 👍🏽?",
        "שלום. מה שלומך? טוב!",
        "مرحبا. كيف حالك؟ بخير!",
        "\u{202e}abc. Def\u{202c}.",
        "\u{0}\u{1}\u{7f}. A\u{0}. B",
        "\u{301}. \u{301}A. \u{200d}",
        "\u{feff}One. Two.",
        "\u{10ffff}. \u{e000}",
        "हिन्दी। वाक्य.",
        "ไทยไม่มีช่องว่าง",
    ] {
        for max_chars in 1..=text.chars().count() {
            let limits = SplitLimits { target_chars: 3, max_chars };
            let pieces: String =
                split_sentences(text, limits).iter().map(|piece| piece.text).collect();
            let blank = char::is_whitespace;
            assert_eq!(pieces.replace(blank, ""), text.replace(blank, ""), "{max_chars}");
        }
    }
}

#[test]
fn sentences_of_right_to_left_scripts_are_found() {
    let each = SplitLimits { target_chars: 1, max_chars: 100 };
    assert_eq!(split_sentences("שלום. מה שלומך? טוב!", each).len(), 3);
    assert_eq!(split_sentences("مرحبا. كيف حالك؟ بخير!", each).len(), 3);
}
