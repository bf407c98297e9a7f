use std::time::Instant;

use candle_core::Tensor;
use tts_codec_decoder::CodecState;
use tts_nn::Buffer;
use tts_profiling::{Stage, stage_span};
use tts_sampler::{Draw, DrawKey, DrawRow, History};
use tts_talker::{Output, Talker, TalkerState, TalkerWork};

use crate::error::TtsError;
use crate::guard::{FRAMES_PER_LOOK, Runaway, Verdict, Watch};
use crate::model::Model;
use crate::options::{CodecMode, Options};
use crate::request::{FinishReason, RunawayOutcome, Utterance, Warning};
use crate::timing::{SynthesisTiming, ms};
use crate::voice::Voice;

/// Everything of one request from its prompt to its last sample. It is made for the
/// request and dropped with it, so nothing is shared between requests.
#[derive(Debug)]
pub(crate) struct Speaking {
    /// Its place in the batch.
    pub(crate) item: usize,
    pub(crate) options: Options,
    pub(crate) voice: Voice,
    pub(crate) talker: TalkerState,
    pub(crate) history: History,
    /// The talker's view of the last position, one row; behind the prompt only its hidden state.
    pub(crate) output: Output,
    pub(crate) text: TextRows,
    pub(crate) first_codes: Vec<u32>,
    pub(crate) frames: Vec<Vec<u32>>,
    pub(crate) sound: Sound,
    pub(crate) watch: Watch,
    pub(crate) finish: Option<FinishReason>,
    /// Why it cannot go on, if it cannot.
    pub(crate) failure: Option<TtsError>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) started: Instant,
    pub(crate) timing: SynthesisTiming,
}

/// The text that goes with the frames, one id each.
#[derive(Debug)]
pub(crate) struct TextRows {
    /// Ids after those in the prompt; the end of text is the last of a complete one.
    pub(crate) ids: Vec<u32>,
    /// Whether more ids may come.
    pub(crate) complete: bool,
    /// Ids of the whole text so far, those in the prompt included.
    pub(crate) tokens: usize,
    /// The row that is added when the text is over, `[1, hidden]`.
    pub(crate) pad: Tensor,
}

/// The codec's side of a request.
#[derive(Debug)]
pub(crate) struct Sound {
    pub(crate) state: CodecState,
    /// Whether the reference audio has gone through the state.
    pub(crate) primed: bool,
    /// Frames decoded.
    pub(crate) decoded: usize,
    /// Decoded samples that nobody has taken.
    pub(crate) samples: Vec<f32>,
}

impl TextRows {
    /// Frames from `frame` on that there are rows for.
    pub(crate) fn ahead(&self, frame: usize) -> usize {
        if self.complete { usize::MAX } else { self.ids.len().saturating_sub(frame) }
    }

    /// The text that goes with `frame`; none when the text is over.
    pub(crate) fn id(&self, frame: usize) -> Option<u32> {
        self.ids.get(frame).copied()
    }

    /// Puts the row that goes with `frame` into `row`, `[1, hidden]`.
    pub(crate) fn row_into(
        &self,
        frame: usize,
        row: &Buffer,
        talker: &Talker,
        work: &TalkerWork,
    ) -> Result<(), TtsError> {
        match self.id(frame) {
            Some(id) => Ok(talker.text_into(id, row, work)?),
            None => Ok(row.set(&self.pad)?),
        }
    }
}

impl Speaking {
    /// How the next tokens of codebook 0 are drawn.
    pub(crate) fn first_code_row(&self) -> DrawRow<'_> {
        DrawRow { params: &self.options.talker, history: Some(&self.history), key: self.draw_key() }
    }

    /// The key of the next draw of codebook 0.
    fn draw_key(&self) -> DrawKey {
        DrawKey {
            seed: self.options.seed,
            request: self.options.utterance,
            step: self.first_codes.len() as u32,
            codebook: 0,
        }
    }

    /// How the other codes are drawn of the frame that the last token began.
    pub(crate) fn other_codes_row(&self) -> DrawRow<'_> {
        let key = DrawKey { step: self.frames.len() as u32, ..self.draw_key() };
        DrawRow { params: &self.options.predictor, history: None, key }
    }

    /// Whether it has neither ended nor failed.
    pub(crate) fn is_alive(&self) -> bool {
        self.finish.is_none() && self.failure.is_none()
    }

    /// Whether the next frame can be generated.
    pub(crate) fn can_advance(&self) -> bool {
        self.is_alive() && self.text.ahead(self.frames.len()) > 0
    }

    /// Frames that the host may be behind.
    pub(crate) fn read_every(&self, model: &Model) -> usize {
        self.options.frames_per_read.unwrap_or(model.frames_per_read())
    }

    /// Frames that can be generated before the host has to know them.
    pub(crate) fn frames_ahead(&self, model: &Model) -> usize {
        let left = self.options.max_new_tokens.saturating_sub(self.first_codes.len());
        self.read_every(model).min(left).min(self.text.ahead(self.frames.len()))
    }

    /// Whether every frame has become samples.
    pub(crate) fn is_decoded(&self) -> bool {
        self.sound.decoded == self.frames.len()
    }

    /// Takes the token that was drawn; it may be the last. The last one yields no
    /// frame.
    pub(crate) fn drawn(
        &mut self,
        Draw { token, eos_rank, .. }: Draw,
        end_of_speech: u32,
    ) -> Result<(), TtsError> {
        self.history.push(token)?;
        self.first_codes.push(token);
        self.finish = if token == end_of_speech {
            Some(FinishReason::EndOfSpeech)
        } else if self.first_codes.len() >= self.options.max_new_tokens {
            Some(FinishReason::MaxTokens)
        } else {
            None
        };
        let tokens = self.text.complete.then_some(self.text.tokens);
        if let Some(how) = self.watch.frame(&self.frames, eos_rank, tokens)
            && self.finish.is_none()
        {
            self.went_astray(how);
        }
        Ok(())
    }

    fn went_astray(&mut self, how: Runaway) {
        let outcome = match self.watch.verdict() {
            Verdict::Stop => {
                self.finish = Some(FinishReason::Stopped(how));
                RunawayOutcome::Stopped
            }
            Verdict::Report => RunawayOutcome::WentOn,
            Verdict::GoOn => return,
        };
        let (frames, seed) = (self.frames.len(), self.options.seed);
        self.warnings.push(Warning::Runaway { how, frames, seed, outcome });
    }

    /// Decodes the frames that are not decoded yet and listens to them.
    pub(crate) fn decode(&mut self, model: &Model) -> Result<(), TtsError> {
        let started = Instant::now();
        let _span = stage_span!(Stage::Decode);
        match self.options.codec {
            CodecMode::Stateful => self.decode_on(model)?,
            CodecMode::ReferenceChunks if self.finish.is_some() => self.decode_all(model)?,
            CodecMode::ReferenceChunks => {}
        }
        if self.timing.first_audio_ms == 0.0 && !self.sound.samples.is_empty() {
            self.timing.first_audio_ms = ms(self.started.elapsed());
        }
        self.timing.decode_ms += ms(started.elapsed());
        Ok(())
    }

    /// Whether nothing is to be decoded before the next frame: reference audio that speech goes on
    /// from.
    pub(crate) fn is_primed(&self) -> bool {
        self.sound.primed || self.voice.reference().is_none()
    }

    fn decode_on(&mut self, model: &Model) -> Result<(), TtsError> {
        let (codec, sound) = (model.codec(), &mut self.sound);
        if !sound.primed {
            // The voice goes on from the reference audio; that itself is not heard.
            if let Some(reference) = self.voice.reference() {
                codec.skip(&reference.frames, &mut sound.state)?;
            }
            sound.primed = true;
        }
        let new = self.frames.get(sound.decoded..).unwrap_or_default();
        let samples = codec.push(new, &mut sound.state)?;
        sound.decoded = self.frames.len();
        let astray = self.watch.listen(&samples, codec.samples_per_frame());
        self.sound.samples.extend(samples);
        if let Some(how) = astray
            && self.finish.is_none()
            && self.frames.len().is_multiple_of(FRAMES_PER_LOOK)
        {
            self.went_astray(how);
        }
        Ok(())
    }

    /// As the official package: reference and speech together, then a cut in
    /// proportion, which can be a sample short.
    fn decode_all(&mut self, model: &Model) -> Result<(), TtsError> {
        let reference = self.voice.reference().map_or(&[][..], |reference| &reference.frames);
        let frames = [reference, &self.frames].concat();
        let mut samples = model.codec().decode_in_reference_chunks(&frames)?;
        let share = reference.len() as f64 / frames.len().max(1) as f64;
        let cut = (share * samples.len() as f64) as usize;
        self.sound.samples = samples.split_off(cut.min(samples.len()));
        self.sound.decoded = self.frames.len();
        Ok(())
    }

    /// What became of the request, once it is over.
    pub(crate) fn into_utterance(mut self, model: &Model) -> Utterance {
        let audio = tts_audio::Audio {
            samples: std::mem::take(&mut self.sound.samples),
            sample_rate: model.sample_rate(),
        };
        let timing = SynthesisTiming {
            total_ms: ms(self.started.elapsed()),
            frames: self.frames.len(),
            audio_secs: audio.duration_secs(),
            ..self.timing
        };
        Utterance {
            audio,
            finish: self.finish.unwrap_or(FinishReason::MaxTokens),
            seed: self.options.seed,
            frames: self.frames,
            first_codes: self.first_codes,
            warnings: self.warnings,
            timing,
        }
    }
}
