//! Frames of speech (`docs/model.md`, section 6.3).

use std::time::Instant;

use candle_core::{DType, Device, Result as TensorResult, Tensor};
use smallvec::SmallVec;
use tts_code_predictor::{PredictorError, PredictorWork};
use tts_nn::{Buffer, Counter, with_ids};
use tts_profiling::{Stage, SyncClass, frame_span, gpu_sync};
use tts_sampler::{BatchSampler, Draw};
use tts_talker::TalkerWork;

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
    work: Option<Work>,
}

/// The memory of frames of some requests.
#[derive(Debug)]
struct Work {
    batch: usize,
    talker: TalkerWork,
    predictor: PredictorWork,
    /// Draws the tokens of codebook 0.
    sampler: BatchSampler,
    /// One row of the batch each.
    rows: Vec<Row>,
    /// Frames since the last read.
    counter: Counter,
    /// The rows of the text that go with them, `[frames, batch, hidden]`, and each, `[1, hidden]`.
    texts: Buffer,
    text_rows: Vec<Buffer>,
    /// The draws of frames that the host has not read, `[frames * words, batch]`.
    drawn: Buffer,
    /// The same, as the host knows them.
    words: Vec<u32>,
}

/// The parts of [`Work`] that belong to one request, `[1, width]`.
#[derive(Debug)]
struct Row {
    hidden: Tensor,
    logits: Tensor,
}

impl Work {
    fn new(model: &Model, batch: usize, frames: usize) -> Result<Self, TtsError> {
        let talker = model.talker.new_work(batch)?;
        let predictor = model.predictor.new_work(batch)?;
        let row = |b: usize| -> TensorResult<Row> {
            Ok(Row {
                hidden: talker.hidden().narrow(0, b, 1)?,
                logits: talker.logits().narrow(0, b, 1)?,
            })
        };
        let rows = (0..batch).map(row).collect::<TensorResult<_>>()?;
        let device = talker.logits().device();
        let words = predictor.words().dim(0)?;
        let drawn = Buffer::zeros((frames * words, batch), DType::U32, device)?;
        let input = talker.input();
        let texts = Buffer::zeros((frames, batch, input.dim(1)?), input.dtype(), device)?;
        let each = texts.flatten(0, 1)?;
        let text_row = |row: usize| Buffer::of(each.narrow(0, row, 1)?);
        let text_rows = (0..frames * batch).map(text_row).collect::<TensorResult<_>>()?;
        let counter = Counter::new(device)?;
        let sampler = BatchSampler::new(model.first_code_rules(), batch, device)?;
        let words = Vec::with_capacity(drawn.elem_count());
        Ok(Self {
            batch,
            talker,
            predictor,
            sampler,
            rows,
            counter,
            texts,
            text_rows,
            drawn,
            words,
        })
    }

    /// Frames that there is room for until the host reads them.
    fn frames(&self) -> TensorResult<usize> {
        Ok(self.drawn.dim(0)? / self.predictor.words().dim(0)?)
    }

    /// Tells the device what the host knows of the requests for some frames.
    fn begin(
        &mut self,
        model: &Model,
        live: &mut [&mut Speaking],
        frames: usize,
    ) -> Result<(), TtsError> {
        self.counter.reset()?;
        {
            let mut states: Few<_> = live.iter_mut().map(|speaking| &mut speaking.talker).collect();
            model.talker.begin(&mut self.talker, &mut states)?;
        }
        let rows = (0..frames).flat_map(|index| live.iter().map(move |one| (index, one)));
        for ((index, speaking), row) in rows.zip(&self.text_rows) {
            speaking.text.row_into(
                speaking.frames.len() + index,
                row,
                &model.talker,
                &self.talker,
            )?;
        }
        for (b, speaking) in live.iter().enumerate() {
            self.predictor.hidden().set_rows(b, &speaking.output.hidden)?;
        }
        let tokens: Few<u32> =
            live.iter().filter_map(|speaking| speaking.first_codes.last().copied()).collect();
        if let Some(first) = self.predictor.first_tokens() {
            first.write(&tokens)?;
        }
        let first: Few<_> = live.iter().map(|speaking| speaking.first_code_row()).collect();
        self.sampler.begin(&first)?;
        let others: Few<_> = live.iter().map(|speaking| speaking.other_codes_row()).collect();
        Ok(self.predictor.begin(&others)?)
    }

    /// Draws the next codebook-0 token of each request from what the talker said; nothing is read
    /// yet.
    fn draw_first_codes(&mut self) -> Result<(), TtsError> {
        if let Some(draw) = self.predictor.first_draw() {
            self.sampler.draw_into(self.talker.logits(), 0, true, draw)?;
        }
        Ok(())
    }

    /// All that the host has to know of the frames since the last read, in one.
    fn read(&mut self) -> TensorResult<()> {
        self.words.clear();
        gpu_sync!("generate.frame", SyncClass::PerFrame);
        match self.drawn.device() {
            Device::Cpu => with_ids(&self.drawn, |words| self.words.extend_from_slice(words))?,
            _ => self.words.extend(self.drawn.flatten_all()?.to_vec1::<u32>()?),
        }
        Ok(())
    }

    /// The draw of a codebook for request `b`, of a frame since the last read.
    fn draw_of(&self, frame: usize, codebook: usize, b: usize) -> Result<Draw, TtsError> {
        let first = (frame * self.codebooks() + codebook) * Draw::WORDS;
        let word = |word: usize| self.words.get((first + word) * self.batch + b).copied();
        let draw = Draw::from_words([0, 1, 2].map(|index| word(index).unwrap_or_default()));
        draw.map_err(|source| match codebook {
            0 => source.into(),
            _ => PredictorError::Draw { codebook, source }.into(),
        })
    }

    fn codebooks(&self) -> usize {
        self.predictor.words().dims().first().map_or(0, |words| words / Draw::WORDS)
    }
}

impl Generator {
    /// Draws the first token of a request.
    pub(crate) fn begin(&mut self, model: &Model, speaking: &mut Speaking) -> Result<(), TtsError> {
        let mut work = self.take_work(model, 1, 1)?;
        work.talker.logits().set(&speaking.output.logits)?;
        work.sampler.begin(&[speaking.first_code_row()])?;
        work.draw_first_codes()?;
        work.words.clear();
        if let Some(draw) = work.predictor.first_draw() {
            gpu_sync!("prefill.first_code", SyncClass::PerUtterance);
            work.words.extend(draw.flatten_all()?.to_vec1::<u32>()?);
        }
        let draw = work.draw_of(0, 0, 0)?;
        self.work = Some(work);
        speaking.drawn(draw, model.end_of_speech())
    }

    /// Generates the next frames of every request in `live`, which all can advance, `most` at the
    /// most, and then reads them; says how many. What a request would say behind its end is
    /// dropped.
    pub(crate) fn advance(
        &mut self,
        model: &Model,
        live: &mut [&mut Speaking],
        most: usize,
        probe: &mut dyn Probe,
    ) -> Result<usize, TtsError> {
        let started = Instant::now();
        let Some(first) = live.first().map(|speaking| speaking.frames.len()) else { return Ok(0) };
        let ahead = live.iter().map(|speaking| speaking.frames_ahead(model)).min();
        // A probe is to see what is said, and no more.
        let most = if probe.enabled() { 1 } else { most.max(1) };
        let count = ahead.unwrap_or(1).clamp(1, most);
        let mut work = self.take_work(model, live.len(), count)?;
        work.begin(model, live, count)?;
        for index in 0..count {
            let frame = first + index;
            predict_codes(model, live, frame, &mut work, probe)?;
            advance_talker(model, live, frame, &work, probe)?;
            let _span = frame_span!(Stage::Sampling, frame);
            work.draw_first_codes()?;
            work.counter.keep(work.predictor.words(), &work.drawn)?;
            work.predictor.hidden().set(work.talker.hidden())?;
            work.counter.advance()?;
            if index + 1 == count {
                work.read()?;
            }
        }
        for index in 0..count {
            for (b, speaking) in live.iter_mut().enumerate() {
                if speaking.finish.is_some() {
                    continue;
                }
                let codebooks = work.codebooks();
                let mut codes = Vec::with_capacity(codebooks);
                codes.extend(speaking.first_codes.last());
                for codebook in 1..codebooks {
                    codes.push(work.draw_of(index, codebook, b)?.token);
                }
                speaking.frames.push(codes);
                speaking.drawn(work.draw_of(index, 0, b)?, model.end_of_speech())?;
            }
        }
        for (speaking, row) in live.iter().zip(&work.rows) {
            speaking.output.hidden.slice_set(&row.hidden, 0, 0)?;
        }
        self.work = Some(work);
        probe.frames(live.iter().map(|speaking| speaking.frames.len()).max().unwrap_or(first));
        let spent = ms(started.elapsed());
        for speaking in live {
            speaking.timing.generate_ms += spent;
        }
        Ok(count)
    }

    /// The memory of the last frames, if they were of as many requests and there is room.
    fn take_work(&mut self, model: &Model, batch: usize, frames: usize) -> Result<Work, TtsError> {
        match self.work.take() {
            Some(work) if work.batch == batch && work.frames()? >= frames => Ok(work),
            _ => Work::new(model, batch, frames),
        }
    }
}

/// Completes one frame of each request: its codes, and the sums of their embeddings.
fn predict_codes(
    model: &Model,
    live: &[&mut Speaking],
    frame: usize,
    work: &mut Work,
    probe: &mut dyn Probe,
) -> Result<(), TtsError> {
    let _span = frame_span!(Stage::CodePredictor, frame);
    if let Some(tokens) = work.predictor.first_tokens() {
        model.talker.codec_into(tokens, work.predictor.first())?;
    }
    let items: Few<usize> = live.iter().map(|speaking| speaking.item).collect();
    if probe.enabled() {
        for (b, &item) in items.iter().enumerate() {
            let hidden = row(work.predictor.hidden(), b)?;
            let first = row(work.predictor.first(), b)?;
            probe.observe(item, Observation::PredictorInput(frame, &hidden, &first))?;
        }
    }
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
    Ok(model.predictor.frame(&mut work.predictor, &mut tap)?)
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
    work.counter.add_rows(work.predictor.embedded(), &work.texts, work.talker.input())?;
    if probe.enabled() {
        for (b, speaking) in live.iter().enumerate() {
            let (input, position) = (row(work.talker.input(), b)?, speaking.talker.position());
            probe.observe(speaking.item, Observation::StepInput(frame + 1, position, &input))?;
        }
    }
    {
        let mut states: Few<_> = live.iter_mut().map(|speaking| &mut speaking.talker).collect();
        model.talker.step(&work.talker, Some(&work.counter), &mut states)?;
    }
    if probe.enabled() {
        for (speaking, row) in live.iter().zip(&work.rows) {
            let (hidden, logits) = (row.hidden.copy()?, row.logits.copy()?);
            probe.observe(speaking.item, Observation::StepOutput(frame + 1, &hidden, &logits))?;
        }
    }
    Ok(())
}

/// A row, for a probe that may keep it.
fn row(x: &Tensor, b: usize) -> TensorResult<Tensor> {
    x.narrow(0, b, 1)?.copy()
}
