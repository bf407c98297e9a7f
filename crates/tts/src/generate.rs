//! One frame of speech (`docs/model.md`, section 6.3).

use std::time::Instant;

use candle_core::{Device, Result as TensorResult, Tensor};
use smallvec::SmallVec;
use tts_code_predictor::{PredictorRow, PredictorWork};
use tts_nn::{Buffer, with_ids};
use tts_profiling::{Stage, SyncClass, frame_span, gpu_sync};
use tts_sampler::{Draw, DrawRow, Sampler, SamplerError};
use tts_talker::{Output, TalkerWork};

use crate::error::TtsError;
use crate::model::Model;
use crate::probe::{Observation, Probe};
use crate::speaking::Speaking;
use crate::timing::ms;

/// Requests that speak together without memory of their own for their list.
pub(crate) type Few<T> = SmallVec<[T; 8]>;

/// Generates frames of the same requests, one after the other. All that a frame needs is
/// computed where it was the last time, so a frame takes no memory but for its codes.
#[derive(Debug, Default)]
pub(crate) struct Generator {
    sampler: Sampler,
    work: Option<Work>,
}

/// The memory of frames of some requests.
#[derive(Debug)]
struct Work {
    batch: usize,
    talker: TalkerWork,
    predictor: PredictorWork,
    /// One row of the batch each.
    rows: Vec<Row>,
    /// The draws, as the host knows them.
    words: Vec<u32>,
}

/// The parts of [`Work`] that belong to one request, `[1, width]`.
#[derive(Debug)]
struct Row {
    input: Buffer,
    hidden: Tensor,
    logits: Tensor,
}

impl Work {
    fn new(model: &Model, batch: usize) -> Result<Self, TtsError> {
        let talker = model.talker.new_work(batch)?;
        let predictor = model.predictor.new_work(batch)?;
        let row = |b: usize| -> TensorResult<Row> {
            Ok(Row {
                input: Buffer::of(talker.input().narrow(0, b, 1)?)?,
                hidden: talker.hidden().narrow(0, b, 1)?,
                logits: talker.logits().narrow(0, b, 1)?,
            })
        };
        let rows = (0..batch).map(row).collect::<TensorResult<_>>()?;
        let words = vec![0; predictor.words().elem_count()];
        Ok(Self { batch, talker, predictor, rows, words })
    }
}

impl Generator {
    /// Draws the first token of a request.
    pub(crate) fn begin(&mut self, model: &Model, speaking: &mut Speaking) -> Result<(), TtsError> {
        let work = self.take_work(model, 1)?;
        work.talker.logits().set(&speaking.output.logits)?;
        self.draw_first_codes(model, &[speaking], &work)?;
        let draw = work.predictor.words().narrow(0, 0, Draw::WORDS)?.flatten_all()?;
        gpu_sync!("prefill.first_code", SyncClass::PerUtterance);
        let words = draw.to_vec1::<u32>()?;
        self.work = Some(work);
        speaking.drawn(draw_of(&words, 0, 1, 0)?, model.end_of_speech())
    }

    /// Generates the next frame of every request in `live`, which all can advance.
    pub(crate) fn advance(
        &mut self,
        model: &Model,
        live: &mut [&mut Speaking],
        probe: &mut dyn Probe,
    ) -> Result<(), TtsError> {
        let started = Instant::now();
        let Some(frame) = live.first().map(|speaking| speaking.frames.len()) else { return Ok(()) };
        let mut work = self.take_work(model, live.len())?;
        self.predict_codes(model, live, frame, &work, probe)?;
        advance_talker(model, live, frame, &work, probe)?;
        {
            let _span = frame_span!(Stage::Sampling, frame);
            self.draw_first_codes(model, live, &work)?;
            read_words(work.predictor.words(), &mut work.words)?;
            let codebooks = work.words.len() / Draw::WORDS / live.len();
            for (b, speaking) in live.iter_mut().enumerate() {
                let draw = |codebook| draw_of(&work.words, b, work.batch, codebook);
                let mut codes = Vec::with_capacity(codebooks);
                codes.extend(speaking.first_codes.last());
                for codebook in 1..codebooks {
                    codes.push(draw(codebook)?.token);
                }
                speaking.frames.push(codes);
                speaking.drawn(draw(0)?, model.end_of_speech())?;
            }
        }
        self.work = Some(work);
        probe.frames(frame + 1);
        let spent = ms(started.elapsed());
        for speaking in live {
            speaking.timing.generate_ms += spent;
        }
        Ok(())
    }

    /// The memory of the last frame, if it was one of as many requests.
    fn take_work(&mut self, model: &Model, batch: usize) -> Result<Work, TtsError> {
        match self.work.take() {
            Some(work) if work.batch == batch => Ok(work),
            _ => Work::new(model, batch),
        }
    }

    /// Draws the next codebook-0 token of each request from what the talker said; nothing is
    /// read yet.
    fn draw_first_codes(
        &mut self,
        model: &Model,
        speaking: &[&mut Speaking],
        work: &Work,
    ) -> Result<(), TtsError> {
        let rows: Few<DrawRow<'_>> = (speaking.iter())
            .map(|one| DrawRow {
                params: &one.options.talker,
                rules: model.first_code_rules(),
                history: &one.history,
                key: one.draw_key(),
            })
            .collect();
        if let Some(draw) = work.predictor.first_draw() {
            self.sampler.draw_into(work.talker.logits(), &rows, draw)?;
        }
        Ok(())
    }

    /// Completes one frame of each request: its codes, and the sums of their embeddings.
    fn predict_codes(
        &mut self,
        model: &Model,
        live: &mut [&mut Speaking],
        frame: usize,
        work: &Work,
        probe: &mut dyn Probe,
    ) -> Result<(), TtsError> {
        let _span = frame_span!(Stage::CodePredictor, frame);
        let first: Few<u32> =
            live.iter().filter_map(|speaking| speaking.first_codes.last().copied()).collect();
        model.talker.codec_into(&first, work.predictor.first())?;
        for (b, speaking) in live.iter().enumerate() {
            work.predictor.hidden().slice_set(&speaking.output.hidden, 0, b)?;
        }
        let items: Few<usize> = live.iter().map(|speaking| speaking.item).collect();
        if probe.enabled() {
            for (b, &item) in items.iter().enumerate() {
                let hidden = row(work.predictor.hidden(), b)?;
                let first = row(work.predictor.first(), b)?;
                probe.observe(item, Observation::PredictorInput(frame, &hidden, &first))?;
            }
        }
        let mut rows: Few<PredictorRow<'_>> = live
            .iter_mut()
            .map(|speaking| PredictorRow {
                key: speaking.frame_key(),
                params: &speaking.options.predictor,
                state: &mut speaking.predictor,
            })
            .collect();
        let mut tap = |codebook, hidden: &Tensor, logits: &Tensor| {
            if !probe.enabled() {
                return Ok(());
            }
            for (b, &item) in items.iter().enumerate() {
                let (hidden, logits) = (row(hidden, b)?, row(logits, b)?);
                let observation = Observation::PredictorOutput(frame, codebook, &hidden, &logits);
                probe.observe(item, observation)?;
            }
            Ok(())
        };
        Ok(model.predictor.frame(&work.predictor, &mut rows, &mut self.sampler, &mut tap)?)
    }
}

/// Feeds the frame back: one talker step for every request.
fn advance_talker(
    model: &Model,
    live: &mut [&mut Speaking],
    frame: usize,
    work: &Work,
    probe: &mut dyn Probe,
) -> Result<(), TtsError> {
    let _span = frame_span!(Stage::TalkerStep, frame);
    work.talker.input().set(work.predictor.embedded())?;
    for (speaking, row) in live.iter().zip(&work.rows) {
        let text = speaking.text.row(speaking.frames.len(), &model.talker, &work.talker)?;
        row.input.add(text)?;
    }
    if probe.enabled() {
        for (b, speaking) in live.iter().enumerate() {
            let (input, position) = (row(work.talker.input(), b)?, speaking.talker.position());
            probe.observe(speaking.item, Observation::StepInput(frame + 1, position, &input))?;
        }
    }
    {
        let mut states: Few<_> = live.iter_mut().map(|speaking| &mut speaking.talker).collect();
        model.talker.step(&work.talker, &mut states)?;
    }
    for (speaking, row) in live.iter().zip(&work.rows) {
        let Output { hidden, logits } = &speaking.output;
        hidden.slice_set(&row.hidden, 0, 0)?;
        logits.slice_set(&row.logits, 0, 0)?;
        if probe.enabled() {
            let (hidden, logits) = (hidden.copy()?, logits.copy()?);
            probe.observe(speaking.item, Observation::StepOutput(frame + 1, &hidden, &logits))?;
        }
    }
    Ok(())
}

/// A row, for a probe that may keep it.
fn row(x: &Tensor, b: usize) -> TensorResult<Tensor> {
    x.narrow(0, b, 1)?.copy()
}

/// All that the host has to know of a frame, in one read.
fn read_words(words: &Tensor, known: &mut Vec<u32>) -> TensorResult<()> {
    known.clear();
    gpu_sync!("generate.frame", SyncClass::PerFrame);
    match words.device() {
        Device::Cpu => with_ids(words, |words| known.extend_from_slice(words))?,
        _ => known.extend(words.flatten_all()?.to_vec1::<u32>()?),
    }
    Ok(())
}

/// The draw of a codebook for one request of a batch.
fn draw_of(words: &[u32], b: usize, batch: usize, codebook: usize) -> Result<Draw, SamplerError> {
    let word = |word: usize| words.get((codebook * Draw::WORDS + word) * batch + b).copied();
    Draw::from_words([0, 1, 2].map(|index| word(index).unwrap_or_default()))
}
