//! The configuration files as structs: every field the engine relies on, no
//! defaults. The defaults of the reference's own classes differ from every
//! released file, so a missing field is an error rather than a guess.

mod check;
mod codec;
mod generation;
mod model;

pub use codec::{CodecConfig, CodecDecoderConfig, CodecEncoderConfig};
pub use generation::GenerationConfig;
pub use model::{
    CodePredictorConfig, Dialect, ModelConfig, ModelKind, RopeScaling, SpeakerEncoderConfig,
    TalkerConfig,
};

pub(crate) use check::Checker;
