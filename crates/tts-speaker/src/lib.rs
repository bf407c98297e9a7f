//! Speaker encoder: reference audio to an x-vector (`docs/model.md`, section 9).
//!
//! [`MelFrontEnd`] turns samples into a log-mel spectrogram; [`SpeakerEncoder`]
//! runs an ECAPA-TDNN over it and returns one vector per recording, as wide as
//! the talker. The vector goes into the prompt as it is, without normalisation.
//! Everything is computed in f32 (the spectrum in f64), whatever type the
//! weights are stored in.
//!
//! Only Base checkpoints have a speaker encoder.
//!
//! ```
//! use candle_core::{DType, Device};
//! use tts_checkpoint::{Checkpoint, ModelFiles};
//! use tts_speaker::SpeakerEncoder;
//!
//! # let directory = concat!(
//! #     env!("CARGO_MANIFEST_DIR"),
//! #     "/../../fixtures/golden/checkpoints/base_b"
//! # );
//! let checkpoint = Checkpoint::open(ModelFiles::Directory(directory.into()))?;
//! let config = checkpoint.config.speaker_encoder_config.as_ref().ok_or("no speaker encoder")?;
//! let weights = checkpoint.model_weights(DType::F32, &Device::Cpu);
//! let encoder = SpeakerEncoder::load(config, &weights)?;
//!
//! let second = vec![0.0; encoder.sample_rate() as usize];
//! assert_eq!(encoder.embed(&second)?.len(), config.enc_dim);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod block;
mod conv;
mod encoder;
mod error;
mod filterbank;
mod mel;
mod pooling;

pub use encoder::{SpeakerEncoder, Tap};
pub use error::SpeakerError;
pub use mel::MelFrontEnd;
