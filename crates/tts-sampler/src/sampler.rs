use tts_cuda::SampleError;

use crate::error::SamplerError;
use crate::history::History;
use crate::params::SamplingParams;
use crate::philox::DrawKey;
use crate::pipeline::{cut, mask, weight};
use crate::rules::TokenRules;

/// A drawn token and what it was drawn from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Draw {
    /// The token.
    pub token: u32,
    /// Natural logarithm of its probability after all cuts.
    pub log_prob: f32,
    /// Tokens that scored better than the end of sequence before the cuts; `None`
    /// where it may not be drawn.
    pub eos_rank: Option<u32>,
}

impl Draw {
    /// Words of a draw that is on a device.
    pub const WORDS: usize = 3;
    /// In place of a rank: the end of sequence may not be drawn.
    const NO_RANK: u32 = u32::MAX;

    /// A draw of [`BatchSampler`](crate::BatchSampler), read from the device.
    ///
    /// # Errors
    /// If no token could be drawn: as [`Sampler::sample`].
    pub fn from_words([token, rank, log_prob]: [u32; Self::WORDS]) -> Result<Self, SamplerError> {
        let log_prob = f32::from_bits(log_prob);
        if log_prob.is_nan() {
            let not_finite = |value| SamplerError::NotFinite { token: token as usize, value };
            return Err(match SampleError::of(rank) {
                Some(SampleError::AllSuppressed) => {
                    SamplerError::AllSuppressed { vocab: token as usize + 1 }
                }
                Some(SampleError::Infinite) => not_finite(f32::INFINITY),
                Some(SampleError::NoneLeft) => not_finite(f32::NEG_INFINITY),
                Some(SampleError::NotANumber) | None => not_finite(f32::NAN),
            });
        }
        let eos_rank = (rank != Self::NO_RANK).then_some(rank);
        Ok(Self { token, log_prob, eos_rank })
    }

    /// What [`Draw::from_words`] reads.
    ///
    /// # Errors
    /// If there is no draw for another reason than the scores.
    pub(crate) fn to_words(
        drawn: Result<Self, SamplerError>,
    ) -> Result<[u32; Self::WORDS], SamplerError> {
        let (token, error) = match drawn {
            Ok(Self { token, log_prob, eos_rank }) => {
                return Ok([token, eos_rank.unwrap_or(Self::NO_RANK), log_prob.to_bits()]);
            }
            Err(SamplerError::NotFinite { token, value }) => (
                token,
                match value {
                    f32::INFINITY => SampleError::Infinite,
                    f32::NEG_INFINITY => SampleError::NoneLeft,
                    _ => SampleError::NotANumber,
                },
            ),
            Err(SamplerError::AllSuppressed { vocab }) => {
                (vocab.saturating_sub(1), SampleError::AllSuppressed)
            }
            Err(other) => return Err(other),
        };
        Ok([token as u32, error.number(), f32::NAN.to_bits()])
    }
}

/// Draws tokens; holds the buffers, so a draw allocates nothing.
#[derive(Debug, Default)]
pub struct Sampler {
    scores: Vec<f32>,
    order: Vec<u32>,
}

impl Sampler {
    /// A sampler with empty buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Draws from one row of logits.
    ///
    /// # Errors
    /// If the lengths differ, a logit is NaN or +inf, or no token is left.
    pub fn sample(
        &mut self,
        logits: &[f32],
        params: &SamplingParams,
        rules: &TokenRules,
        history: &History,
        key: DrawKey,
    ) -> Result<Draw, SamplerError> {
        mask(logits, params, rules, history, &mut self.scores)?;
        let eos_rank = self.eos_rank(rules);
        cut(params, rules, &mut self.scores, &mut self.order)?;
        let (best, largest) = self.best();
        let total: u64 = self.scores.iter().map(|&score| weight(score, largest)).sum();
        let token = if params.do_sample { self.pick(key, total, largest) } else { best };
        let own = self.scores.get(token).copied().unwrap_or(f32::NEG_INFINITY);
        let log_total = (total as f64 / weight(largest, largest) as f64).ln();
        Ok(Draw {
            token: token as u32,
            log_prob: (f64::from(own - largest) - log_total) as f32,
            eos_rank,
        })
    }

    /// The likeliest token, the first of equals, and its score.
    fn best(&self) -> (usize, f32) {
        let first = (0, f32::NEG_INFINITY);
        self.scores
            .iter()
            .copied()
            .enumerate()
            .fold(first, |best, (token, score)| if score > best.1 { (token, score) } else { best })
    }

    fn eos_rank(&self, rules: &TokenRules) -> Option<u32> {
        let eos = *self.scores.get(rules.eos()? as usize)?;
        (eos > f32::NEG_INFINITY)
            .then(|| self.scores.iter().filter(|&&score| score > eos).count() as u32)
    }

    /// The first token whose running sum of weights exceeds a uniform integer
    /// below `total`.
    fn pick(&self, key: DrawKey, total: u64, largest: f32) -> usize {
        let threshold = ((u128::from(key.bits()) * u128::from(total)) >> 64) as u64;
        let mut sum = 0;
        let mut running = self.scores.iter().map(|&score| {
            sum += weight(score, largest);
            sum
        });
        running.position(|sum| sum > threshold).unwrap_or_else(|| self.best().0)
    }
}
