//! Speech as it is made: chunks out, and text in while it is spoken.

use std::ops::Deref;
use std::time::{Duration, Instant};

use tts_profiling::{Stage, stage_span};
use tts_text::{OpenPrompt, TextFeed};

use crate::error::TtsError;
use crate::generate::Generator;
use crate::guard::FRAMES_PER_LOOK;
use crate::model::Model;
use crate::options::CodecMode;
use crate::pace::Pace;
use crate::prepare;
use crate::probe::NoProbe;
use crate::request::{FinishReason, Request, Warning};
use crate::schedule::ChunkSchedule;
use crate::speaking::Speaking;
use crate::timing::{SynthesisTiming, ms};

/// One request being spoken, chunk by chunk.
///
/// Nothing happens between calls: a session works while [`Session::next_event`] runs,
/// and a reader that does not ask holds it back. Dropping it frees everything.
/// The samples of all chunks are, bit for bit, those of [`Model::speak`].
///
/// `M` is a reference to the model, or an `Arc` of it for a session that moves to
/// another thread.
#[derive(Debug)]
pub struct Session<M: Deref<Target = Model>> {
    model: M,
    request: Request,
    schedule: ChunkSchedule,
    generator: Generator,
    started: Instant,
    text: Text,
    speaking: Option<Box<Speaking>>,
    pace: Pace,
    chunks: usize,
    /// Samples given away.
    samples: usize,
}

/// The text of a session.
#[derive(Debug)]
enum Text {
    /// All of it is known.
    Complete,
    /// More may come. The ids are those that the model has not been given.
    Open { feed: TextFeed, prompt: Box<OpenPrompt>, ids: Vec<u32> },
}

/// A piece of speech.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// The samples, at the sample rate of the model.
    pub samples: Vec<f32>,
    /// Number of the first frame in it.
    pub first_frame: usize,
    /// Frames in it.
    pub frames: usize,
}

/// What a session does next.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// It has spoken.
    Audio(Chunk),
    /// It needs more text, or the word that there is none.
    NeedsText,
    /// It is over.
    Finished(FinishReason),
}

impl Model {
    /// Speaks a request in chunks.
    ///
    /// # Errors
    /// If something in the request is unusable.
    pub fn stream(
        &self,
        request: &Request,
        schedule: ChunkSchedule,
    ) -> Result<SpeechStream<&Self>, TtsError> {
        SpeechStream::new(self, request, schedule)
    }

    /// Begins to speak a text that is still to come, in the streaming layout; the
    /// text of the request is the beginning and may be empty.
    ///
    /// # Errors
    /// If something in the request is unusable.
    pub fn open(
        &self,
        request: &Request,
        schedule: ChunkSchedule,
    ) -> Result<Session<&Self>, TtsError> {
        Session::open(self, request, schedule)
    }
}

impl<M: Deref<Target = Model>> Session<M> {
    /// A session that speaks the text of the request.
    ///
    /// # Errors
    /// If something in the request is unusable.
    pub fn new(model: M, request: &Request, schedule: ChunkSchedule) -> Result<Self, TtsError> {
        let _span = stage_span!(Stage::Synthesize);
        let mut session = Self::with(model, request, schedule, Text::Complete);
        let prompt = prepare::prompt(&session.model, request)?;
        session.begin(prompt)?;
        Ok(session)
    }

    /// A session that is given its text by [`Session::append`]; that of the request is
    /// the beginning.
    ///
    /// # Errors
    /// If something in the request is unusable.
    pub fn open(model: M, request: &Request, schedule: ChunkSchedule) -> Result<Self, TtsError> {
        let prompt = Box::new(prepare::open(&model, request)?);
        let text = Text::Open { feed: TextFeed::new(), prompt, ids: Vec::new() };
        let mut session = Self::with(model, request, schedule, text);
        session.append(&request.text)?;
        Ok(session)
    }

    fn with(model: M, request: &Request, schedule: ChunkSchedule, text: Text) -> Self {
        Self {
            model,
            request: request.clone(),
            schedule,
            generator: Generator::default(),
            started: Instant::now(),
            text,
            speaking: None,
            pace: Pace::default(),
            chunks: 0,
            samples: 0,
        }
    }

    /// More of the text. Words are given to the model as soon as they are complete;
    /// the speech is the same whatever the pieces.
    ///
    /// # Errors
    /// [`TtsError::TextClosed`] after [`Session::finish`].
    pub fn append(&mut self, text: &str) -> Result<(), TtsError> {
        let Text::Open { feed, ids, .. } = &mut self.text else { return Err(TtsError::TextClosed) };
        ids.extend(feed.append(&self.model.tokenizer, text)?);
        Ok(())
    }

    /// The text is complete.
    ///
    /// # Errors
    /// If there was none; [`TtsError::TextClosed`] if it was complete already.
    pub fn finish(&mut self) -> Result<(), TtsError> {
        let Text::Open { feed, prompt, ids } = &mut self.text else {
            return Err(TtsError::TextClosed);
        };
        let _span = stage_span!(Stage::Synthesize);
        ids.extend(feed.finish(&self.model.tokenizer)?);
        if let Some(speaking) = &mut self.speaking {
            speaking.text.tokens += ids.len();
            speaking.text.ids.append(ids);
            speaking.text.ids.push(self.model.config().tts_eos_token_id);
            speaking.text.complete = true;
        } else {
            let prompt = prompt.with_text(self.model.config(), ids, true)?;
            self.begin(prompt)?;
        }
        self.text = Text::Complete;
        Ok(())
    }

    /// Works until there is something to say.
    ///
    /// # Errors
    /// If the model computes values that are not finite, or the device fails; the session is of no more
    /// use then.
    pub fn next_event(&mut self) -> Result<Event, TtsError> {
        let _span = stage_span!(Stage::Synthesize);
        let _chunk = stage_span!(Stage::StreamChunk);
        self.feed_model()?;
        let started = Instant::now();
        let most = self.schedule.frames(self.chunks);
        let size = match self.request.options.codec {
            CodecMode::Stateful if self.schedule.is_in_time() => self.pace.frames(most, started),
            CodecMode::Stateful => most,
            // Its chunks can only be decoded together.
            CodecMode::ReferenceChunks => usize::MAX,
        };
        let Some(speaking) = self.speaking.as_deref_mut() else { return Ok(Event::NeedsText) };
        // Else what it takes to go on from reference audio would count as the work of a frame.
        let is_primed = speaking.is_primed();
        let samples_per_frame = self.model.codec().samples_per_frame();
        let first_frame = self.samples / samples_per_frame;
        let chunk_end = first_frame.saturating_add(size);
        while speaking.frames.len() < chunk_end && speaking.can_advance() {
            let end = chunk_end.min(next_look(speaking.frames.len()));
            {
                let _span = stage_span!(Stage::GenerateFrames);
                while speaking.frames.len() < end && speaking.can_advance() {
                    let left = end - speaking.frames.len();
                    self.generator.advance(&self.model, &mut [speaking], left, &mut NoProbe)?;
                    if let Some(failure) = speaking.failure.take() {
                        return Err(failure);
                    }
                }
            }
            if speaking.can_advance() {
                let next = match self.request.options.codec {
                    CodecMode::Stateful if speaking.frames.len() >= chunk_end => {
                        speaking.frames.len().saturating_add(self.schedule.frames(self.chunks + 1))
                    }
                    _ => chunk_end,
                };
                let most = next.min(next_look(speaking.frames.len())) - speaking.frames.len();
                self.generator.look_ahead(&self.model, &mut [speaking], most)?;
            }
            speaking.decode(&self.model)?;
        }
        let samples = std::mem::take(&mut speaking.sound.samples);
        if samples.is_empty() {
            return Ok(match speaking.finish {
                Some(reason) => Event::Finished(reason),
                None => Event::NeedsText,
            });
        }
        self.chunks += 1;
        self.samples += samples.len();
        let frames = samples.len() / samples_per_frame;
        let plays = samples.len() as f64 / f64::from(self.model.sample_rate());
        let (plays, now) = (Duration::from_secs_f64(plays), Instant::now());
        let worked = is_primed.then(|| now.duration_since(started));
        self.pace.note(frames, plays, worked, now);
        Ok(Event::Audio(Chunk { samples, first_frame, frames }))
    }

    /// Why it ended, once it has.
    pub fn finish_reason(&self) -> Option<FinishReason> {
        self.speaking.as_ref().and_then(|speaking| speaking.finish)
    }

    /// What the user should know; complete when the session is over.
    pub fn warnings(&self) -> &[Warning] {
        self.speaking.as_ref().map_or(&[], |speaking| &speaking.warnings)
    }

    /// Where the time went so far.
    pub fn timing(&self) -> SynthesisTiming {
        let timing = self
            .speaking
            .as_ref()
            .map(|speaking| SynthesisTiming { frames: speaking.frames.len(), ..speaking.timing });
        SynthesisTiming {
            total_ms: ms(self.started.elapsed()),
            audio_secs: self.samples as f64 / f64::from(self.model.sample_rate()),
            ..timing.unwrap_or_default()
        }
    }

    /// Gives the model the ids that have come, and the prompt once there are enough.
    fn feed_model(&mut self) -> Result<(), TtsError> {
        let Text::Open { prompt, ids, .. } = &mut self.text else { return Ok(()) };
        match &mut self.speaking {
            Some(speaking) => {
                speaking.text.tokens += ids.len();
                speaking.text.ids.append(ids);
                Ok(())
            }
            None if ids.len() < prompt.text_needed() => Ok(()),
            None => {
                let prompt = prompt.with_text(self.model.config(), ids, false)?;
                ids.clear();
                self.begin(prompt)
            }
        }
    }

    fn begin(&mut self, prompt: tts_text::Prompt) -> Result<(), TtsError> {
        let (request, started) = (&self.request, self.started);
        let generator = &mut self.generator;
        let speaking =
            prepare::prefill(&self.model, 0, request, prompt, started, generator, &mut NoProbe)?;
        self.speaking = Some(Box::new(speaking));
        Ok(())
    }
}

impl<M: Deref<Target = Model>> Drop for Session<M> {
    fn drop(&mut self) {
        self.generator.rest(&self.model);
    }
}

/// The frame at which audio is looked at next.
fn next_look(frames: usize) -> usize {
    (frames / FRAMES_PER_LOOK + 1) * FRAMES_PER_LOOK
}

/// The chunks of a request whose text is complete; an error is the last of them.
#[derive(Debug)]
pub struct SpeechStream<M: Deref<Target = Model>> {
    session: Session<M>,
    failed: bool,
}

impl<M: Deref<Target = Model>> SpeechStream<M> {
    /// As [`Model::stream`], with any reference to a model.
    ///
    /// # Errors
    /// If something in the request is unusable.
    pub fn new(model: M, request: &Request, schedule: ChunkSchedule) -> Result<Self, TtsError> {
        Ok(Self { session: Session::new(model, request, schedule)?, failed: false })
    }

    /// The session behind it, for its timing, warnings and reason to finish.
    pub fn session(&self) -> &Session<M> {
        &self.session
    }
}

impl<M: Deref<Target = Model>> Iterator for SpeechStream<M> {
    type Item = Result<Chunk, TtsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match self.session.next_event() {
            Ok(Event::Audio(chunk)) => Some(Ok(chunk)),
            // The text is complete: it is never asked for.
            Ok(Event::Finished(_) | Event::NeedsText) => None,
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}
