//! Draws with the kernel for GPUs.

use candle_core::{DType, Tensor};
use tts_cuda::{Address, Float, Queue, Sample, SampleRow, Steps};
use tts_nn::{Buffer, address_of};

use crate::error::SamplerError;
use crate::sampler::DrawRow;

/// See [`Sampler::draw_into`](crate::Sampler::draw_into); the shapes fit.
pub(crate) fn draw(
    queue: &Queue,
    logits: &Tensor,
    rows: &[DrawRow<'_>],
    words: &Buffer,
) -> Result<(), SamplerError> {
    let logits = logits.contiguous()?;
    let (batch, vocab) = logits.dims2()?;
    for row in rows {
        let expected = row.rules.vocab();
        if vocab != expected || row.history.seen().len() != expected {
            return Err(SamplerError::Length { found: vocab, expected });
        }
    }
    let codebook = rows.first().map_or(0, |row| row.key.codebook);
    if rows.iter().any(|row| row.key.codebook != codebook) {
        return Err(candle_core::Error::Msg("rows of several codebooks".to_owned()).into());
    }
    if words.dtype() != DType::U32 || !words.device().same_device(logits.device()) {
        return Err(candle_core::Error::UnsupportedDTypeForOp(words.dtype(), "draws").into());
    }
    let dtype = match logits.dtype() {
        DType::F32 => Float::F32,
        DType::BF16 => Float::Bf16,
        found => return Err(candle_core::Error::UnsupportedDTypeForOp(found, "sample").into()),
    };
    // All that the host knows goes there in one piece: states, what may not be drawn, what was.
    let states = rows.iter().flat_map(|row| state(row).to_words());
    let suppressed = rows.iter().flat_map(|row| bits(row.rules.suppressed()));
    let seen = rows.iter().flat_map(|row| bits(row.history.seen()));
    let host: Vec<u32> = states.chain(suppressed).chain(seen).collect();
    let count = host.len();
    let known = Tensor::from_vec(host, count, logits.device())?;
    let scores = Tensor::zeros((batch, vocab), DType::F32, logits.device())?;
    let start = address_of(&known)?;
    let word = |index: usize| -> Address { start.after(index * size_of::<u32>()) };
    let (states, width) = (batch * SampleRow::WORDS, vocab.div_ceil(32));
    let sample = Sample {
        logits: address_of(&logits)?,
        dtype,
        rows: batch as u32,
        vocab: vocab as u32,
        suppressed: word(states),
        by_row: true,
        seen: Some(word(states + batch * width)),
        state: start,
        scores: address_of(&scores)?,
        words: address_of(words)?,
        codebook,
        advances: true,
        steps: Steps::ALL,
    };
    // SAFETY: the tensors have these shapes. They are freed in the order of the queue, so after the
    // kernel has run, and nobody else has `known` and `scores`.
    Ok(unsafe { sample.launch(queue) }?)
}

/// The kernel draws for the step that as many draws came before; what counts for the minimum length
/// is whether there were as many.
fn state(row: &DrawRow<'_>) -> SampleRow {
    let params = row.params;
    let may_end = row.history.drawn() >= params.min_new_tokens;
    SampleRow {
        do_sample: params.do_sample.into(),
        temperature: params.temperature,
        top_k: params.top_k.try_into().unwrap_or(u32::MAX),
        top_p: params.top_p,
        penalty: params.repetition_penalty,
        min_new_tokens: if may_end { 0 } else { u32::MAX },
        eos: row.rules.eos().unwrap_or(SampleRow::NONE),
        seed: [row.key.seed as u32, (row.key.seed >> 32) as u32],
        request: row.key.request,
        drawn: row.key.step,
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
    use candle_core::Device;
    use tts_cuda::Order;

    use super::*;
    use crate::{Draw, DrawKey, History, Sampler, SamplingParams, TokenRules};

    /// Rows that differ in everything that goes to the device.
    #[test]
    fn rows_are_drawn_as_on_the_cpu() -> Result<(), SamplerError> {
        let vocab = 70;
        let default = SamplingParams::default();
        let params = [
            SamplingParams { temperature: 0.7, top_k: 9, top_p: 0.8, ..default },
            SamplingParams { repetition_penalty: 1.9, min_new_tokens: 3, ..default },
            SamplingParams { do_sample: false, repetition_penalty: 4.0, ..default },
        ];
        let rules = [
            TokenRules::all(vocab),
            TokenRules::talker(vocab, 60, 65),
            TokenRules::new(vocab, [3, 31, 32, 69], Some(5))?,
        ];
        let mut histories = [History::new(vocab), History::new(vocab), History::new(vocab)];
        for token in [5, 31, 32, 33, 64, 68] {
            histories[1].push(token % 60)?;
            histories[2].push(token)?;
        }
        for step in 0..40 {
            let logits = (0..3 * vocab).map(|i| ((i * 37 + step * 11) % 101) as f32 / 25.0);
            let logits = Tensor::from_iter(logits, &Device::Cpu)?.reshape((3, vocab))?;
            let key = |row: usize| DrawKey {
                seed: 1 << 40 | row as u64,
                request: row as u32,
                step: step as u32,
                codebook: 2,
            };
            let rows: Vec<DrawRow<'_>> = (0..3)
                .map(|row| DrawRow {
                    params: &params[row],
                    rules: &rules[row],
                    history: &histories[row],
                    key: key(row),
                })
                .collect();
            for dtype in [DType::F32, DType::BF16] {
                let logits = logits.to_dtype(dtype)?;
                let words = || Buffer::zeros((3, 3), DType::U32, &Device::Cpu);
                let (found, expected) = (words()?, words()?);
                draw(&Queue::Emulated(Order::default()), &logits, &rows, &found)?;
                Sampler::new().draw_into(&logits.to_dtype(DType::F32)?, &rows, &expected)?;
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
    fn other_vocabularies_and_types_are_refused() -> Result<(), SamplerError> {
        let (params, rules) = (SamplingParams::default(), TokenRules::all(4));
        let key = DrawKey { seed: 0, request: 0, step: 0, codebook: 0 };
        let history = History::new(4);
        let rows = [DrawRow { params: &params, rules: &rules, history: &history, key }];
        let words = Buffer::zeros((3, 1), DType::U32, &Device::Cpu)?;
        let refused = |logits: Tensor| {
            draw(&Queue::Emulated(Order::default()), &logits, &rows, &words).is_err()
        };
        assert!(refused(Tensor::zeros((1, 5), DType::F32, &Device::Cpu)?));
        assert!(refused(Tensor::zeros((1, 4), DType::F64, &Device::Cpu)?));
        let other = History::new(3);
        let rows = [DrawRow { history: &other, ..rows[0] }];
        let logits = Tensor::zeros((1, 4), DType::F32, &Device::Cpu)?;
        assert!(draw(&Queue::Emulated(Order::default()), &logits, &rows, &words).is_err());
        Ok(())
    }
}
