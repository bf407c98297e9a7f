use candle_core::Tensor;
use tts_cuda::SampleError;
use tts_nn::{Buffer, queue_of, with_values};

use crate::error::SamplerError;
use crate::history::History;
use crate::kernel;
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

    fn to_words(self) -> [u32; Self::WORDS] {
        [self.token, self.eos_rank.unwrap_or(Self::NO_RANK), self.log_prob.to_bits()]
    }

    /// A draw of [`Sampler::draw_into`], read from the device.
    ///
    /// # Errors
    /// If a kernel could draw no token: a score was not finite, or none was left.
    pub fn from_words([token, rank, log_prob]: [u32; Self::WORDS]) -> Result<Self, SamplerError> {
        let log_prob = f32::from_bits(log_prob);
        if log_prob.is_nan() {
            return Err(match SampleError::of(rank) {
                Some(SampleError::AllSuppressed) => SamplerError::NoneLeft,
                _ => SamplerError::Broken,
            });
        }
        let eos_rank = (rank != Self::NO_RANK).then_some(rank);
        Ok(Self { token, log_prob, eos_rank })
    }
}

/// How one row of logits is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct DrawRow<'a> {
    /// Penalty, temperature and cuts.
    pub params: &'a SamplingParams,
    /// What may be drawn.
    pub rules: &'a TokenRules,
    /// What was drawn before.
    pub history: &'a History,
    /// The randomness.
    pub key: DrawKey,
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

    /// Draws from each row of logits `[batch, vocab]`, in f32 on the CPU. The draws take the place
    /// of what is in `words`, `[3, batch]` in u32, where the logits are, for
    /// [`Draw::from_words`]; the first row are the tokens. On a GPU nothing waits for it.
    ///
    /// # Errors
    /// As [`Sampler::sample`], for logits on the CPU; if there are not as many rows as in the
    /// batch; if one of the tensors has another shape or type; if the device has no kernel for it.
    pub fn draw_into(
        &mut self,
        logits: &Tensor,
        rows: &[DrawRow<'_>],
        words: &Buffer,
    ) -> Result<(), SamplerError> {
        let (batch, vocab) = logits.dims2()?;
        if batch != rows.len() {
            return Err(SamplerError::Batch { found: rows.len(), expected: batch });
        }
        if words.dims2()? != (Draw::WORDS, batch) {
            let found = words.dims().iter().product();
            return Err(SamplerError::Length { found, expected: Draw::WORDS * batch });
        }
        if let Some(queue) = queue_of(logits.device())? {
            return kernel::draw(&queue, logits, rows, words);
        }
        if !logits.device().is_cpu() {
            let found = format!("{:?}", logits.device().location());
            return Err(SamplerError::Device { found });
        }
        with_values(logits, |logits| {
            words.change(|words: &mut [u32]| {
                let logits = logits.chunks(vocab.max(1));
                for (index, (logits, row)) in logits.zip(rows).enumerate() {
                    let draw = self.sample(logits, row.params, row.rules, row.history, row.key)?;
                    let places = words.iter_mut().skip(index).step_by(batch);
                    places.zip(draw.to_words()).for_each(|(place, word)| *place = word);
                }
                Ok(())
            })
        })??
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
