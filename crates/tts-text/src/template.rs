//! The chat templates around the texts (`docs/model.md`, section 5.1).
//!
//! A text and the header before it are tokenised together, so BPE may join the
//! newline between them with what follows; the slices count tokens.

use crate::error::TextError;
use crate::tokenizer::{Literals, Tokenizer};

/// Tokens of the header `<|im_start|>assistant\n`.
const ROLE: usize = 3;

/// A text inside its template.
#[derive(Debug, Clone)]
pub(crate) struct Wrapped {
    /// All ids, as the reference implementation has them.
    pub(crate) ids: Vec<u32>,
    /// Tokens after the text.
    tail: usize,
}

impl Wrapped {
    /// The text to speak, followed by the header of a second turn.
    pub(crate) fn text(
        tokenizer: &Tokenizer,
        text: &str,
        literals: Literals,
    ) -> Result<Self, TextError> {
        let mut wrapped = Self::transcript(tokenizer, text, literals)?;
        let before = wrapped.ids.len();
        wrapped.ids.push(tokenizer.im_start());
        wrapped.ids.extend(tokenizer.encode("assistant\n", literals)?);
        wrapped.tail += wrapped.ids.len() - before;
        Ok(wrapped)
    }

    /// The transcript of reference audio.
    pub(crate) fn transcript(
        tokenizer: &Tokenizer,
        text: &str,
        literals: Literals,
    ) -> Result<Self, TextError> {
        let mut ids = vec![tokenizer.im_start()];
        ids.extend(tokenizer.encode(&format!("assistant\n{text}"), literals)?);
        let tail = push_end(tokenizer, &mut ids, literals)?;
        Ok(Self { ids, tail })
    }

    /// What stands for the header: the first three tokens.
    pub(crate) fn role(&self) -> &[u32] {
        self.ids.get(..ROLE).unwrap_or_default()
    }

    /// What stands for the text; empty if the header swallowed all of it.
    pub(crate) fn body(&self) -> &[u32] {
        let end = self.ids.len().saturating_sub(self.tail);
        self.ids.get(ROLE..end).unwrap_or_default()
    }
}

/// What stands for the header in front of a text that does not begin with white
/// space.
pub(crate) fn role_ids(tokenizer: &Tokenizer) -> Result<Vec<u32>, TextError> {
    let mut ids = vec![tokenizer.im_start()];
    ids.extend(tokenizer.encode("assistant\n", Literals::Neutralised)?);
    Ok(ids)
}

/// The ids of an instruction: a turn of the user, used whole.
pub(crate) fn instruct_ids(
    tokenizer: &Tokenizer,
    instruct: &str,
    literals: Literals,
) -> Result<Vec<u32>, TextError> {
    let mut ids = vec![tokenizer.im_start()];
    ids.extend(tokenizer.encode(&format!("user\n{instruct}"), literals)?);
    push_end(tokenizer, &mut ids, literals)?;
    Ok(ids)
}

/// Closes a turn; returns the number of tokens this took.
fn push_end(
    tokenizer: &Tokenizer,
    ids: &mut Vec<u32>,
    literals: Literals,
) -> Result<usize, TextError> {
    let before = ids.len();
    ids.push(tokenizer.im_end());
    ids.extend(tokenizer.encode("\n", literals)?);
    Ok(ids.len() - before)
}
