//! Codec encoder: samples to frames of codes (`docs/model.md`, section 8).
//!
//! [`CodecEncoder::encode`] turns a recording into the codes that a prompt with
//! reference audio is made of. The encoder has the Mimi form: a stack of strided
//! convolutions (SEANet), a transformer, a last convolution down to the frame rate
//! and a split residual quantiser. It is strictly causal, so a long recording goes
//! through in pieces and only the keys and values of the transformer grow with its
//! length.
//!
//! ```
//! use candle_core::Device;
//! use tts_checkpoint::{Checkpoint, ModelFiles};
//! use tts_codec_encoder::CodecEncoder;
//!
//! let checkpoint = Checkpoint::open(ModelFiles::Embedded(tts_fixture::FILES))?;
//! let codec = CodecEncoder::load(&checkpoint.codec, &checkpoint.codec_weights(&Device::Cpu))?;
//! let samples = vec![0.1; 2 * codec.samples_per_frame() + 1];
//! let frames = codec.encode(&samples)?;
//! assert_eq!(frames.len(), 3);
//! assert!(frames.iter().all(|frame| frame.len() == codec.codebooks()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod downsample;
mod encoder;
mod error;
mod quantizer;
mod seanet;
mod strided;

#[cfg(test)]
mod tests;

pub use encoder::{CodecEncoder, Tap};
pub use error::EncoderError;
