//! One frame of speech (`docs/model.md`, section 6.3).

use std::time::Instant;

use candle_core::Tensor;
use tts_code_predictor::PredictorRow;
use tts_profiling::{Stage, SyncClass, frame_span, gpu_sync};
use tts_sampler::{Draw, DrawRow, Sampler, SamplerError};
use tts_talker::Output;

use crate::error::TtsError;
use crate::model::Model;
use crate::probe::{Observation, Probe};
use crate::speaking::Speaking;
use crate::timing::ms;

/// Draws the next codebook-0 token of each request from its last output, `[batch, 3]`;
/// nothing is read yet.
fn draw_first_codes(
    model: &Model,
    speaking: &[&mut Speaking],
    sampler: &mut Sampler,
) -> Result<Tensor, TtsError> {
    let logits: Vec<&Tensor> = speaking.iter().map(|one| &one.output.logits).collect();
    let rows: Vec<DrawRow<'_>> = (speaking.iter())
        .map(|one| DrawRow {
            params: &one.options.talker,
            rules: model.first_code_rules(),
            history: &one.history,
            key: one.draw_key(),
        })
        .collect();
    Ok(sampler.draw_rows(&Tensor::cat(&logits, 0)?, &rows)?)
}

/// Draws the first token of a request.
pub(crate) fn begin(
    model: &Model,
    speaking: &mut Speaking,
    sampler: &mut Sampler,
) -> Result<(), TtsError> {
    let draws = draw_first_codes(model, &[speaking], sampler)?.flatten_all()?;
    gpu_sync!("prefill.first_code", SyncClass::PerUtterance);
    let words = draws.to_vec1::<u32>()?;
    speaking.drawn(draw(&words)?, model.end_of_speech())
}

fn draw(words: &[u32]) -> Result<Draw, TtsError> {
    let (found, expected) = (words.len(), Draw::WORDS);
    Draw::from_words(words).ok_or(SamplerError::Length { found, expected }.into())
}

/// Generates the next frame of every request in `live`, which all can advance.
pub(crate) fn advance(
    model: &Model,
    live: &mut [&mut Speaking],
    sampler: &mut Sampler,
    probe: &mut dyn Probe,
) -> Result<(), TtsError> {
    let started = Instant::now();
    let Some(frame) = live.first().map(|speaking| speaking.frames.len()) else { return Ok(()) };
    let (codes, embedded) = predict_codes(model, live, frame, sampler, probe)?;
    advance_talker(model, live, &embedded, frame, probe)?;
    {
        let _span = frame_span!(Stage::Sampling, frame);
        let draws = draw_first_codes(model, live, sampler)?;
        // All that the host has to know of a frame, in one read.
        let words = Tensor::cat(&[&draws, &codes], 1)?;
        gpu_sync!("generate.frame", SyncClass::PerFrame);
        let words = words.to_vec2::<u32>()?;
        for (speaking, words) in live.iter_mut().zip(&words) {
            let (drawn, codes) = words.split_at_checked(Draw::WORDS).unwrap_or_default();
            speaking
                .frames
                .push(speaking.first_codes.last().into_iter().chain(codes).copied().collect());
            speaking.drawn(draw(drawn)?, model.end_of_speech())?;
        }
    }
    probe.frames(frame + 1);
    let spent = ms(started.elapsed());
    for speaking in live {
        speaking.timing.generate_ms += spent;
    }
    Ok(())
}

/// Completes one frame of each request; returns its codes without the first, `[batch,
/// codebooks - 1]`, and the sums of the embedded codes, `[batch, hidden]`.
fn predict_codes(
    model: &Model,
    live: &mut [&mut Speaking],
    frame: usize,
    sampler: &mut Sampler,
    probe: &mut dyn Probe,
) -> Result<(Tensor, Tensor), TtsError> {
    let _span = frame_span!(Stage::CodePredictor, frame);
    let first_codes: Vec<u32> =
        live.iter().filter_map(|speaking| speaking.first_codes.last().copied()).collect();
    let first = model.talker.codec(&first_codes)?;
    let hidden: Vec<&Tensor> = live.iter().map(|speaking| &speaking.output.hidden).collect();
    let hidden = Tensor::cat(&hidden, 0)?;
    let items: Vec<usize> = live.iter().map(|speaking| speaking.item).collect();
    if probe.enabled() {
        for (b, &item) in items.iter().enumerate() {
            let (hidden, first) = (hidden.narrow(0, b, 1)?, first.narrow(0, b, 1)?);
            probe.observe(item, Observation::PredictorInput(frame, &hidden, &first))?;
        }
    }
    let mut rows: Vec<PredictorRow<'_>> = live
        .iter_mut()
        .map(|speaking| PredictorRow {
            key: speaking.frame_key(),
            params: &speaking.options.predictor,
            state: &mut speaking.predictor,
        })
        .collect();
    let codes = model.predictor.frame(
        &hidden,
        &first,
        &mut rows,
        sampler,
        &mut |codebook, hidden, logits| {
            if !probe.enabled() {
                return Ok(());
            }
            for (b, &item) in items.iter().enumerate() {
                let (hidden, logits) = (hidden.narrow(0, b, 1)?, logits.narrow(0, b, 1)?);
                let observation = Observation::PredictorOutput(frame, codebook, &hidden, &logits);
                probe.observe(item, observation)?;
            }
            Ok(())
        },
    )?;
    let embedded = model.predictor.embed(&first, &codes)?;
    Ok((codes, embedded))
}

/// Feeds the frame back: one talker step for every request.
fn advance_talker(
    model: &Model,
    live: &mut [&mut Speaking],
    embedded: &Tensor,
    frame: usize,
    probe: &mut dyn Probe,
) -> Result<(), TtsError> {
    let _span = frame_span!(Stage::TalkerStep, frame);
    let texts = live
        .iter()
        .map(|speaking| speaking.text.row(speaking.frames.len(), &model.talker))
        .collect::<Result<Vec<_>, TtsError>>()?;
    let input = (embedded + Tensor::cat(&texts, 0)?)?;
    if probe.enabled() {
        for (b, speaking) in live.iter().enumerate() {
            let (row, position) = (input.narrow(0, b, 1)?, speaking.talker.position());
            probe.observe(speaking.item, Observation::StepInput(frame + 1, position, &row))?;
        }
    }
    let mut states: Vec<_> = live.iter_mut().map(|speaking| &mut speaking.talker).collect();
    let output = model.talker.step(&input, &mut states)?;
    for (b, speaking) in live.iter_mut().enumerate() {
        speaking.output = Output {
            hidden: output.hidden.narrow(0, b, 1)?,
            logits: output.logits.narrow(0, b, 1)?,
        };
        if probe.enabled() {
            let Output { hidden, logits } = &speaking.output;
            probe.observe(speaking.item, Observation::StepOutput(frame + 1, hidden, logits))?;
        }
    }
    Ok(())
}
