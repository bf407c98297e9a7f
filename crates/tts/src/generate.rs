//! The loop over frames (`docs/model.md`, section 6.3).

use std::time::Instant;

use candle_core::Tensor;
use tts_code_predictor::PredictorRow;
use tts_profiling::{Stage, frame_span};
use tts_sampler::{Sampler, TokenRules};
use tts_talker::Output;

use crate::error::TtsError;
use crate::model::Model;
use crate::probe::{Observation, Probe};
use crate::session::Session;
use crate::timing::ms;

/// Draws the next codebook-0 token of a session from its last output.
pub(crate) fn draw_first_code(
    session: &mut Session,
    rules: &TokenRules,
    sampler: &mut Sampler,
) -> Result<(), TtsError> {
    let key = session.draw_key();
    let logits = session.output.logits.squeeze(0)?;
    let draw =
        sampler.sample_row(&logits, &session.options.talker, rules, &session.history, key)?;
    session.history.push(draw.token)?;
    session.first_codes.push(draw.token);
    Ok(())
}

/// Runs all sessions to their ends, every frame for all live ones at once.
pub(crate) fn generate(
    model: &Model,
    sessions: &mut [Session],
    sampler: &mut Sampler,
    probe: &mut dyn Probe,
) -> Result<(), TtsError> {
    let started = Instant::now();
    let end_of_speech = model.end_of_speech();
    for frame in 0_usize.. {
        let mut live: Vec<&mut Session> =
            sessions.iter_mut().filter(|s| s.finish(end_of_speech).is_none()).collect();
        if live.is_empty() {
            break;
        }
        let embedded = predict_codes(model, &mut live, frame, sampler, probe)?;
        advance_talker(model, &mut live, &embedded, frame, probe)?;
        {
            let _span = frame_span!(Stage::Sampling, frame);
            for session in &mut live {
                draw_first_code(session, model.first_code_rules(), sampler)?;
            }
        }
        probe.frames(frame + 1);
        let now = ms(started.elapsed());
        for session in live {
            session.generate_ms = now;
        }
    }
    Ok(())
}

/// Completes one frame of each session; returns the sums of the embedded codes,
/// `[batch, hidden]`.
fn predict_codes(
    model: &Model,
    live: &mut [&mut Session],
    frame: usize,
    sampler: &mut Sampler,
    probe: &mut dyn Probe,
) -> Result<Tensor, TtsError> {
    let _span = frame_span!(Stage::CodePredictor, frame);
    let first_codes: Vec<u32> =
        live.iter().filter_map(|session| session.first_codes.last().copied()).collect();
    let first = model.talker.codec(&first_codes)?;
    let hidden: Vec<&Tensor> = live.iter().map(|session| &session.output.hidden).collect();
    let hidden = Tensor::cat(&hidden, 0)?;
    let items: Vec<usize> = live.iter().map(|session| session.item).collect();
    if probe.enabled() {
        for (b, &item) in items.iter().enumerate() {
            let (hidden, first) = (hidden.narrow(0, b, 1)?, first.narrow(0, b, 1)?);
            probe.observe(item, Observation::PredictorInput(frame, &hidden, &first))?;
        }
    }
    let mut rows: Vec<PredictorRow<'_>> = live
        .iter_mut()
        .map(|session| PredictorRow {
            key: session.frame_key(),
            params: &session.options.predictor,
            state: &mut session.predictor,
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
    for ((session, first), codes) in live.iter_mut().zip(first_codes).zip(codes) {
        let mut frame = Vec::with_capacity(codes.len() + 1);
        frame.push(first);
        frame.extend(codes);
        session.frames.push(frame);
    }
    Ok(embedded)
}

/// Feeds the frame back: one talker step for every session.
fn advance_talker(
    model: &Model,
    live: &mut [&mut Session],
    embedded: &Tensor,
    frame: usize,
    probe: &mut dyn Probe,
) -> Result<(), TtsError> {
    let _span = frame_span!(Stage::TalkerStep, frame);
    let texts =
        live.iter().map(|session| session.next_text()).collect::<candle_core::Result<Vec<_>>>()?;
    let input = (embedded + Tensor::cat(&texts, 0)?)?;
    if probe.enabled() {
        for (b, session) in live.iter().enumerate() {
            let (row, position) = (input.narrow(0, b, 1)?, session.talker.position());
            probe.observe(session.item, Observation::StepInput(frame + 1, position, &row))?;
        }
    }
    let mut states: Vec<_> = live.iter_mut().map(|session| &mut session.talker).collect();
    let output = model.talker.step(&input, &mut states)?;
    for (b, session) in live.iter_mut().enumerate() {
        session.output = Output {
            hidden: output.hidden.narrow(0, b, 1)?,
            logits: output.logits.narrow(0, b, 1)?,
        };
        if probe.enabled() {
            let Output { hidden, logits } = &session.output;
            probe.observe(session.item, Observation::StepOutput(frame + 1, hidden, logits))?;
        }
    }
    Ok(())
}
