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

#[test]
fn a_megabyte_takes_well_under_a_second() {
    for unit in UNITS {
        let text = unit.repeat(1_000_000 / unit.len());
        let split = || {
            let start = Instant::now();
            let pieces = split_sentences(&text, SplitLimits::default());
            (start.elapsed(), pieces.len())
        };
        // A machine that is busy for a moment gets a second and a third try.
        let mut best = split();
        for _ in 0..2 {
            if best.0 >= Duration::from_secs(2) {
                best = best.min(split());
            }
        }
        let (time, pieces) = best;
        assert!(time < Duration::from_secs(2), "{unit:?}: {time:?}, {pieces} pieces");
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
