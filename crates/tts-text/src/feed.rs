//! Text that arrives while it is spoken.

use tokenizers::pre_tokenizers::split::Split;
use tokenizers::{
    NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
    normalizers::unicode::NFC,
};

use crate::error::{TextError, TextPart};
use crate::prompt::MAX_TEXT_BYTES;
use crate::tokenizer::{Literals, Tokenizer, library};

/// Turns text that arrives in pieces into the ids that the whole text has.
///
/// An id is given out as soon as no further text can change it: the last word
/// waits for what follows it, white space for the word behind it. White space at
/// both ends of the whole is dropped, literals of added tokens are ordinary
/// characters.
#[derive(Debug, Clone, Default)]
pub struct TextFeed {
    /// Composed text (NFC) that has no ids yet.
    pending: String,
    /// Something that is not white space has arrived.
    started: bool,
}

impl TextFeed {
    /// A feed without text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes more text; returns the ids that are settled by it.
    ///
    /// # Errors
    /// If more than [`MAX_TEXT_BYTES`] wait for a word to end; the text is not taken
    /// then.
    pub fn append(&mut self, tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, TextError> {
        let text = if self.started { text } else { text.trim_start() };
        let size = self.pending.len() + text.len();
        if size > MAX_TEXT_BYTES {
            let (part, unit, limit) = (TextPart::Text, "bytes", MAX_TEXT_BYTES);
            return Err(TextError::TextTooLong { part, size, unit, limit });
        }
        let pending = composed(&format!("{}{text}", self.pending)).map_err(library)?;
        let settled = settled(tokenizer.split(), &pending).map_err(library)?;
        let (ready, rest) = pending.split_at_checked(settled).unwrap_or((&pending, ""));
        let ids = tokenizer.encode(ready, Literals::Neutralised)?;
        self.started |= !pending.is_empty();
        rest.clone_into(&mut self.pending);
        Ok(ids)
    }

    /// Ends the text; returns the ids that were waiting.
    ///
    /// # Errors
    /// [`TextError::Empty`] if there was nothing but white space.
    pub fn finish(&mut self, tokenizer: &Tokenizer) -> Result<Vec<u32>, TextError> {
        if !self.started {
            return Err(TextError::Empty { part: TextPart::Text });
        }
        let pending = std::mem::take(&mut self.pending);
        tokenizer.encode(pending.trim_end(), Literals::Neutralised)
    }
}

fn composed(text: &str) -> tokenizers::Result<String> {
    let mut text = NormalizedString::from(text);
    NFC.normalize(&mut text)?;
    Ok(text.get().to_owned())
}

/// Length of the part of a composed text whose pieces stay as they are whatever
/// follows.
fn settled(split: &Split, text: &str) -> tokenizers::Result<usize> {
    let limit = unsettled_from(text);
    let mut pieces = PreTokenizedString::from(text);
    split.pre_tokenize(&mut pieces)?;
    let pieces = pieces.get_splits(OffsetReferential::Original, OffsetType::Byte);
    Ok(pieces
        .into_iter()
        .map(|(_, (_, end), _)| end)
        .take_while(|&end| end <= limit)
        .last()
        .unwrap_or(0))
}

/// Where the part begins that further text may still join: the white space at the
/// end, or else the last word together with the character before it.
fn unsettled_from(text: &str) -> usize {
    let before_space = text.trim_end().len();
    if before_space < text.len() {
        return before_space;
    }
    let word = text.trim_end_matches(|c| !ends_words(c)).len();
    text.get(..word).and_then(|before| before.char_indices().last()).map_or(0, |(at, _)| at)
}

/// Characters that belong to no word and combine with nothing before them. Those
/// that are missing here only make the feed wait longer.
fn ends_words(c: char) -> bool {
    c.is_whitespace()
        || c.is_ascii_punctuation()
        || c.is_ascii_digit()
        || matches!(c, '\u{2010}'..='\u{2027}' | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}')
        || matches!(c, '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}')
}
