//! What line breaks mean.

use std::ops::Range;

use super::abbreviations::is_month;
use super::chars::{is_colon, is_comma, is_dash, is_terminator};

/// The indent of a paragraph in Chinese and Japanese.
const IDEOGRAPHIC_SPACE: char = '\u{3000}';

/// The paragraphs of a text. One without a letter or digit, such as a row of
/// asterisks, belongs to the one before it.
pub(super) fn paragraphs(text: &str) -> Vec<Range<usize>> {
    let mut paragraphs = Vec::new();
    let mut at = 0;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() || line.starts_with(IDEOGRAPHIC_SPACE) {
            push(text, &mut paragraphs, start..at);
            start = at;
        }
        at += line.len();
    }
    push(text, &mut paragraphs, start..at);
    paragraphs
}

fn push(text: &str, paragraphs: &mut Vec<Range<usize>>, range: Range<usize>) {
    let is_silent = |range: &Range<usize>| !text[range.clone()].contains(char::is_alphanumeric);
    match paragraphs.last_mut() {
        _ if text[range.clone()].trim().is_empty() => {}
        Some(last) if is_silent(&range) || is_silent(last) => last.end = range.end,
        _ => paragraphs.push(range),
    }
}

/// The items of the lists in a paragraph, and the text between them: parts that
/// cover the paragraph.
pub(super) fn items(paragraph: &str) -> Vec<Range<usize>> {
    let mut items = Vec::new();
    let mut previous = "";
    let mut at = 0;
    let mut start = 0;
    for line in paragraph.split_inclusive('\n') {
        if starts_item(previous, line.trim()) {
            items.push(start..at);
            start = at;
        }
        previous = line.trim();
        at += line.len();
    }
    items.push(start..at);
    items
}

/// Whether a line starts an item of a list. The first line of a text does not.
pub(super) fn starts_item(previous: &str, line: &str) -> bool {
    !previous.is_empty() && (has_bullet(previous, line) || has_number(line))
}

fn has_bullet(previous: &str, line: &str) -> bool {
    let mut rest = line.chars();
    let bullet = rest.next();
    let is_spaced = rest.next().is_some_and(char::is_whitespace);
    match bullet {
        Some('•' | '・' | '●' | '○' | '■' | '□' | '◆' | '▪' | '‣' | '◦') => true,
        Some('-' | '*' | '+' | '·') => is_spaced,
        // Dialogue; but in broken lines a dash may well be the first character.
        Some(c) if is_dash(c) => previous.ends_with(|c: char| {
            is_terminator(c) || is_colon(c) || is_comma(c) || matches!(c, '»' | '”' | '"' | '“')
        }),
        _ => false,
    }
}

fn has_number(line: &str) -> bool {
    let inside = line.trim_start_matches(['(', '（']);
    let is_opened = inside.len() < line.len();
    let rest = inside.trim_start_matches(char::is_numeric);
    let digits = inside.len() - rest.len();
    let rest = match digits {
        0 => inside
            .strip_prefix(|c: char| c.is_ascii_alphabetic() || "一二三四五六七八九十".contains(c)),
        1..=3 => Some(rest),
        _ => None,
    };
    let mut marks = rest.unwrap_or_default().chars();
    let mark = marks.next();
    let rest = marks.as_str();
    let is_spaced = rest.starts_with(char::is_whitespace);
    match mark {
        Some(')') => is_spaced,
        Some('）') => is_opened || digits > 0,
        Some('、') => !is_opened && !inside.starts_with(|c: char| c.is_ascii_alphabetic()),
        Some('．') => !is_opened && digits > 0,
        // "am / 3. Mai" in broken lines is a date.
        Some('.') => {
            let word = rest.trim_start().split(|c: char| !c.is_alphanumeric()).next();
            !is_opened && digits > 0 && is_spaced && !word.is_some_and(is_month)
        }
        _ => false,
    }
}
