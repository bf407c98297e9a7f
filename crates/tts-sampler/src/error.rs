use tts_cuda::LaunchError;

/// Why no token could be drawn.
#[derive(Debug, thiserror::Error)]
pub enum SamplerError {
    /// A sampling parameter is out of range.
    #[error("`{name}` is {value}; expected {expected}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: f32,
        /// What it may be.
        expected: &'static str,
    },
    /// There are not as many logits as tokens.
    #[error("{found} logits for a vocabulary of {expected}")]
    Length {
        /// Logits.
        found: usize,
        /// Size of the vocabulary.
        expected: usize,
    },
    /// A token is not in the vocabulary.
    #[error("token {token} of a vocabulary of {vocab}")]
    TokenOutOfRange {
        /// The token.
        token: u32,
        /// Size of the vocabulary.
        vocab: usize,
    },
    /// A logit is NaN or +inf, or becomes so through penalty or temperature; or all scores become
    /// -inf through a tiny temperature.
    #[error("the score of token {token} is {value}")]
    NotFinite {
        /// The token.
        token: usize,
        /// Its score.
        value: f32,
    },
    /// No token may be drawn.
    #[error("every token of a vocabulary of {vocab} is suppressed")]
    AllSuppressed {
        /// Size of the vocabulary.
        vocab: usize,
    },
    /// There are not as many ways to draw as rows of logits.
    #[error("{found} rows to draw for, {expected} rows of logits")]
    Batch {
        /// Ways to draw.
        found: usize,
        /// Rows of logits.
        expected: usize,
    },
    /// There is no sampling kernel for the device of the logits.
    #[error(
        "logits on {found}; this build draws on the CPU and, with the feature `cuda`, on NVIDIA GPUs"
    )]
    Device {
        /// The device.
        found: String,
    },
    /// A kernel could not be launched.
    #[error("sampler: {0}")]
    Launch(#[from] LaunchError),
    /// The tensor library failed.
    #[error("sampler: {0}")]
    Tensor(#[from] candle_core::Error),
}
