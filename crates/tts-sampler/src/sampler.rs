use candle_core::{DType, Storage, Tensor};
use tts_profiling::{SyncClass, gpu_sync};

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

    /// Draws from one row of logits, `[vocab]` in f32, where they are.
    ///
    /// # Errors
    /// As [`Sampler::sample`]; those of the tensor library.
    pub fn sample_row(
        &mut self,
        logits: &Tensor,
        params: &SamplingParams,
        rules: &TokenRules,
        history: &History,
        key: DrawKey,
    ) -> Result<Draw, SamplerError> {
        let logits = logits.to_dtype(DType::F32)?.flatten_all()?;
        if logits.device().is_cpu() {
            let (storage, layout) = logits.storage_and_layout();
            if let (Storage::Cpu(storage), Some((start, end))) =
                (&*storage, layout.contiguous_offsets())
                && let Some(row) = storage.as_slice::<f32>()?.get(start..end)
            {
                return self.sample(row, params, rules, history, key);
            }
        }
        gpu_sync!("sampler.logits", SyncClass::PerFrame);
        let row = logits.to_vec1::<f32>()?;
        self.sample(&row, params, rules, history, key)
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
