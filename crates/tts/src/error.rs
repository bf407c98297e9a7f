use std::path::PathBuf;

use tts_audio::AudioError;
use tts_checkpoint::CheckpointError;
use tts_code_predictor::PredictorError;
use tts_codec_decoder::CodecError;
use tts_codec_encoder::EncoderError;
use tts_sampler::SamplerError;
use tts_speaker::SpeakerError;
use tts_talker::TalkerError;
use tts_text::TextError;

use crate::device::DeviceName;
use crate::precision::Precision;
use crate::reference::ReferenceError;
use crate::voice::VoiceError;

/// Why a model could not be loaded or a request not be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TtsError {
    /// The model directory is unusable.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The text, language, speaker or instruction is unusable.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A sampling parameter is out of range, or logits are not finite.
    #[error(transparent)]
    Sampler(#[from] SamplerError),
    /// The talker failed.
    #[error(transparent)]
    Talker(TalkerError),
    /// The code predictor failed.
    #[error(transparent)]
    Predictor(PredictorError),
    /// The codec failed.
    #[error(transparent)]
    Codec(CodecError),
    /// A length option is out of range.
    #[error("`{name}` is {value}; expected {expected}")]
    Option {
        /// The option.
        name: &'static str,
        /// Its value.
        value: usize,
        /// What it may be.
        expected: String,
    },
    /// Prompt and frames together are longer than the model allows.
    #[error(
        "a prompt of {prompt} positions and up to {tokens} tokens do not fit \
         into the {limit} positions of the model"
    )]
    TooLong {
        /// Positions of the prompt.
        prompt: usize,
        /// Tokens that may follow.
        tokens: usize,
        /// `max_position_embeddings`.
        limit: usize,
    },
    /// The device cannot be used.
    #[error("cannot compute on {name}: {source}")]
    Device {
        /// The device.
        name: DeviceName,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Packed models, and those in 4 bits, are computed on the CPU only; those in fp8 on a GPU only.
    #[error("{}, on {device}; expected {}", what(*packed, *precision), instead(*packed, *precision))]
    Precision {
        /// Whether the model is packed.
        packed: bool,
        /// What was asked for.
        precision: Precision,
        /// Where.
        device: DeviceName,
    },
    /// A packed model is in another precision.
    #[error("{path}: packed in {found}, which cannot be computed in {precision}")]
    PackedPrecision {
        /// The model.
        path: PathBuf,
        /// Its precision.
        found: String,
        /// What was asked for.
        precision: Precision,
    },
    /// A packed model could not be written.
    #[error(transparent)]
    PackedWrite(AudioError),
    /// A model can be packed in few bits only.
    #[error("a model packed in {precision}; expected q8 or q4mix")]
    NotPacked {
        /// What was asked for.
        precision: Precision,
    },
    /// A model that is to be measured is not exact itself.
    #[error("a model in {precision} on {device}; expected one in f32 on the CPU to be measured")]
    Measured {
        /// Its precision.
        precision: Precision,
        /// Where it is.
        device: DeviceName,
    },
    /// The codec encoder failed.
    #[error(transparent)]
    CodecEncoder(EncoderError),
    /// The speaker encoder failed, or the reference audio is too short for it.
    #[error(transparent)]
    SpeakerEncoder(SpeakerError),
    /// A voice could not be used, read or written.
    #[error(transparent)]
    Voice(#[from] VoiceError),
    /// The reference audio is unusable.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The model has no speaker encoder.
    #[error("a {kind} model has no speaker encoder; voices are cloned with a base model")]
    NoSpeakerEncoder {
        /// What the model can do.
        kind: &'static str,
    },
    /// The prompt has a place for a voice and the request has none.
    #[error("the prompt needs the voice of reference audio and the request has none")]
    NoReferenceVoice,
    /// Text was appended in a layout that needs all of it first.
    #[error("text can be appended in the streaming layout only")]
    TextLayout,
    /// Text was appended after its end.
    #[error("the text of the session is complete already")]
    TextClosed,
    /// No thread could be started.
    #[cfg(feature = "async")]
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// The tensor library failed.
    #[error("tensor library: {0}")]
    Tensor(#[from] candle_core::Error),
}

/// A damaged weight is a fault of the checkpoint, whichever stage reads it.
impl From<TalkerError> for TtsError {
    fn from(error: TalkerError) -> Self {
        match error {
            TalkerError::Checkpoint(error) => Self::Checkpoint(error),
            other @ TalkerError::Tensor(_) => Self::Talker(other),
        }
    }
}

impl From<PredictorError> for TtsError {
    fn from(error: PredictorError) -> Self {
        match error {
            PredictorError::Checkpoint(error) => Self::Checkpoint(error),
            other => Self::Predictor(other),
        }
    }
}

impl From<CodecError> for TtsError {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Checkpoint(error) => Self::Checkpoint(error),
            other => Self::Codec(other),
        }
    }
}

impl From<EncoderError> for TtsError {
    fn from(error: EncoderError) -> Self {
        match error {
            EncoderError::Checkpoint(error) => Self::Checkpoint(error),
            other => Self::CodecEncoder(other),
        }
    }
}

impl From<SpeakerError> for TtsError {
    fn from(error: SpeakerError) -> Self {
        match error {
            SpeakerError::Checkpoint(error) => Self::Checkpoint(error),
            other => Self::SpeakerEncoder(other),
        }
    }
}

/// What cannot be computed.
fn what(packed: bool, precision: Precision) -> String {
    if packed { format!("a model packed in {precision}") } else { precision.to_string() }
}

/// What can be, in its place.
fn instead(packed: bool, precision: Precision) -> &'static str {
    match precision {
        _ if packed => "the CPU",
        Precision::Fp8 => "a GPU, or f32, bf16, q8 or q4mix",
        _ => "the CPU, or f32, bf16, q8 or fp8",
    }
}
