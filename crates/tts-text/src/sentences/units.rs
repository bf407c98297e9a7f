use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::chars::is_cjk;

/// No abbreviation is longer, in graphemes.
const LONGEST_WORD: usize = 16;

/// A text as grapheme clusters, each known by its first character, so that no
/// rule can cut a character from the marks on it.
pub(super) struct Units {
    units: Vec<(usize, char)>,
    bytes: usize,
}

impl Units {
    pub(super) fn new(text: &str) -> Self {
        let graphemes = text.grapheme_indices(true);
        let units = graphemes.filter_map(|(at, cluster)| Some((at, cluster.chars().next()?)));
        Self { units: units.collect(), bytes: text.len() }
    }

    pub(super) fn len(&self) -> usize {
        self.units.len()
    }

    /// The character that stands for a unit; none beyond the last.
    pub(super) fn get(&self, index: usize) -> Option<char> {
        self.units.get(index).map(|&(_, first)| first)
    }

    /// The unit before.
    pub(super) fn before(&self, index: usize) -> Option<char> {
        self.get(index.checked_sub(1)?)
    }

    /// The byte at which a unit starts.
    pub(super) fn offset(&self, index: usize) -> usize {
        self.units.get(index).map_or(self.bytes, |&(at, _)| at)
    }

    /// The first unit from `index` on that `wanted` accepts; `len` if none does.
    pub(super) fn find(&self, index: usize, wanted: impl Fn(char) -> bool) -> usize {
        (index..self.len()).find(|&at| self.get(at).is_some_and(&wanted)).unwrap_or(self.len())
    }

    /// The first unit of the run of units before `end` that `wanted` accepts.
    pub(super) fn run_before(&self, end: usize, wanted: impl Fn(char) -> bool) -> usize {
        (0..end).rev().take_while(|&at| self.get(at).is_some_and(&wanted)).last().unwrap_or(end)
    }

    /// The alphabetic word or number that ends before `end`, full stops inside it
    /// included. Empty if there is none or it is too long to be an abbreviation.
    pub(super) fn word_before(&self, end: usize) -> Range<usize> {
        let lowest = end.saturating_sub(LONGEST_WORD + 1);
        let in_word = |c: char| c.is_alphanumeric() && !is_cjk(c) || c == '.';
        let is_inside = |&at: &usize| self.get(at).is_some_and(in_word);
        let start = (lowest..end).rev().take_while(is_inside).last().unwrap_or(end);
        if end - start > LONGEST_WORD { end..end } else { start..end }
    }

    /// The word or number that starts at `start`.
    pub(super) fn word_after(&self, start: usize) -> Range<usize> {
        let is_inside = |&at: &usize| self.get(at).is_some_and(char::is_alphanumeric);
        let end = (start..=start + LONGEST_WORD).take_while(is_inside).last();
        start..end.map_or(start, |last| last + 1)
    }

    pub(super) fn text(&self, range: Range<usize>) -> String {
        range.filter_map(|at| self.get(at)).collect()
    }
}
