//! From a paragraph to atoms: the sentences, and parts of those that are too
//! long.

use std::ops::Range;

use super::merge::Atom;
use super::{Pause, SplitLimits, clauses, ends};

/// One way of cutting.
struct Level {
    /// Offsets at which it cuts a text.
    cuts: fn(&str) -> Vec<usize>,
    pause: Pause,
    /// Whether a part with nothing to say stays with its neighbour.
    joins: bool,
}

/// Each level cuts what the one before has left too long.
const LEVELS: [Level; 9] = [
    Level { cuts: ends::sentences, pause: Pause::Sentence, joins: true },
    Level { cuts: ends::inner_sentences, pause: Pause::Sentence, joins: true },
    Level { cuts: clauses::after_colons, pause: Pause::Clause, joins: true },
    Level { cuts: clauses::after_commas, pause: Pause::Clause, joins: true },
    Level { cuts: clauses::after_spaces, pause: Pause::None, joins: true },
    Level { cuts: clauses::between_words, pause: Pause::None, joins: true },
    Level { cuts: clauses::between_graphemes, pause: Pause::None, joins: true },
    Level { cuts: clauses::between_graphemes, pause: Pause::None, joins: false },
    Level { cuts: clauses::between_chars, pause: Pause::None, joins: false },
];

/// The atoms of the paragraph `range`, none longer than the limit.
pub(super) fn paragraph(text: &str, range: Range<usize>, limits: SplitLimits) -> Vec<Atom> {
    let mut cutter = Cutter { text, limits, atoms: Vec::new(), position: (range.start, 0) };
    cutter.cut(range, &LEVELS, Pause::Paragraph);
    cutter.finish()
}

struct Cutter<'a> {
    text: &'a str,
    limits: SplitLimits,
    atoms: Vec<Atom>,
    /// The end of the last atom: byte of the text, character of the paragraph.
    position: (usize, usize),
}

impl Cutter<'_> {
    /// Cuts a range; `after` follows its last atom.
    fn cut(&mut self, range: Range<usize>, levels: &[Level], after: Pause) {
        let Some((level, deeper)) = levels.split_first() else {
            return self.push(range, after);
        };
        let parts = level.parts(self.text, range);
        let last = parts.len().saturating_sub(1);
        for (index, part) in parts.into_iter().enumerate() {
            let pause = if index == last { after } else { level.pause };
            if self.text[part.clone()].chars().count() > self.limits.max_chars {
                self.cut(part, deeper, pause);
            } else {
                self.push(part, pause);
            }
        }
    }

    fn push(&mut self, bytes: Range<usize>, pause: Pause) {
        let (byte, char) = self.position;
        let start = char + self.text[byte..bytes.start].chars().count();
        let part = &self.text[bytes.clone()];
        let end = start + part.chars().count();
        self.position = (bytes.end, end);
        let letters = part.chars().filter(|c| c.is_alphanumeric()).count();
        let atom = Atom { bytes, chars: start..end, letters, pause };
        if let Some(last) = self.atoms.last_mut()
            && (self.limits.is_fragment(last) || atom.letters == 0)
            && last.length_with(&atom) <= self.limits.max_chars
        {
            last.append(&atom);
        } else {
            self.atoms.push(atom);
        }
    }

    /// A fragment waits for the sentence after it; after the last there is none.
    fn finish(mut self) -> Vec<Atom> {
        if let Some(atom) = self.atoms.pop() {
            match self.atoms.last_mut() {
                Some(last)
                    if self.limits.is_fragment(&atom)
                        && last.length_with(&atom) <= self.limits.max_chars =>
                {
                    last.append(&atom);
                }
                _ => self.atoms.push(atom),
            }
        }
        self.atoms
    }
}

impl SplitLimits {
    fn is_fragment(self, atom: &Atom) -> bool {
        atom.letters < (self.target_chars / 16).max(1)
    }
}

impl Level {
    /// The parts of a range, in order, none of them blank.
    fn parts(&self, text: &str, range: Range<usize>) -> Vec<Range<usize>> {
        let whole = &text[range.clone()];
        let mut parts: Vec<Range<usize>> = Vec::new();
        let mut last_speaks = true;
        let mut start = 0;
        for end in (self.cuts)(whole).into_iter().chain([whole.len()]) {
            let part = &whole[start..end];
            let trimmed = part.trim();
            let at = range.start + start + (part.len() - part.trim_start().len());
            start = end;
            if trimmed.is_empty() {
                continue;
            }
            let speaks = trimmed.contains(char::is_alphanumeric);
            match parts.last_mut() {
                Some(last) if self.joins && !(speaks && last_speaks) => {
                    last.end = at + trimmed.len();
                    last_speaks |= speaks;
                }
                _ => {
                    parts.push(at..at + trimmed.len());
                    last_speaks = speaks;
                }
            }
        }
        parts
    }
}
