use crate::error::SamplerError;

/// Which tokens may be drawn at all.
#[derive(Debug, Clone)]
pub struct TokenRules {
    suppressed: Vec<bool>,
    eos: Option<u32>,
    traced: bool,
}

impl TokenRules {
    /// Every token of the vocabulary, as in the code predictor.
    pub fn all(vocab: usize) -> Self {
        Self { suppressed: vec![false; vocab], eos: None, traced: false }
    }

    /// The talker's rules: of the control tokens `codes..vocab` only `eos`. Its cuts
    /// are traced as spans.
    pub fn talker(vocab: usize, codes: usize, eos: u32) -> Self {
        let suppressed = (0..vocab).map(|id| id >= codes && id != eos as usize).collect();
        Self { suppressed, eos: Some(eos), traced: true }
    }

    /// Any rules: `suppressed` is never drawn, `eos` ends a sequence.
    ///
    /// # Errors
    /// If a token is not in the vocabulary.
    pub fn new(
        vocab: usize,
        suppressed: impl IntoIterator<Item = u32>,
        eos: Option<u32>,
    ) -> Result<Self, SamplerError> {
        let mut rules = Self { eos, ..Self::all(vocab) };
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

    /// Whether top-k and top-p get spans of their own.
    pub(crate) fn traced(&self) -> bool {
        self.traced
    }
}
