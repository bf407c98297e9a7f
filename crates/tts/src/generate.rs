//! Frames of speech (`docs/model.md`, section 6.3).

mod work;

use std::time::Instant;

use candle_core::{Result as TensorResult, Tensor};
use smallvec::SmallVec;
use tts_nn::{Graph, can_wait};
use tts_profiling::{Stage, SyncClass, frame_span, gpu_sync, is_heard, unheard};

use crate::error::TtsError;
use crate::guard::FRAMES_PER_LOOK;
use crate::model::Model;
use crate::probe::{NoProbe, Observation, Probe};
use crate::speaking::Speaking;
use crate::timing::ms;
use work::{Frames, Work};

/// Requests that speak together without memory of their own for their list.
pub(crate) type Few<T> = SmallVec<[T; 8]>;

/// Generates frames of the same requests, one after the other. All that a frame needs is
/// computed where it was the last time, so a frame takes no memory but for its codes.
#[derive(Debug, Default)]
pub(crate) struct Generator {
    work: Option<Work>,
}

impl Generator {
    /// Draws the first token of a request.
    pub(crate) fn begin(&mut self, model: &Model, speaking: &mut Speaking) -> Result<(), TtsError> {
        let mut work = self.take_work(model, &[&mut *speaking])?;
        work.talker.logits().set(&speaking.output.logits)?;
        work.sampler.begin(&[speaking.first_code_row()])?;
        work.draw_first_codes()?;
        work.words.clear();
        if let Some(draw) = work.predictor.first_draw() {
            can_wait("prefill.first_code")?;
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
        let mut work = self.take_work(model, live)?;
        work.begin(model, live, count)?;
        let wanted = |one: &&mut Speaking| one.options.graphs.unwrap_or(!is_heard());
        let graphs = !probe.enabled() && live.iter().all(wanted);
        for index in 0..count {
            let (frame, is_last) = (first + index, index + 1 == count);
            if graphs && repeat_frame(model, live, frame, &mut work)? {
                if is_last {
                    work.read()?;
                }
                continue;
            }
            predict_codes(model, live, frame, &mut work, probe)?;
            advance_talker(model, live, frame, &work, probe)?;
            let _span = frame_span!(Stage::Sampling, frame);
            work.end_frame()?;
            if is_last {
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

    /// The memory of the last frames, if there is room in it.
    fn take_work(&mut self, model: &Model, live: &[&mut Speaking]) -> Result<Work, TtsError> {
        let frames = live.iter().map(|speaking| speaking.read_every(model)).min().unwrap_or(1);
        // No more are generated before somebody listens.
        let frames = frames.min(FRAMES_PER_LOOK);
        match self.work.take() {
            Some(work) if work.fits(live.len()) && work.room()? >= frames => Ok(work),
            _ => Work::new(model, live.len(), frames),
        }
    }
}

/// Generates one frame of each request as a graph: each is the same as the one before, but for what
/// the device knows by itself. Says whether; the first one loads what is loaded by a first use, and
/// cannot be recorded.
fn repeat_frame(
    model: &Model,
    live: &mut [&mut Speaking],
    frame: usize,
    work: &mut Work,
) -> Result<bool, TtsError> {
    let version = work.talker.version();
    match &work.frames {
        Frames::Told => return Ok(false),
        Frames::First => {
            work.frames = Frames::Known;
            return Ok(false);
        }
        Frames::Repeated(graph, recorded) if *recorded == version => {
            let _span = frame_span!(Stage::FrameGraph, frame);
            let mut states: Few<_> = live.iter_mut().map(|speaking| &mut speaking.talker).collect();
            model.talker.pass(&mut states)?;
            work.counter.pass();
            graph.launch()?;
            return Ok(true);
        }
        Frames::Known | Frames::Repeated(..) => {}
    }
    let _span = frame_span!(Stage::FrameGraph, frame);
    let device = work.texts.device().clone();
    let graph = Graph::record(&device, || {
        unheard(|| {
            predict_codes(model, live, frame, work, &mut NoProbe)?;
            advance_talker(model, live, frame, work, &mut NoProbe)?;
            work.end_frame()
        })
    })?;
    let Some(graph) = graph else { return Ok(false) };
    graph.launch()?;
    work.frames = Frames::Repeated(Box::new(graph), version);
    Ok(true)
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
