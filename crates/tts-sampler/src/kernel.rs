//! Draws with the kernel for GPUs.

use candle_core::{DType, Device, Error, Tensor};
use tts_cuda::{Address, Float, Queue, Sample, SampleRow, Steps};
use tts_nn::{Buffer, address_of};
use tts_profiling::{Stage, is_heard, stage_span};

use crate::batch::DrawRow;
use crate::error::SamplerError;
use crate::rules::TokenRules;

/// What the kernel keeps of some sequences.
#[derive(Debug)]
pub(crate) struct DeviceRows {
    queue: Queue,
    /// A bit for each token that is never drawn.
    suppressed: Tensor,
    /// A [`SampleRow`] for each sequence, then a bit for each token that it had.
    known: Buffer,
    /// `[batch, vocab]` in f32.
    scores: Tensor,
    /// Whether tokens are remembered.
    remembers: bool,
    /// Whether the cuts have spans of their own.
    traced: bool,
}

impl DeviceRows {
    pub(crate) fn new(
        queue: Queue,
        rules: &TokenRules,
        batch: usize,
        device: &Device,
    ) -> Result<Self, SamplerError> {
        let vocab = rules.vocab();
        let suppressed: Vec<u32> = bits(rules.suppressed()).collect();
        let width = suppressed.len();
        Ok(Self {
            queue,
            suppressed: Tensor::from_vec(suppressed, width, device)?,
            known: Buffer::zeros(batch * (SampleRow::WORDS + width), DType::U32, device)?,
            scores: Tensor::zeros((batch, vocab), DType::F32, device)?,
            remembers: false,
            traced: rules.traced(),
        })
    }

    /// See [`BatchSampler::begin`](crate::BatchSampler::begin); lengths fit.
    pub(crate) fn begin(
        &mut self,
        rows: &[DrawRow<'_>],
        rules: &TokenRules,
        batch: usize,
    ) -> Result<(), SamplerError> {
        self.remembers = rows.iter().any(|row| row.history.is_some());
        // Either all have a history or none.
        if rows.iter().any(|row| row.history.is_some() != self.remembers) {
            let message = "rows with and without a history".to_owned();
            return Err(Error::Msg(message).into());
        }
        let mut host = Vec::with_capacity(self.known.elem_count());
        host.extend(rows.iter().flat_map(|row| state(row, rules).to_words()));
        host.resize(batch * SampleRow::WORDS, 0);
        for history in rows.iter().filter_map(|row| row.history) {
            host.extend(bits(history.seen()));
        }
        host.resize(self.known.elem_count(), 0);
        Ok(self.known.write(&host)?)
    }

    /// See [`BatchSampler::draw_into`](crate::BatchSampler::draw_into); shapes fit.
    pub(crate) fn draw(
        &self,
        logits: &Tensor,
        codebook: u32,
        ends: bool,
        words: &Buffer,
    ) -> Result<(), SamplerError> {
        let device = self.known.device();
        if words.dtype() != DType::U32 || !words.device().same_device(device) {
            return Err(Error::UnsupportedDTypeForOp(words.dtype(), "draws").into());
        }
        let dtype = match logits.dtype() {
            DType::F32 => Float::F32,
            DType::BF16 => Float::Bf16,
            found => return Err(Error::UnsupportedDTypeForOp(found, "sample").into()),
        };
        if !logits.device().same_device(device) {
            return Err(Error::Msg("logits on another device than their rows".to_owned()).into());
        }
        let (batch, vocab) = self.scores.dims2()?;
        let state = address_of(&self.known)?;
        let sample = Sample {
            logits: address_of(logits)?,
            dtype,
            rows: batch as u32,
            vocab: vocab as u32,
            suppressed: address_of(&self.suppressed)?,
            by_row: false,
            seen: self.remembers.then(|| seen(state, batch)),
            state,
            scores: address_of(&self.scores)?,
            words: address_of(words)?,
            codebook,
            ends,
            steps: Steps::ALL,
        };
        let launch = |steps: Steps| {
            // SAFETY: the tensors have these shapes. They are freed in the order of the queue, so
            // after the kernel has run, and nobody else has `known` and `scores`.
            unsafe { Sample { steps, ..sample }.launch(&self.queue) }
        };
        if !(self.traced && is_heard()) {
            return Ok(launch(Steps::ALL)?);
        }
        // Whoever listens hears of the cuts, which takes four launches.
        launch(Steps::MASK)?;
        {
            let _span = stage_span!(Stage::TopK);
            launch(Steps::TOP_K)?;
        }
        {
            let _span = stage_span!(Stage::TopP);
            launch(Steps::TOP_P)?;
        }
        Ok(launch(Steps::DRAW)?)
    }
}

/// Where the bits of tokens are that were drawn, behind the states.
fn seen(state: Address, batch: usize) -> Address {
    state.after(batch * SampleRow::WORDS * size_of::<u32>())
}

/// The kernel counts steps; the minimum length counts tokens of the history.
fn state(row: &DrawRow<'_>, rules: &TokenRules) -> SampleRow {
    let params = row.params;
    let step = row.key.step;
    let may_end_at = match row.history {
        Some(history) => {
            let left = params.min_new_tokens.saturating_sub(history.drawn());
            step.saturating_add(left.try_into().unwrap_or(u32::MAX))
        }
        None if params.min_new_tokens == 0 => 0,
        None => u32::MAX,
    };
    SampleRow {
        do_sample: params.do_sample.into(),
        temperature: params.temperature,
        top_k: params.top_k.try_into().unwrap_or(u32::MAX),
        top_p: params.top_p,
        penalty: params.repetition_penalty,
        min_new_tokens: may_end_at,
        eos: rules.eos().unwrap_or(SampleRow::NONE),
        seed: [row.key.seed as u32, (row.key.seed >> 32) as u32],
        request: row.key.request,
        drawn: step,
        rank: SampleRow::NONE,
        error: 0,
    }
}

/// One for each token, in numbers of 32.
fn bits(tokens: &[bool]) -> impl Iterator<Item = u32> {
    let bits =
        |tokens: &[bool]| tokens.iter().rev().fold(0, |bits, &one| bits << 1 | u32::from(one));
    tokens.chunks(32).map(bits)
}

#[cfg(test)]
mod tests {
    use tts_cuda::Order;

    use super::*;
    use crate::{BatchSampler, Draw, DrawKey, History, SamplingParams};

    const VOCAB: usize = 70;

    fn device(rules: &TokenRules, batch: usize) -> Result<DeviceRows, SamplerError> {
        DeviceRows::new(Queue::Emulated(Order::default()), rules, batch, &Device::Cpu)
    }

    /// Rows that differ in everything that goes to the device, over many steps without a read.
    #[test]
    fn rows_are_drawn_as_on_the_cpu() -> Result<(), SamplerError> {
        let default = SamplingParams::default();
        let params = [
            SamplingParams { temperature: 0.7, top_k: 9, top_p: 0.8, ..default },
            SamplingParams { repetition_penalty: 1.9, min_new_tokens: 13, ..default },
            SamplingParams { do_sample: false, repetition_penalty: 4.0, ..default },
        ];
        let every_rule = [
            TokenRules::all(VOCAB),
            TokenRules::talker(VOCAB, 60, 65),
            TokenRules::new(VOCAB, [3, 31, 32, 69], Some(5))?,
        ];
        let mut histories = [History::new(VOCAB), History::new(VOCAB), History::new(VOCAB)];
        for token in [5, 31, 32, 33, 64, 68] {
            histories[1].push(token % 60)?;
            histories[2].push(token)?;
        }
        let kinds = [(DType::F32, true), (DType::BF16, true), (DType::F32, false)];
        for (rules, (dtype, remembers)) in
            every_rule.iter().flat_map(|rules| kinds.map(|kind| (rules, kind)))
        {
            let row = |row: usize| DrawRow {
                params: &params[row],
                history: remembers.then_some(&histories[row]),
                key: DrawKey { seed: 1 << 40 | row as u64, request: 3, step: 2, codebook: 0 },
            };
            let rows = [row(0), row(1), row(2)];
            let (mut on_device, mut on_host) =
                (device(rules, 3)?, BatchSampler::new(rules, 3, &Device::Cpu)?);
            on_device.begin(&rows, rules, 3)?;
            on_host.begin(&rows)?;
            for step in 0..40 {
                let logits = (0..3 * VOCAB).map(|i| ((i * 37 + step * 11) % 101) as f32 / 25.0);
                let logits = Tensor::from_iter(logits, &Device::Cpu)?.reshape((3, VOCAB))?;
                let logits = logits.to_dtype(dtype)?;
                let words = || Buffer::zeros((3, 3), DType::U32, &Device::Cpu);
                let (found, expected) = (words()?, words()?);
                // Some tokens are the last of their step.
                let (codebook, ends) = (step as u32 % 3, step % 3 != 1);
                on_device.draw(&logits, codebook, ends, &found)?;
                on_host.draw_into(&logits.to_dtype(DType::F32)?, codebook, ends, &expected)?;
                let draws = |words: &Buffer| -> Result<Vec<Draw>, SamplerError> {
                    let words = words.to_vec2::<u32>()?;
                    (0..3).map(|b| Draw::from_words([0, 1, 2].map(|word| words[word][b]))).collect()
                };
                for (found, expected) in draws(&found)?.iter().zip(draws(&expected)?) {
                    let error = (found.log_prob - expected.log_prob).abs();
                    assert!(error <= 1e-6, "{error:e}");
                    assert_eq!(Draw { log_prob: expected.log_prob, ..*found }, expected);
                }
            }
        }
        Ok(())
    }

    #[test]
    fn other_types_and_mixed_rows_are_refused() -> Result<(), SamplerError> {
        let (params, rules) = (SamplingParams::default(), TokenRules::all(4));
        let key = DrawKey { seed: 0, request: 0, step: 0, codebook: 0 };
        let history = History::new(4);
        let with = DrawRow { params: &params, history: Some(&history), key };
        let without = DrawRow { history: None, ..with };
        let mut device = device(&rules, 2)?;
        assert!(device.begin(&[with, without], &rules, 2).is_err());
        device.begin(&[with, with], &rules, 2)?;
        device.begin(&[with], &rules, 2)?;
        let words = Buffer::zeros((3, 2), DType::U32, &Device::Cpu)?;
        let logits = Tensor::zeros((2, 4), DType::F32, &Device::Cpu)?;
        device.draw(&logits, 0, true, &words)?;
        assert!(device.draw(&logits.to_dtype(DType::F64)?, 0, true, &words).is_err());
        let signed = Buffer::zeros((3, 2), DType::I64, &Device::Cpu)?;
        assert!(device.draw(&logits, 0, true, &signed).is_err());
        Ok(())
    }
}
