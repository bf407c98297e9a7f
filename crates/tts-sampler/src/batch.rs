//! Draws for sequences that are generated together.

use candle_core::{Device, Tensor};
use tts_nn::{Buffer, queue_of, with_values};

use crate::error::SamplerError;
use crate::history::History;
use crate::kernel::DeviceRows;
use crate::params::SamplingParams;
use crate::philox::DrawKey;
use crate::rules::TokenRules;
use crate::sampler::{Draw, Sampler};

/// How one sequence is drawn for.
#[derive(Debug, Clone, Copy)]
pub struct DrawRow<'a> {
    /// Penalty, temperature and cuts.
    pub params: &'a SamplingParams,
    /// What was drawn before; it grows with every step. Without one there is no penalty.
    pub history: Option<&'a History>,
    /// The randomness of the next draw; the codebook is told with it.
    pub key: DrawKey,
}

/// Draws tokens for some sequences, where their logits are.
///
/// What the host knows of the sequences goes there in [`BatchSampler::begin`]; from then on it
/// changes there, so tokens can be drawn for any number of steps without reading one.
#[derive(Debug)]
pub struct BatchSampler {
    rules: TokenRules,
    batch: usize,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Host { sampler: Sampler, rows: Vec<HostRow> },
    Device(DeviceRows),
}

#[derive(Debug)]
struct HostRow {
    params: SamplingParams,
    history: History,
    /// Whether the history grows.
    remembers: bool,
    key: DrawKey,
}

impl BatchSampler {
    /// For `batch` sequences whose logits are on `device`.
    ///
    /// # Errors
    /// If there is no kernel for the device, or no room on it.
    pub fn new(rules: &TokenRules, batch: usize, device: &Device) -> Result<Self, SamplerError> {
        let place = if let Some(queue) = queue_of(device)? {
            Place::Device(DeviceRows::new(queue, rules, batch, device)?)
        } else if device.is_cpu() {
            let row = || HostRow {
                params: SamplingParams::default(),
                history: History::new(rules.vocab()),
                remembers: false,
                key: DrawKey { seed: 0, request: 0, step: 0, codebook: 0 },
            };
            Place::Host { sampler: Sampler::new(), rows: (0..batch).map(|_| row()).collect() }
        } else {
            return Err(SamplerError::Device { found: format!("{:?}", device.location()) });
        };
        Ok(Self { rules: rules.clone(), batch, place })
    }

    /// Takes what is known of all sequences. On a GPU the last rows may be without one: their draws
    /// are worth nothing.
    ///
    /// # Errors
    /// If there are not as many rows; if a history is of another vocabulary.
    pub fn begin(&mut self, rows: &[DrawRow<'_>]) -> Result<(), SamplerError> {
        let may_miss = matches!(self.place, Place::Device(_)) && rows.len() < self.batch;
        if rows.len() != self.batch && !may_miss {
            return Err(SamplerError::Batch { found: rows.len(), expected: self.batch });
        }
        let (batch, expected) = (self.batch, self.rules.vocab());
        for history in rows.iter().filter_map(|row| row.history) {
            let found = history.seen().len();
            if found != expected {
                return Err(SamplerError::Length { found, expected });
            }
        }
        match &mut self.place {
            Place::Device(device) => device.begin(rows, &self.rules, batch),
            Place::Host { rows: own, .. } => {
                for (own, row) in own.iter_mut().zip(rows) {
                    own.params = *row.params;
                    own.key = row.key;
                    own.remembers = row.history.is_some();
                    match row.history {
                        Some(history) => own.history.set(history),
                        None => own.history.clear(),
                    }
                }
                Ok(())
            }
        }
    }

    /// Draws a token of `codebook` from each row of logits `[batch, vocab]`, in f32 on the CPU. The
    /// draws take the place of what is in `words`, `[3, batch]` in u32, where the logits are, for
    /// [`Draw::from_words`]; the first row are the tokens, of the vocabulary in any case. The last
    /// draw of a step `ends` it. On a GPU nothing waits for it.
    ///
    /// # Errors
    /// If one of the tensors has another shape or type; if the kernel cannot be launched. What is
    /// wrong with logits is told by the draws.
    pub fn draw_into(
        &mut self,
        logits: &Tensor,
        codebook: u32,
        ends: bool,
        words: &Buffer,
    ) -> Result<(), SamplerError> {
        let (batch, vocab) = logits.dims2()?;
        if batch != self.batch {
            return Err(SamplerError::Batch { found: self.batch, expected: batch });
        }
        if vocab != self.rules.vocab() {
            return Err(SamplerError::Length { found: vocab, expected: self.rules.vocab() });
        }
        if words.dims2()? != (Draw::WORDS, batch) {
            let found = words.dims().iter().product();
            return Err(SamplerError::Length { found, expected: Draw::WORDS * batch });
        }
        let rules = &self.rules;
        match &mut self.place {
            Place::Device(device) => device.draw(logits, codebook, ends, words),
            Place::Host { sampler, rows } => with_values(logits, |logits| {
                words.change(|words: &mut [u32]| {
                    let logits = logits.chunks(vocab.max(1));
                    for (index, (logits, row)) in logits.zip(rows).enumerate() {
                        let drawn = row.draw(sampler, logits, rules, codebook, ends)?;
                        let places = words.iter_mut().skip(index).step_by(batch);
                        places.zip(drawn).for_each(|(place, word)| *place = word);
                    }
                    Ok(())
                })
            })??,
        }
    }
}

impl HostRow {
    fn draw(
        &mut self,
        sampler: &mut Sampler,
        logits: &[f32],
        rules: &TokenRules,
        codebook: u32,
        ends: bool,
    ) -> Result<[u32; Draw::WORDS], SamplerError> {
        let key = DrawKey { codebook, ..self.key };
        let drawn = sampler.sample(logits, &self.params, rules, &self.history, key);
        if let Ok(draw) = &drawn
            && ends
        {
            self.key.step += 1;
            if self.remembers {
                self.history.push(draw.token)?;
            }
        }
        Draw::to_words(drawn)
    }
}
