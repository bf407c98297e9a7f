use tts_text::{SplitLimits, split_sentences};

use crate::common::texts;

fn limits(target_chars: usize, max_chars: usize) -> SplitLimits {
    SplitLimits { target_chars, max_chars }
}

#[test]
fn short_sentences_are_merged_up_to_the_target() {
    assert_eq!(texts("One. Two. Three. Four.", limits(100, 100)), ["One. Two. Three. Four."]);
    assert_eq!(texts("One. Two. Three. Four.", limits(12, 100)), ["One. Two.", "Three. Four."]);
}

#[test]
fn merged_pieces_are_of_similar_length() {
    let text = "Aaaa aaaa. ".repeat(11);
    let lengths: Vec<_> = texts(&text, limits(100, 100)).iter().map(|t| t.len()).collect();
    assert_eq!(lengths, [65, 54]);
}

#[test]
fn paragraphs_are_never_merged() {
    assert_eq!(texts("One.\n\nTwo.", limits(100, 100)), ["One.", "Two."]);
}

#[test]
fn a_fragment_goes_with_a_sentence_longer_than_the_target() {
    let long = format!("{}end.", "Word ".repeat(20));
    assert_eq!(texts(&format!("No. {long}"), limits(100, 120)), [format!("No. {long}")]);
    assert_eq!(texts(&format!("{long} No."), limits(100, 120)), [format!("{long} No.")]);
    assert_eq!(texts(&format!("No. {long}"), limits(104, 104)), ["No.", &long]);
}

#[test]
fn a_sentence_up_to_the_limit_stays_whole() {
    let text = "One, two; three: four.";
    assert_eq!(texts(text, limits(5, 22)), [text]);
}

#[test]
fn long_sentences_are_cut_at_the_best_marks() {
    let cases: [(&str, &[&str]); 9] = [
        ("Aaa, bbb; ccc, ddd.", &["Aaa, bbb;", "ccc, ddd."]),
        ("Aaa, bbb: ccc, ddd.", &["Aaa, bbb:", "ccc, ddd."]),
        ("Aaa, bbb — ccc, ddd.", &["Aaa, bbb —", "ccc, ddd."]),
        ("Aaa, bbb—ccc, ddd.", &["Aaa, bbb—", "ccc, ddd."]),
        ("Aaa bbb, ccc ddd.", &["Aaa bbb,", "ccc ddd."]),
        ("“Aaa bbb,” ccc ddd.", &["“Aaa bbb,”", "ccc ddd."]),
        ("甲乙丙丁戊己，庚辛壬癸。", &["甲乙丙丁戊己，", "庚辛壬癸。"]),
        ("甲乙、丙丁；戊己庚辛、壬癸。", &["甲乙、丙丁；", "戊己庚辛、壬癸。"]),
        ("ابج دهو، زحط يكل.", &["ابج دهو،", "زحط يكل."]),
    ];
    for (text, expected) in cases {
        assert_eq!(texts(text, limits(11, 11)), expected);
    }
}

#[test]
fn sentences_inside_a_long_one_are_cut_first() {
    assert_eq!(
        texts("「はい、そう。いや、違う。」と言った。", limits(12, 12)),
        ["「はい、そう。", "いや、違う。」と言った。"]
    );
    assert_eq!(
        texts("all small. no capitals, here.", limits(20, 20)),
        ["all small.", "no capitals, here."]
    );
}

#[test]
fn numbers_and_words_stay_whole_if_they_fit() {
    let cases: [(&str, &[&str]); 7] = [
        ("abcdef Dr. No goes", &["abcdef", "Dr. No", "goes"]),
        ("abc 10 000 xyz", &["abc 10 000", "xyz"]),
        ("abcd 1,000.50 xyz", &["abcd", "1,000.50", "xyz"]),
        ("甲乙丙丁戊己1,000.5庚", &["甲乙丙丁戊己", "1,000.5庚"]),
        ("甲乙丙丁戊己庚ABCDE", &["甲乙丙丁戊己", "庚ABCDE"]),
        ("à 10\u{a0}% de plus", &["à 10\u{a0}%", "de plus"]),
        ("from 10:30 on", &["from 10:30", "on"]),
    ];
    for (text, expected) in cases {
        assert_eq!(texts(text, limits(10, 10)), expected);
    }
}

#[test]
fn words_that_do_not_fit_are_cut_between_graphemes() {
    assert_eq!(texts("abcdefgh", limits(4, 4)), ["abcd", "efgh"]);
    // Each of the letters is two characters.
    assert_eq!(texts("a\u{301}e\u{301}i\u{301}", limits(5, 5)), ["a\u{301}e\u{301}", "i\u{301}"]);
    assert_eq!(
        texts("👩\u{200d}👩\u{200d}👧\u{200d}👦x", limits(7, 7)),
        ["👩\u{200d}👩\u{200d}👧\u{200d}👦", "x"]
    );
}

#[test]
fn a_grapheme_that_does_not_fit_is_cut_too() {
    let marks = "\u{301}".repeat(9);
    let text = format!("a{marks}");
    let pieces = split_sentences(&text, limits(5, 5));
    assert!(pieces.iter().all(|piece| piece.text.chars().count() <= 5));
    assert_eq!(pieces.iter().map(|piece| piece.text).collect::<String>(), text);
}

#[test]
fn limits_of_zero_count_as_one() {
    assert_eq!(texts("ab c", limits(0, 0)), ["a", "b", "c"]);
}

#[test]
fn a_target_above_the_limit_is_the_limit() {
    assert_eq!(texts("Aaa. Bbb.", limits(100, 5)), ["Aaa.", "Bbb."]);
}
