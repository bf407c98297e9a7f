use crate::error::SamplerError;

/// The tokens drawn so far in one request: which, and how many.
#[derive(Debug, Clone)]
pub struct History {
    seen: Vec<bool>,
    drawn: usize,
}

impl History {
    /// Nothing drawn yet, from a vocabulary of `vocab` tokens.
    pub fn new(vocab: usize) -> Self {
        Self { seen: vec![false; vocab], drawn: 0 }
    }

    /// Notes a token as drawn.
    ///
    /// # Errors
    /// If it is not in the vocabulary.
    pub fn push(&mut self, token: u32) -> Result<(), SamplerError> {
        let vocab = self.seen.len();
        let seen = self.seen.get_mut(token as usize);
        *seen.ok_or(SamplerError::TokenOutOfRange { token, vocab })? = true;
        self.drawn += 1;
        Ok(())
    }

    /// Takes the tokens of another one of the same vocabulary.
    pub(crate) fn set(&mut self, other: &Self) {
        self.seen.clone_from(&other.seen);
        self.drawn = other.drawn;
    }

    pub(crate) fn clear(&mut self) {
        self.seen.fill(false);
        self.drawn = 0;
    }

    /// Tokens drawn, repetitions counted.
    pub fn drawn(&self) -> usize {
        self.drawn
    }

    /// For each token of the vocabulary, whether it was drawn.
    pub(crate) fn seen(&self) -> &[bool] {
        &self.seen
    }
}
