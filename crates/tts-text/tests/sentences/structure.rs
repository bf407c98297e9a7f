use tts_text::{Pause, Piece, SplitLimits, split_sentences};

use crate::common::{EACH, check, pauses, texts};

fn spoken(text: &str) -> Vec<String> {
    let pieces = split_sentences(text, SplitLimits::default());
    pieces.iter().map(|piece| piece.spoken().into_owned()).collect()
}

#[test]
fn a_single_line_break_is_a_space() {
    check(&[
        "One line\nand its rest. |The next\r\nsentence.",
        "Dr.\nSmith came. |He left.",
        "am\n3. Mai war das. |Ja.",
    ]);
}

#[test]
fn an_empty_line_ends_a_paragraph() {
    check(&["No mark at the end |\n\nnext one", "One. |\n \t\nTwo. |\r\n\r\n\r\nThree."]);
}

#[test]
fn an_ideographic_indent_starts_a_paragraph() {
    let text = "　　第一段。很好。\n　　第二段。";
    assert_eq!(texts(text, SplitLimits::default()), ["第一段。很好。", "第二段。"]);
    assert_eq!(pauses(text, SplitLimits::default()), [Pause::Paragraph, Pause::None]);
}

#[test]
fn the_items_of_a_list_are_sentences() {
    check(&[
        "Buy this: |\n- eggs |\n- milk |\n- a loaf\nof bread",
        "Steps |\n1. Open it |\n2. Close it |\n10) Done",
        "Steps |\n* one |\n• two |\n•three |\n+ four |\na) five |\n(2) six",
        "清单 |\n1、苹果 |\n二、香蕉 |\n（3）梨",
        "— Да. |\n— Нет. |\n— Почему",
        "He was tall\n— and old. |She was\n-5 degrees cold.",
        "In\n2010 (or so)\na. m. and b) were one.",
    ]);
}

#[test]
fn every_pause_tells_what_follows() {
    use Pause::{Clause, None, Paragraph, Sentence};
    assert_eq!(
        pauses("One. Two.\n- three\n\nFour. Five", EACH),
        [Sentence, Sentence, Paragraph, Sentence, None]
    );
    let narrow = SplitLimits { target_chars: 12, max_chars: 12 };
    assert_eq!(
        texts("one two three four, five. Six.", narrow),
        ["one two", "three four,", "five. Six."]
    );
    assert_eq!(pauses("one two three four, five. Six.", narrow), [None, Clause, None]);
}

#[test]
fn pauses_grow_with_what_ends() {
    let all = [Pause::None, Pause::Clause, Pause::Sentence, Pause::Paragraph];
    assert!(all.is_sorted_by(|a, b| a < b && a.seconds() < b.seconds()));
    assert_eq!(Pause::None.seconds(), 0.0);
}

#[test]
fn spoken_text_is_one_line() {
    assert_eq!(spoken("One\n  line.\r\nTwo."), ["One line. Two."]);
    assert_eq!(spoken("今天\n很好，\n明天。"), ["今天很好，明天。"]);
    assert_eq!(spoken("今天\nis good."), ["今天 is good."]);
    assert_eq!(spoken("한국\n사람"), ["한국 사람"]);
    assert_eq!(spoken("List:\n- eggs\n- milk\n  and tea"), ["List:\n- eggs\n- milk and tea"]);
    assert_eq!(spoken("a  b"), ["a  b"]);
}

#[test]
fn text_without_letters_joins_a_neighbour() {
    assert_eq!(texts("One. ... Two.", EACH), ["One. ...", "Two."]);
    assert_eq!(texts("— ... One. — Two. 🎉🎉", EACH), ["— ... One.", "— Two. 🎉🎉"]);
    assert_eq!(texts("One.\n\n* * *\n\nTwo.", EACH), ["One.\n\n* * *", "Two."]);
    assert_eq!(texts("***\n\nOne.\n\n---", EACH), ["***\n\nOne.\n\n---"]);
}

#[test]
fn a_text_with_nothing_to_say_is_one_piece() {
    assert_eq!(texts("...", EACH), ["..."]);
    assert_eq!(texts(" ! \n\n ? ", EACH), ["! \n\n ?"]);
}

#[test]
fn a_blank_text_has_no_pieces() {
    for text in ["", " ", "\n\n", "\u{3000}\u{a0}\t"] {
        assert_eq!(split_sentences(text, EACH), [], "{text:?}");
    }
}

#[test]
fn ranges_are_places_in_the_text() {
    let pieces = split_sentences("  Ähm.  Nein. ", EACH);
    assert_eq!(
        pieces,
        [
            Piece { text: "Ähm.", range: 2..7, pause: Pause::Sentence },
            Piece { text: "Nein.", range: 9..14, pause: Pause::None },
        ]
    );
}
