//! Long text, cut into pieces the talker can speak one after the other.
//!
//! The text is never changed, only cut: paragraphs ([`lines`]), in them
//! sentences ([`ends`]), in those that are too long clauses and words
//! ([`cut`]). Neighbours that are short together go into one piece ([`merge`]).

mod abbreviations;
mod brackets;
mod chars;
mod clauses;
mod cut;
mod ends;
mod lines;
mod merge;
mod period;
mod units;

use std::borrow::Cow;
use std::ops::Range;

/// How long a piece may be, in characters (Unicode scalar values).
///
/// The default, 200 and 300, is about 13 and 20 s of speech in alphabetic
/// scripts. Chinese and Japanese say about three times as much with a
/// character, so a third of it is the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitLimits {
    /// Neighbouring sentences share a piece up to this length. A sentence with
    /// fewer letters than a sixteenth of it shares one up to `max_chars`, because
    /// the talker is known to run away on very short texts.
    pub target_chars: usize,
    /// No piece is longer. 0 counts as 1.
    pub max_chars: usize,
}

impl Default for SplitLimits {
    fn default() -> Self {
        Self { target_chars: 200, max_chars: 300 }
    }
}

/// The silence that belongs after a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pause {
    /// The cut is inside a clause, or nothing follows.
    None,
    /// The cut is between clauses of a sentence.
    Clause,
    /// A sentence ends.
    Sentence,
    /// A paragraph ends.
    Paragraph,
}

impl Pause {
    /// A natural length, in seconds.
    ///
    /// Silent pauses of readers fall into brief ones of less than 0.2 s and
    /// medium ones of 0.2 to 1 s; longer ones hardly occur outside of
    /// spontaneous speech (Campione and Véronis, "A large-scale multilingual
    /// study of silent pause duration", Speech Prosody 2002). A clause gets a
    /// brief pause, sentence and paragraph one from the lower and the upper half
    /// of the medium range.
    pub fn seconds(self) -> f32 {
        match self {
            Self::None => 0.0,
            Self::Clause => 0.15,
            Self::Sentence => 0.35,
            Self::Paragraph => 0.7,
        }
    }
}

/// A part of a text to speak in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The part, without the blanks around it.
    pub text: &'a str,
    /// Where it is in the text, in bytes.
    pub range: Range<usize>,
    /// What follows it; [`Pause::None`] after the last piece.
    pub pause: Pause,
}

impl<'a> Piece<'a> {
    /// The text as one line: line breaks become spaces, or nothing between
    /// Chinese or Japanese characters. Only items of a list keep their lines.
    pub fn spoken(&self) -> Cow<'a, str> {
        if !self.text.contains('\n') {
            return Cow::Borrowed(self.text);
        }
        let mut spoken = String::with_capacity(self.text.len());
        let mut previous = "";
        for line in self.text.split('\n').map(str::trim).filter(|line| !line.is_empty()) {
            if lines::starts_item(previous, line) {
                spoken.push('\n');
            } else if !previous.ends_with(chars::is_full_width)
                || !line.starts_with(chars::is_full_width)
            {
                spoken.push(' ');
            }
            spoken.push_str(line);
            previous = line;
        }
        Cow::Owned(spoken.trim_start().to_owned())
    }
}

/// Cuts a text at the ends of its sentences, without knowing its language.
///
/// - Every character that is not blank is in exactly one piece, in order.
/// - No piece is longer than `limits.max_chars`; longer sentences are cut
///   between clauses, else between words, and inside a word only if it is too
///   long itself.
/// - Short neighbours are merged, never across a blank line.
/// - A piece has something to say, a letter or a digit, unless the text has
///   none, or such a long row of marks that it needs pieces of its own.
/// - A piece, split again, is one piece.
///
/// Where it is unclear whether a full stop ends the sentence it does not: a
/// piece too long sounds better than a pause amid a sentence.
///
/// ```
/// use tts_text::{Pause, SplitLimits, split_sentences};
///
/// let text = "Dr. Smith paid 3.50 today. “Too much!” she said.\n\n好的。我们走吧。";
/// let each = SplitLimits { target_chars: 1, max_chars: 300 };
/// let pieces = split_sentences(text, each);
/// let texts: Vec<_> = pieces.iter().map(|piece| piece.text).collect();
/// let expected = ["Dr. Smith paid 3.50 today.", "“Too much!” she said.", "好的。", "我们走吧。"];
/// assert_eq!(texts, expected);
///
/// let merged = split_sentences(text, SplitLimits::default());
/// assert_eq!(merged.len(), 2);
/// assert_eq!(merged[0].pause, Pause::Paragraph);
/// ```
pub fn split_sentences(text: &str, limits: SplitLimits) -> Vec<Piece<'_>> {
    let max_chars = limits.max_chars.max(1);
    let limits = SplitLimits { target_chars: limits.target_chars.clamp(1, max_chars), max_chars };
    let mut pieces = Vec::new();
    for paragraph in lines::paragraphs(text) {
        let atoms = cut::paragraph(text, paragraph, limits);
        pieces.extend(merge::groups(&atoms, limits.target_chars).map(|(range, pause)| Piece {
            text: &text[range.clone()],
            range,
            pause,
        }));
    }
    if let Some(last) = pieces.last_mut() {
        last.pause = Pause::None;
    }
    pieces
}
