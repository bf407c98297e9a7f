//! Where a sentence may be cut that is too long, best places first.
//!
//! Each function returns offsets in bytes.

use unicode_segmentation::UnicodeSegmentation;

use super::chars::{
    is_cjk, is_colon, is_comma, is_dash, is_no_break_space, is_terminator, skip_closers,
};
use super::units::Units;

/// After semicolons, colons, dashes and ellipses.
pub(super) fn after_colons(text: &str) -> Vec<usize> {
    after_marks(text, is_colon)
}

/// After commas.
pub(super) fn after_commas(text: &str) -> Vec<usize> {
    after_marks(text, is_comma)
}

/// After spaces; not inside numbers such as "10 000", nor after a full stop: one
/// that ended no sentence belongs to an abbreviation, which needs its neighbour.
pub(super) fn after_spaces(text: &str) -> Vec<usize> {
    let units = Units::new(text);
    let mut cuts = Vec::new();
    let mut index = units.find(0, char::is_whitespace);
    while index < units.len() {
        let end = units.find(index, |c| !c.is_whitespace());
        let breaks = (index..end).any(|at| units.get(at).is_some_and(|c| !is_no_break_space(c)));
        let is_abbreviated = units.before(index) == Some('.');
        if breaks && !is_abbreviated && !is_inside_number(&units, index, end) {
            cuts.push(units.offset(end));
        }
        index = units.find(end, char::is_whitespace);
    }
    cuts
}

/// Between words that no space separates.
pub(super) fn between_words(text: &str) -> Vec<usize> {
    text.split_word_bound_indices().map(|(at, _)| at).collect()
}

/// Between grapheme clusters.
pub(super) fn between_graphemes(text: &str) -> Vec<usize> {
    text.grapheme_indices(true).map(|(at, _)| at).collect()
}

/// Between characters: nothing else helps if a cluster is too long.
pub(super) fn between_chars(text: &str) -> Vec<usize> {
    text.char_indices().map(|(at, _)| at).collect()
}

fn after_marks(text: &str, is_mark: fn(char) -> bool) -> Vec<usize> {
    let units = Units::new(text);
    let mut cuts = Vec::new();
    let mut index = units.find(0, is_mark);
    while let Some(mark) = units.get(index) {
        let marks_end = units.find(index, |c| !is_mark(c) && !is_terminator(c));
        let end = skip_closers(&units, marks_end, 0);
        if is_cut(&units, mark, index, end) {
            cuts.push(units.offset(end));
        }
        index = units.find(end, is_mark);
    }
    cuts
}

/// Whether the mark in `start..end` separates clauses.
fn is_cut(units: &Units, mark: char, start: usize, end: usize) -> bool {
    let Some(next) = units.get(end) else { return false };
    let is_spaced = next.is_whitespace();
    match mark {
        '-' | '–' => is_spaced && units.before(start).is_some_and(char::is_whitespace),
        ',' | ';' | ':' => is_spaced || is_cjk(next),
        _ if is_dash(mark) => true,
        _ => !is_inside_number(units, start, end),
    }
}

/// Whether `start..end` has digits on both sides.
fn is_inside_number(units: &Units, start: usize, end: usize) -> bool {
    units.before(start).is_some_and(char::is_numeric)
        && units.get(end).is_some_and(char::is_numeric)
}
