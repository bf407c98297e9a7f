//! A Qwen3-TTS model directory as typed data.
//!
//! [`Checkpoint::open`] reads the configuration, checks it, finds every tensor
//! the configuration implies and compares names and shapes before a single
//! weight is read. What it returns is complete: modules built from its
//! [`Weights`] meet no missing tensor and no surprising shape.
//!
//! Files are memory-mapped, single or sharded; values are widened or narrowed to
//! the compute type one tensor at a time and the pages behind them are given
//! back, so a model is never held twice. Layout and field names are those of the
//! released checkpoints (`docs/model.md`, sections 1 and 2).
//!
//! A model may also be one [packed file](ModelFiles::open): [`Checkpoint::open_to_pack`] records
//! what modules pack from its weights, and [`Checkpoint::pack`] puts it together.
//!
//! The crate knows nothing of the network: it names tensors, it does not
//! multiply them.
//!
//! ```
//! use tts_checkpoint::{Checkpoint, ModelFiles};
//!
//! let files = ModelFiles::Embedded(tts_fixture::FILES);
//! let checkpoint = Checkpoint::open(files)?;
//! assert_eq!(checkpoint.config.talker_config.num_code_groups, 16);
//! # Ok::<(), tts_checkpoint::CheckpointError>(())
//! ```

mod bytes;
mod census;
mod checkpoint;
mod config;
mod convert;
mod error;
mod files;
#[cfg(feature = "hub")]
pub mod hub;
mod json;
mod manifest;
mod mmap;
mod packed_file;
mod recorder;
mod store;
mod table;
mod weights;

pub use bytes::MappedPart;
pub use census::{Census, PartCount, Problem};
pub use checkpoint::Checkpoint;
pub use config::{
    CodePredictorConfig, CodecConfig, CodecDecoderConfig, CodecEncoderConfig, Dialect,
    GenerationConfig, ModelConfig, ModelKind, RopeScaling, SpeakerEncoderConfig, TalkerConfig,
};
pub use error::CheckpointError;
pub use files::ModelFiles;
pub use manifest::{Part, TensorSpec, codec_tensors, model_tensors};
pub use packed_file::PackedFile;
pub use recorder::PackedModel;
pub use table::RowTable;
pub use weights::Weights;
