//! Requests that are spoken together.

use std::collections::VecDeque;
use std::ops::Deref;
use std::time::Instant;

use tts_profiling::{Stage, stage_span};
use tts_text::Prompt;

use crate::error::TtsError;
use crate::generate::{Few, Generator};
use crate::guard::{FRAMES_PER_LOOK, GuardAction};
use crate::model::Model;
use crate::prepare;
use crate::probe::{NoProbe, Probe};
use crate::request::{FinishReason, Request, RunawayOutcome, Utterance, Warning};
use crate::speaking::Speaking;

/// Requests that are spoken together, and that others may join: for a server, whose requests come
/// when they like.
///
/// Each gets what it would get alone. Every two seconds of speech those that are over leave, and those
/// that wait take their places. Dropping it frees everything.
///
/// ```
/// use candle_core::Device;
/// use tts::{Batch, Model, ModelFiles, Voice};
///
/// let model = Model::load(ModelFiles::Embedded(tts_fixture::FILES), &Device::Cpu)?;
/// let mut batch = Batch::new(&model, 2);
/// for text in ["One.", "Two.", "Three."] {
///     let mut request = model.request(text, Voice::Speaker("ryan".to_owned()));
///     request.options.max_new_tokens = 5;
///     batch.add(&request)?;
/// }
/// while !batch.is_empty() {
///     for (number, utterance) in batch.step()? {
///         println!("{number}: {:.2} s", utterance?.audio.duration_secs());
///     }
/// }
/// # Ok::<(), tts::TtsError>(())
/// ```
#[derive(Debug)]
pub struct Batch<M: Deref<Target = Model>> {
    model: M,
    line: Line,
}

impl<M: Deref<Target = Model>> Batch<M> {
    /// One without requests, which speaks `most` at once (at least one).
    pub fn new(model: M, most: usize) -> Self {
        Self { model, line: Line::new(most) }
    }

    /// Takes a request, which has to wait if there is no place, and gives its number: they are counted
    /// from 0.
    ///
    /// # Errors
    /// If something in the request is unusable; the others are as they were then.
    pub fn add(&mut self, request: &Request) -> Result<usize, TtsError> {
        self.line.add(&self.model, request)
    }

    /// Speaks on, up to two seconds of each request, and gives those that are over with their numbers:
    /// what was spoken, or why not, which is nothing to the others.
    ///
    /// # Errors
    /// If the device fails; the batch is of no more use then.
    pub fn step(&mut self) -> Result<Vec<Spoken>, TtsError> {
        let _span = stage_span!(Stage::Synthesize);
        let _batch = stage_span!(Stage::Batch);
        self.line.step(&self.model, &mut NoProbe)
    }

    /// The samples of a request that speaks, as far as they have come and were not taken before; its
    /// utterance has the rest. What a [guard](crate::Guard) lets be spoken again begins anew.
    pub fn take_samples(&mut self, number: usize) -> Vec<f32> {
        self.line.take_samples(number)
    }

    /// Is nobody speaking or waiting?
    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }
}

impl<M: Deref<Target = Model>> Drop for Batch<M> {
    fn drop(&mut self) {
        self.line.rest(&self.model);
    }
}

/// The number of a request, and what became of it.
type Spoken = (usize, Result<Utterance, TtsError>);

/// Requests in the order in which they came.
#[derive(Debug)]
pub(crate) struct Line {
    /// Places.
    most: usize,
    waiting: VecDeque<Waiting>,
    speaking: Vec<(Waiting, Speaking)>,
    generator: Generator,
    /// Requests so far.
    count: usize,
}

/// A request, whether or not it still waits.
#[derive(Debug)]
struct Waiting {
    number: usize,
    request: Request,
    /// Until it is read.
    prompt: Option<Prompt>,
    came: Instant,
    /// Of earlier attempts.
    warnings: Vec<Warning>,
}

impl Line {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            waiting: VecDeque::new(),
            speaking: Vec::new(),
            generator: Generator::default(),
            count: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.speaking.is_empty()
    }

    /// See [`Batch::add`].
    pub(crate) fn add(&mut self, model: &Model, request: &Request) -> Result<usize, TtsError> {
        let number = self.count;
        self.waiting.push_back(Waiting {
            number,
            prompt: Some(prepare::prompt(model, request)?),
            request: request.clone(),
            came: Instant::now(),
            warnings: Vec::new(),
        });
        self.count += 1;
        Ok(number)
    }

    /// See [`Batch::take_samples`].
    fn take_samples(&mut self, number: usize) -> Vec<f32> {
        let speaks = self.speaking.iter_mut().find(|(one, _)| one.number == number);
        speaks.map(|(_, speaking)| std::mem::take(&mut speaking.sound.samples)).unwrap_or_default()
    }

    /// See [`Batch::step`].
    pub(crate) fn step(
        &mut self,
        model: &Model,
        probe: &mut dyn Probe,
    ) -> Result<Vec<Spoken>, TtsError> {
        let mut over = self.join(model, probe);
        self.generate(model, probe)?;
        if !probe.enabled() {
            self.look_ahead(model)?;
        }
        for (_, one) in self.speaking.iter_mut().filter(|(_, one)| !one.is_decoded()) {
            if let Err(error) = one.decode(model) {
                one.failure.get_or_insert(error);
            }
        }
        self.leave(model, &mut over);
        Ok(over)
    }

    /// Leaves its memory to whoever speaks next.
    pub(crate) fn rest(&mut self, model: &Model) {
        self.generator.rest(model);
    }

    /// Those that wait take the places that are free; gives those that cannot.
    fn join(&mut self, model: &Model, probe: &mut dyn Probe) -> Vec<Spoken> {
        if self.speaking.is_empty() {
            self.generator.forget_ahead();
        }
        let mut failed = Vec::new();
        // Whoever joined frames that are on their way would be behind the others.
        while self.speaking.len() < self.most && !self.generator.is_ahead() {
            let Some(mut one) = self.waiting.pop_front() else { break };
            match self.begin(model, &mut one, probe) {
                Ok(speaking) => self.speaking.push((one, speaking)),
                Err(error) => failed.push((one.number, Err(error))),
            }
        }
        failed
    }

    /// Reads the prompt of a request.
    fn begin(
        &mut self,
        model: &Model,
        one: &mut Waiting,
        probe: &mut dyn Probe,
    ) -> Result<Speaking, TtsError> {
        let prompt = match one.prompt.take() {
            Some(prompt) => prompt,
            None => prepare::prompt(model, &one.request)?,
        };
        let (request, generator) = (&one.request, &mut self.generator);
        prepare::prefill(model, one.number, request, prompt, one.came, generator, probe)
    }

    /// Generates frames of all requests up to the next look at their audio.
    fn generate(&mut self, model: &Model, probe: &mut dyn Probe) -> Result<(), TtsError> {
        let _span = stage_span!(Stage::GenerateFrames);
        let mut left = FRAMES_PER_LOOK;
        while left > 0 {
            let mut live = live(&mut self.speaking);
            if live.is_empty() {
                break;
            }
            left -= self.generator.advance(model, &mut live, left, probe)?;
        }
        Ok(())
    }

    /// Lets a GPU go on while speech is decoded, unless a place is free for somebody.
    fn look_ahead(&mut self, model: &Model) -> Result<(), TtsError> {
        let mut live = live(&mut self.speaking);
        if live.len() < self.most && !self.waiting.is_empty() {
            return Ok(());
        }
        self.generator.look_ahead(model, &mut live, FRAMES_PER_LOOK)
    }

    /// Takes out those that are over. What went astray is spoken again if its guard says so.
    fn leave(&mut self, model: &Model, over: &mut Vec<Spoken>) {
        for (mut one, mut speaking) in std::mem::take(&mut self.speaking) {
            if speaking.is_alive() {
                self.speaking.push((one, speaking));
                continue;
            }
            if let Some(failure) = speaking.failure.take() {
                over.push((one.number, Err(failure)));
                continue;
            }
            let utterance = speaking.into_utterance(model);
            let mut warnings = std::mem::take(&mut one.warnings);
            warnings.extend(utterance.warnings.iter().cloned());
            let action = &mut one.request.options.guard.action;
            if let (FinishReason::Stopped(_), GuardAction::Retry(left @ 1..)) =
                (utterance.finish, *action)
            {
                *action = GuardAction::Retry(left - 1);
                one.request.options.seed = one.request.options.seed.wrapping_add(1);
                if let Some(Warning::Runaway { outcome, .. }) = warnings.last_mut() {
                    *outcome = RunawayOutcome::Retried;
                }
                self.waiting.push_front(Waiting { warnings, ..one });
                continue;
            }
            over.push((one.number, Ok(Utterance { warnings, ..utterance })));
        }
    }
}

/// Those that can go on.
fn live(speaking: &mut [(Waiting, Speaking)]) -> Few<&mut Speaking> {
    speaking.iter_mut().map(|(_, one)| one).filter(|one| one.can_advance()).collect()
}
