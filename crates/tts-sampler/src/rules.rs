use crate::error::SamplerError;

/// The talker never ends before this many tokens.
const TALKER_MIN_TOKENS: usize = 2;

/// Which tokens may be drawn at all.
#[derive(Debug, Clone)]
pub struct TokenRules {
    suppressed: Vec<bool>,
    eos: Option<u32>,
    min_tokens: usize,
    traced: bool,
}

impl TokenRules {
    /// Every token of the vocabulary, as in the code predictor.
    pub fn all(vocab: usize) -> Self {
        Self { suppressed: vec![false; vocab], eos: None, min_tokens: 0, traced: false }
    }

    /// The talker's rules: of the control tokens `codes..vocab` only `eos`, and
    /// that not among the first two. Its cuts are traced as spans.
    pub fn talker(vocab: usize, codes: usize, eos: u32) -> Self {
        let suppressed = (0..vocab).map(|id| id >= codes && id != eos as usize).collect();
        Self { suppressed, eos: Some(eos), min_tokens: TALKER_MIN_TOKENS, traced: true }
    }

    /// Any rules: `suppressed` is never drawn, `eos` not before `min_tokens`.
    ///
    /// # Errors
    /// If a token is not in the vocabulary.
    pub fn new(
        vocab: usize,
        suppressed: impl IntoIterator<Item = u32>,
        eos: Option<u32>,
        min_tokens: usize,
    ) -> Result<Self, SamplerError> {
        let mut rules = Self { eos, min_tokens, ..Self::all(vocab) };
        for token in suppressed {
            let slot = rules.suppressed.get_mut(token as usize);
            *slot.ok_or(SamplerError::TokenOutOfRange { token, vocab })? = true;
        }
        match eos {
            Some(token) if token as usize >= vocab => {
                Err(SamplerError::TokenOutOfRange { token, vocab })
            }
            _ => Ok(rules),
        }
    }

    /// Size of the vocabulary.
    pub fn vocab(&self) -> usize {
        self.suppressed.len()
    }

    /// The token that ends a sequence.
    pub fn eos(&self) -> Option<u32> {
        self.eos
    }

    pub(crate) fn suppressed(&self) -> &[bool] {
        &self.suppressed
    }

    /// The end token, while it is too early for it.
    pub(crate) fn blocked_eos(&self, drawn: usize) -> Option<u32> {
        self.eos.filter(|_| drawn < self.min_tokens)
    }

    /// Whether top-k and top-p get spans of their own.
    pub(crate) fn traced(&self) -> bool {
        self.traced
    }
}
