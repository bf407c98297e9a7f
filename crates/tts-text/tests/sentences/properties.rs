//! What holds for every text, on pseudo-random ones.

use tts_text::{Piece, SplitLimits, split_sentences};

/// Fragments of text that are likely to confuse a splitter.
const NASTY: [&str; 72] = [
    ".",
    "!",
    "?",
    "…",
    "...",
    "。",
    "！",
    "．",
    ",",
    "，",
    "、",
    ";",
    ":",
    "—",
    " - ",
    "\"",
    "'",
    "“",
    "”",
    "„",
    "«",
    "»",
    "(",
    ")",
    "「",
    "」",
    "）",
    "[",
    " ",
    " ",
    " ",
    "\n",
    "\n\n",
    "\r\n",
    "\t",
    "\u{a0}",
    "\u{3000}",
    "\u{200b}",
    "\u{feff}",
    "\u{301}",
    "\u{200d}",
    "\u{fe0f}",
    "\u{0}",
    "\u{202e}",
    "👩\u{200d}👧",
    "🇩🇪",
    "a",
    "B",
    "é",
    "Ж",
    "я",
    "你",
    "か",
    "한",
    "ש",
    "5",
    "12",
    "1,000.5",
    "Dr",
    "z. B.",
    "p. ex.",
    "Yes",
    "The",
    "Mai",
    "am",
    "word ",
    "- ",
    "1. ",
    "a) ",
    "*",
    "_",
    "http://a.b/c?d",
];

const LIMITS: [(usize, usize); 8] =
    [(1, 1), (1, 1000), (3, 4), (10, 10), (20, 60), (40, 45), (64, 80), (200, 300)];

/// xorshift64*: the same texts on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    fn text(&mut self) -> String {
        // Few different fragments in one text make rare combinations likely.
        let kinds = 2 + self.below(14);
        let alphabet: Vec<_> = (0..kinds).map(|_| NASTY[self.below(NASTY.len())]).collect();
        let length = self.below(60);
        (0..length).map(|_| alphabet[self.below(kinds)]).collect()
    }
}

/// Runs a check on thousands of texts and all limits.
fn for_each_text(check: impl Fn(&str, SplitLimits, &[Piece<'_>])) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..4000 {
        let text = random.text();
        for (target_chars, max_chars) in LIMITS {
            let limits = SplitLimits { target_chars, max_chars };
            check(&text, limits, &split_sentences(&text, limits));
        }
    }
}

fn speaks(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
}

#[test]
fn every_character_that_is_not_blank_is_in_one_piece_in_order() {
    for_each_text(|text, limits, pieces| {
        let mut end = 0;
        for piece in pieces {
            assert_eq!(piece.text, &text[piece.range.clone()], "{text:?} {limits:?}");
            assert!(piece.range.start >= end, "{text:?} {limits:?}");
            assert!(text[end..piece.range.start].trim().is_empty(), "{text:?} {limits:?}");
            end = piece.range.end;
        }
        assert!(text[end..].trim().is_empty(), "{text:?} {limits:?}");
    });
}

#[test]
fn pieces_are_trimmed_not_blank_and_not_too_long() {
    for_each_text(|text, limits, pieces| {
        for piece in pieces {
            assert!(!piece.text.is_empty(), "{text:?} {limits:?}");
            assert_eq!(piece.text, piece.text.trim(), "{text:?} {limits:?}");
            assert!(piece.text.chars().count() <= limits.max_chars, "{text:?} {limits:?}");
        }
    });
}

#[test]
fn a_piece_split_again_is_one_piece() {
    for_each_text(|text, limits, pieces| {
        for piece in pieces {
            let again: Vec<_> =
                split_sentences(piece.text, limits).into_iter().map(|piece| piece.text).collect();
            assert_eq!(again, [piece.text], "{text:?} {limits:?}");
        }
    });
}

#[test]
fn a_piece_has_something_to_say_if_that_is_possible() {
    for_each_text(|text, limits, pieces| {
        let stretches = text.split(char::is_alphanumeric).map(|stretch| stretch.chars().count());
        let fits = stretches.max().is_none_or(|longest| longest * 4 <= limits.max_chars);
        if fits && speaks(text) {
            assert!(pieces.iter().all(|piece| speaks(piece.text)), "{text:?} {limits:?}");
        }
    });
}

#[test]
fn graphemes_that_fit_are_whole() {
    use unicode_segmentation::UnicodeSegmentation;
    for_each_text(|text, limits, pieces| {
        for (at, grapheme) in text.grapheme_indices(true) {
            if grapheme.contains(char::is_whitespace) || grapheme.chars().count() > limits.max_chars
            {
                continue;
            }
            let end = at + grapheme.len();
            let is_whole =
                pieces.iter().any(|piece| piece.range.start <= at && end <= piece.range.end);
            assert!(is_whole, "{text:?} {limits:?} {grapheme:?}");
        }
    });
}

#[test]
fn a_paragraph_is_never_merged_with_another_one() {
    for_each_text(|text, limits, pieces| {
        for piece in pieces {
            let speaking = piece.text.replace('\r', "");
            let paragraphs = speaking.split("\n\n").filter(|paragraph| speaks(paragraph)).count();
            assert!(paragraphs <= 1, "{text:?} {limits:?} {:?}", piece.text);
        }
    });
}
