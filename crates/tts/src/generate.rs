//! Frames of speech (`docs/model.md`, section 6.3).

mod work;

use std::sync::{Mutex, MutexGuard, PoisonError};
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
    /// For the first token of a request that joins others.
    joining: Option<Work>,
    /// Frames that a GPU works on, in `work`.
    ahead: Option<Run>,
}

/// The memory of generators that are gone, with its graphs, for those that come.
#[derive(Debug, Default)]
pub(crate) struct Works(Mutex<Vec<Work>>);

impl Works {
    /// So many are kept; the oldest makes room.
    const MOST: usize = 8;

    fn list(&self) -> MutexGuard<'_, Vec<Work>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For so many requests and frames.
    fn take(&self, requests: usize, frames: usize) -> Option<Work> {
        let mut works = self.list();
        let fits =
            |work: &Work| work.fits(requests) && work.room().is_ok_and(|room| room >= frames);
        works.iter().rposition(fits).map(|index| works.remove(index))
    }

    fn put(&self, work: Work) {
        let mut works = self.list();
        if works.len() >= Self::MOST {
            works.remove(0);
        }
        works.push(work);
    }
}

/// Frames in a row that the host reads together.
#[derive(Debug)]
struct Run {
    /// The request of each row.
    items: Few<usize>,
    frames: usize,
}

impl Generator {
    /// Draws the first token of a request.
    pub(crate) fn begin(&mut self, model: &Model, speaking: &mut Speaking) -> Result<(), TtsError> {
        let is_alone = self.work.as_ref().is_none_or(|work| work.fits(1));
        let kept = if is_alone { &mut self.work } else { &mut self.joining };
        let mut work = match kept.take() {
            Some(work) => work,
            None => new_work(model, 1, speaking.read_every(model).min(FRAMES_PER_LOOK))?,
        };
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
        *kept = Some(work);
        speaking.drawn(draw, model.end_of_speech())
    }

    /// Generates the next frames of every request in `live`, which all can advance, `most` at the
    /// most, and then reads them; says how many. What a request would say behind its end is
    /// dropped. A request whose codes cannot be drawn [has a failure](Speaking::failure) then; the
    /// others do not know of it.
    pub(crate) fn advance(
        &mut self,
        model: &Model,
        live: &mut [&mut Speaking],
        most: usize,
        probe: &mut dyn Probe,
    ) -> Result<usize, TtsError> {
        let started = Instant::now();
        let Some(first) = live.first().map(|speaking| speaking.frames.len()) else { return Ok(0) };
        let (run, work) = match (self.ahead.take(), self.work.take()) {
            (Some(run), Some(mut work)) => {
                work.read()?;
                (run, work)
            }
            (_, work) => {
                self.work = work;
                self.launch(model, live, most, probe, true)?
            }
        };
        work.finish(&run, live, model.end_of_speech());
        self.work = Some(work);
        probe.frames(live.iter().map(|speaking| speaking.frames.len()).max().unwrap_or(first));
        let spent = ms(started.elapsed());
        for speaking in live {
            speaking.timing.generate_ms += spent;
        }
        Ok(run.frames)
    }

    /// Lets a GPU work on what the next [`Generator::advance`] generates, while the host does something
    /// else. Some of `live`, which all can advance, may be over by then.
    pub(crate) fn look_ahead(
        &mut self,
        model: &Model,
        live: &mut [&mut Speaking],
        most: usize,
    ) -> Result<(), TtsError> {
        let is_told = self.work.as_ref().is_none_or(|work| matches!(work.frames, Frames::Told));
        if is_told || self.ahead.is_some() || live.is_empty() || most == 0 || !are_repeated(live) {
            return Ok(());
        }
        let (run, work) = self.launch(model, live, most, &mut NoProbe, false)?;
        self.ahead = Some(run);
        self.work = Some(work);
        Ok(())
    }

    /// Lets a GPU work on a frame that nobody reads, so that it is recorded.
    pub(crate) fn warm_up(
        &mut self,
        model: &Model,
        live: &mut [&mut Speaking],
    ) -> Result<(), TtsError> {
        let (_, work) = self.launch(model, live, 1, &mut NoProbe, false)?;
        self.work = Some(work);
        Ok(())
    }

    /// Leaves its memory to whoever generates next.
    pub(crate) fn rest(&mut self, model: &Model) {
        for mut work in self.work.take().into_iter().chain(self.joining.take()) {
            // Nobody's caches stay with it.
            if model.talker.begin(&mut work.talker, &mut []).is_ok() {
                model.works.put(work);
            }
        }
    }

    /// Nobody needs the frames any more that a GPU works on.
    pub(crate) fn forget_ahead(&mut self) {
        self.ahead = None;
    }

    /// Is a GPU working on frames that nobody has asked for yet?
    pub(crate) fn is_ahead(&self) -> bool {
        self.ahead.is_some()
    }

    /// Puts the next frames into the queue, or computes them, and reads them if that is wanted.
    fn launch(
        &mut self,
        model: &Model,
        live: &mut [&mut Speaking],
        most: usize,
        probe: &mut dyn Probe,
        then_read: bool,
    ) -> Result<(Run, Work), TtsError> {
        let first = live.first().map_or(0, |speaking| speaking.frames.len());
        let ahead = live.iter().map(|speaking| speaking.frames_ahead(model)).min();
        // A probe is to see what is said, and no more.
        let most = if probe.enabled() { 1 } else { most.max(1) };
        let frames = ahead.unwrap_or(1).clamp(1, most);
        let mut work = self.take_work(model, live)?;
        work.begin(model, live, frames)?;
        let graphs = !probe.enabled() && are_repeated(live);
        for index in 0..frames {
            let (frame, is_last) = (first + index, then_read && index + 1 == frames);
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
        Ok((Run { items: live.iter().map(|speaking| speaking.item).collect(), frames }, work))
    }

    /// The memory of the last frames, if there is room in it.
    fn take_work(&mut self, model: &Model, live: &[&mut Speaking]) -> Result<Work, TtsError> {
        let frames = live.iter().map(|speaking| speaking.read_every(model)).min().unwrap_or(1);
        // No more are generated before somebody listens.
        let frames = frames.min(FRAMES_PER_LOOK);
        match self.work.take() {
            Some(work) if work.fits(live.len()) && work.room()? >= frames => Ok(work),
            _ => new_work(model, live.len(), frames),
        }
    }
}

/// Memory for so many requests and frames between two reads, with graphs if it had been somebody's.
fn new_work(model: &Model, requests: usize, frames: usize) -> Result<Work, TtsError> {
    match model.works.take(requests, frames) {
        Some(work) => Ok(work),
        None => Work::new(model, requests, frames),
    }
}

/// Whether frames of these requests may be repeated as graphs.
fn are_repeated(live: &[&mut Speaking]) -> bool {
    live.iter().all(|one| one.options.graphs.unwrap_or_else(|| !is_heard()))
}

/// Generates one frame of each request as a graph: each is the same as the one before, but for what
/// the device knows by itself. Says whether.
fn repeat_frame(
    model: &Model,
    live: &mut [&mut Speaking],
    frame: usize,
    work: &mut Work,
) -> Result<bool, TtsError> {
    let version = work.talker.version();
    match &work.frames {
        Frames::Told => return Ok(false),
        Frames::Repeated(graph, recorded) if *recorded == version => {
            let _span = frame_span!(Stage::FrameGraph, frame);
            let mut states: Few<_> = live.iter_mut().map(|speaking| &mut speaking.talker).collect();
            model.talker.pass(&mut states)?;
            work.counter.pass();
            graph.launch()?;
            return Ok(true);
        }
        Frames::Unrecorded | Frames::Repeated(..) => {}
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
