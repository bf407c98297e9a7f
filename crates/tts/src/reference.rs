//! From reference audio to a voice.

use std::borrow::Cow;
use std::fmt;

use tts_audio::{Audio, AudioError, analysis, resample};
use tts_profiling::{Stage, stage_span};
use tts_text::Literals;

use crate::error::TtsError;
use crate::model::Model;
use crate::voice::{ReferenceSpeech, VoicePrompt};

/// How reference audio is prepared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReferenceOptions {
    /// Takes nothing but the x-vector, even if there is a transcript.
    pub x_vector_only: bool,
    /// Seconds of silence put behind the audio. A reference that ends in the middle of
    /// a word leaks into the speech; half a second helps.
    pub append_silence: f64,
    /// Seconds over which the audio is faded in.
    pub fade_in: f64,
    /// The longest audio that is taken, in seconds.
    pub max_seconds: f64,
}

impl Default for ReferenceOptions {
    /// The audio as it is, up to two minutes.
    fn default() -> Self {
        Self { x_vector_only: false, append_silence: 0.0, fade_in: 0.0, max_seconds: 120.0 }
    }
}

/// Why reference audio is unusable.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// It could not be read or resampled.
    #[error("reference audio: {0}")]
    Audio(#[from] AudioError),
    /// There is none.
    #[error("the reference audio is empty")]
    Empty,
    /// It is longer than the options allow.
    #[error("the reference audio takes {seconds:.1} s; at most {limit} s are allowed")]
    TooLong {
        /// Its length.
        seconds: f64,
        /// The longest allowed.
        limit: f64,
    },
    /// A sample is NaN or infinite.
    #[error("reference audio: sample {index} is {value}, expected a finite number")]
    NotFinite {
        /// The first such sample.
        index: usize,
        /// Its value.
        value: f32,
    },
    /// The voice would continue the audio and nobody said what is spoken in it.
    #[error("a voice that continues its reference needs the transcript; or take the x-vector only")]
    NoTranscript,
}

/// What makes a voice worse than it could be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ReferenceWarning {
    /// Too little to hear a voice in.
    Short {
        /// Its length in seconds.
        seconds: f64,
    },
    /// More than is of use; every second costs time in every request.
    Long {
        /// Its length in seconds.
        seconds: f64,
    },
    /// Overdriven.
    Clipped {
        /// Share of clipped samples.
        share: f64,
    },
    /// Hardly louder than nothing.
    Silent {
        /// Root mean square of the samples.
        rms: f32,
    },
    /// It does not end in a pause.
    EndsAbruptly,
    /// The transcript cannot be what is said in the audio.
    TranscriptLength {
        /// Tokens of the transcript for every second of audio.
        tokens_per_second: f64,
    },
}

impl fmt::Display for ReferenceWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { seconds } => {
                write!(f, "the reference takes {seconds:.1} s; 3 s or more give a better voice")
            }
            Self::Long { seconds } => {
                write!(f, "the reference takes {seconds:.1} s; 5 to 15 s are enough and faster")
            }
            Self::Clipped { share } => {
                write!(
                    f,
                    "{:.1} % of the reference is clipped; the voice will be harsh",
                    share * 100.0
                )
            }
            Self::Silent { rms } => {
                write!(f, "the reference is almost silent (RMS {rms:.1e}); is it the right file?")
            }
            Self::EndsAbruptly => f.write_str(
                "the reference ends without a pause; its end may leak into the speech \
                 (half a second of silence behind it helps)",
            ),
            Self::TranscriptLength { tokens_per_second } => write!(
                f,
                "{tokens_per_second:.1} tokens of transcript a second cannot be what is said in \
                 the reference; it has to be all of it, word for word"
            ),
        }
    }
}

/// Lengths without a warning, in seconds.
const USUAL_SECONDS: std::ops::RangeInclusive<f64> = 3.0..=30.0;
/// Speech has about three tokens a second; these are far outside.
const USUAL_TOKENS_PER_SECOND: std::ops::RangeInclusive<f64> = 0.5..=10.0;
const MOST_CLIPPED: f64 = 1e-3;
const SILENT_RMS: f32 = 1e-3;
const LEAST_PAUSE_SECONDS: f64 = 0.1;

impl Model {
    /// Takes a voice from reference audio at any sample rate. With a transcript the
    /// model will continue the audio, which is closer to the voice; without one, or
    /// if the options say so, it gets the x-vector only.
    ///
    /// # Errors
    /// If the audio is empty, too short or too long, or the transcript is blank.
    pub fn voice_prompt(
        &self,
        audio: &Audio,
        transcript: Option<&str>,
        options: &ReferenceOptions,
    ) -> Result<(VoicePrompt, Vec<ReferenceWarning>), TtsError> {
        let _span = stage_span!(Stage::VoicePrompt);
        let speakers = self.speaker_encoder()?;
        let transcript = match (options.x_vector_only, transcript) {
            (true, _) => None,
            (false, Some(transcript)) if !transcript.trim().is_empty() => Some(transcript),
            (false, _) => return Err(ReferenceError::NoTranscript.into()),
        };
        check(audio, options)?;
        let mut warnings = warnings(audio, transcript.is_some(), options);
        let audio = prepare(audio, speakers.sample_rate(), options)?;
        let x_vector = {
            let _span = stage_span!(Stage::SpeakerEncoder);
            speakers.embed(&audio.samples)?
        };
        let reference = match transcript {
            Some(transcript) => {
                let tokens = self.tokenizer.encode(transcript.trim(), Literals::Neutralised)?.len();
                let tokens_per_second = tokens as f64 / audio.duration_secs();
                if !USUAL_TOKENS_PER_SECOND.contains(&tokens_per_second) {
                    warnings.push(ReferenceWarning::TranscriptLength { tokens_per_second });
                }
                let encoder = self.codec_encoder()?;
                let audio = at_rate(&audio, encoder.sample_rate())?;
                let _span = stage_span!(Stage::CodecEncoder);
                let frames = encoder.encode(&audio.samples)?;
                Some(ReferenceSpeech { transcript: transcript.to_owned(), frames })
            }
            None => None,
        };
        Ok((VoicePrompt { x_vector, reference }, warnings))
    }
}

fn check(audio: &Audio, options: &ReferenceOptions) -> Result<(), ReferenceError> {
    if audio.samples.is_empty() || audio.sample_rate == 0 {
        return Err(ReferenceError::Empty);
    }
    let (seconds, limit) = (audio.duration_secs(), options.max_seconds);
    if seconds > limit {
        return Err(ReferenceError::TooLong { seconds, limit });
    }
    match audio.samples.iter().enumerate().find(|(_, sample)| !sample.is_finite()) {
        Some((index, &value)) => Err(ReferenceError::NotFinite { index, value }),
        None => Ok(()),
    }
}

fn prepare(
    audio: &Audio,
    sample_rate: u32,
    options: &ReferenceOptions,
) -> Result<Audio, ReferenceError> {
    let mut audio = at_rate(audio, sample_rate)?.into_owned();
    audio.fade_in(options.fade_in);
    audio.append_silence(options.append_silence)?;
    Ok(audio)
}

fn at_rate(audio: &Audio, sample_rate: u32) -> Result<Cow<'_, Audio>, ReferenceError> {
    if audio.sample_rate == sample_rate {
        return Ok(Cow::Borrowed(audio));
    }
    Ok(Cow::Owned(resample(audio, sample_rate)?))
}

fn warnings(audio: &Audio, continued: bool, options: &ReferenceOptions) -> Vec<ReferenceWarning> {
    let (samples, seconds) = (&audio.samples, audio.duration_secs());
    let mut warnings = Vec::new();
    if seconds < *USUAL_SECONDS.start() {
        warnings.push(ReferenceWarning::Short { seconds });
    }
    if seconds > *USUAL_SECONDS.end() {
        warnings.push(ReferenceWarning::Long { seconds });
    }
    let share = analysis::clipped_ratio(samples);
    if share > MOST_CLIPPED {
        warnings.push(ReferenceWarning::Clipped { share });
    }
    let rms = analysis::rms(samples);
    if rms < SILENT_RMS {
        warnings.push(ReferenceWarning::Silent { rms });
    }
    let pause = analysis::trailing_silence_secs(samples, audio.sample_rate);
    if continued && pause + options.append_silence < LEAST_PAUSE_SECONDS {
        warnings.push(ReferenceWarning::EndsAbruptly);
    }
    warnings
}
