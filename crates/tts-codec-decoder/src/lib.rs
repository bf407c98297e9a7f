//! Codec decoder: frames of codes to samples (`docs/model.md`, section 7).
//!
//! The decoder is strictly causal, so it runs as a state machine:
//! [`CodecDecoder::push`] takes any number of frames and returns their samples;
//! everything it needs of the past is in a [`CodecState`]. Decoding a whole
//! utterance is the same code with a larger push.
//!
//! On a CPU the convolutions that make the samples are those of `tts-cpu`. On an NVIDIA GPU all
//! layers are kernels, and pieces of a length that came before are repeated as graphs. Everything
//! else runs on tensors.
//!
//! ```
//! use candle_core::Device;
//! use tts_checkpoint::{Checkpoint, ModelFiles};
//! use tts_codec_decoder::CodecDecoder;
//!
//! let checkpoint = Checkpoint::open(ModelFiles::Embedded(tts_fixture::FILES))?;
//! let codec = CodecDecoder::load(&checkpoint.codec, &checkpoint.codec_weights(&Device::Cpu))?;
//! let frames = vec![vec![1; 16], vec![2; 16]];
//! let mut state = codec.new_state()?;
//! let samples = codec.push(&frames, &mut state)?;
//! assert_eq!(samples.len(), 2 * codec.samples_per_frame());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod block;
mod cpu_waveform;
mod decoder;
mod error;
mod gpu_layers;
mod gpu_upsample;
mod gpu_waveform;
mod layers;
mod quantizer;
mod reference;
mod stages;
mod tensor_waveform;
mod upsample;
mod waveform;

pub use decoder::{CodecDecoder, CodecState, Tap};
pub use error::CodecError;
