//! From atoms to pieces of similar length.

use std::ops::Range;

use super::Pause;

/// A part of a paragraph that is not cut further.
pub(super) struct Atom {
    /// Where it is in the text.
    pub(super) bytes: Range<usize>,
    /// Where it is in the paragraph, in characters.
    pub(super) chars: Range<usize>,
    /// Letters and digits in it.
    pub(super) letters: usize,
    /// What follows it.
    pub(super) pause: Pause,
}

impl Atom {
    /// Characters from the start of `self` to the end of `later`.
    pub(super) fn length_with(&self, later: &Self) -> usize {
        later.chars.end - self.chars.start
    }

    /// Grows to the end of `next`.
    pub(super) fn append(&mut self, next: &Self) {
        self.bytes.end = next.bytes.end;
        self.chars.end = next.chars.end;
        self.letters += next.letters;
        self.pause = next.pause;
    }
}

/// Groups neighbours up to `target` characters, as evenly as the atoms allow, so
/// that no short rest is left at the end.
pub(super) fn groups(
    mut atoms: &[Atom],
    target: usize,
) -> impl Iterator<Item = (Range<usize>, Pause)> {
    std::iter::from_fn(move || {
        let (first, last) = (atoms.first()?, atoms.last()?);
        let left = first.length_with(last);
        let goal = left.div_ceil(left.div_ceil(target));
        let mut end = first;
        let mut taken = 1;
        for atom in atoms.iter().skip(1) {
            let length = first.length_with(end);
            let longer = first.length_with(atom);
            // The nearer to the goal is better.
            if longer > target || longer.saturating_sub(goal) > goal.saturating_sub(length) {
                break;
            }
            end = atom;
            taken += 1;
        }
        atoms = atoms.get(taken..).unwrap_or_default();
        Some((first.bytes.start..end.bytes.end, end.pause))
    })
}
