//! Text to speech with Qwen3-TTS checkpoints.
//!
//! A [`Model`] is loaded once and shared; a [`Request`] says what to speak, how
//! and with which voice; every request gets state of its own that dies with it.
//!
//! ```
//! use candle_core::Device;
//! use tts::{Model, ModelFiles};
//!
//! let model = Model::load(ModelFiles::Embedded(tts_fixture::FILES), &Device::Cpu)?;
//! let mut options = model.default_options();
//! options.max_new_tokens = 8;
//! let (audio, timing) =
//!     model.synthesize_with_timing("Hello.", "ryan", "english", Some(options))?;
//! println!("{} samples, prefill {:.1} ms", audio.samples.len(), timing.prefill_ms);
//! # Ok::<(), tts::TtsError>(())
//! ```
//!
//! With the feature `profiling` every stage is a span (crate `tts-profiling`);
//! without it nothing of that is compiled in. [`SynthesisTiming`] is measured in
//! every build.

mod batch;
#[cfg(feature = "async")]
mod concurrent;
mod device;
mod error;
mod generate;
mod guard;
mod long;
mod model;
mod options;
mod pace;
mod precision;
mod prepare;
mod probe;
mod quantize;
mod reference;
mod request;
mod schedule;
mod session;
mod speak;
mod speaking;
mod teacher;
mod threads;
mod timing;
mod voice;
mod warm_up;

pub use batch::Batch;
#[cfg(feature = "async")]
pub use concurrent::AsyncSpeech;
#[cfg(feature = "profiling")]
pub use device::gpu_queue;
pub use device::{DeviceName, DeviceNameError};
pub use error::TtsError;
pub use guard::{Guard, GuardAction, LengthLimit, Runaway};
pub use long::{Delivery, LongSpeech, PieceReport};
pub use model::Model;
pub use options::{CodecMode, Options};
pub use precision::{Precision, PrecisionError};
pub use probe::{NoProbe, Observation, Probe};
pub use quantize::{
    MeasuredPart, Measuring, QualityBar, Quantized, measuring_requests, quantize, quantize_within,
};
pub use reference::{ReferenceError, ReferenceOptions, ReferenceWarning};
pub use request::{FinishReason, Request, RunawayOutcome, Utterance, Warning};
pub use schedule::ChunkSchedule;
pub use session::{Chunk, Event, Session, SpeechStream};
pub use teacher::{Agreement, Teacher};
pub use threads::fix_threads;
pub use timing::SynthesisTiming;
pub use tts_audio::Audio;
pub use tts_checkpoint::{CheckpointError, ModelFiles, ModelKind};
pub use tts_sampler::SamplingParams;
pub use tts_text::{
    Layout, LayoutError, Pause, PromptWarning, SplitLimits, SplitRule, TextOptions,
    supported_languages, supported_speakers,
};
pub use voice::{ReferenceSpeech, Voice, VoiceError, VoicePrompt};
