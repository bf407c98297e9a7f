//! Audio files and pictures of audio.
//!
//! Three things live here:
//!
//! * [`Audio`], mono samples with their sample rate;
//! * WAV in ([`read_wav_file`]) and out ([`write_wav_file`]), on top of
//!   [`write_file_atomically`], which never leaves half a file behind;
//! * [`plot`], a waveform and a spectrogram in one PNG.
//!
//! This crate is a bottom layer: it depends on no other crate of the workspace
//! and knows nothing of models, tensors or text.
//!
//! ```
//! use tts_audio::{Audio, Limits, encode_wav, plot, read_wav};
//!
//! let samples = (0..24_000).map(|i| 0.5 * (i as f32 * 0.1).sin()).collect();
//! let audio = Audio { samples, sample_rate: 24_000 };
//!
//! let wav = encode_wav(&audio)?;
//! let back = read_wav(wav.as_slice(), Limits { max_seconds: 60.0 })?;
//! assert_eq!(back.duration_secs(), 1.0);
//!
//! let png = plot::render(&back, &plot::PlotOptions::default())?.encode_png()?;
//! assert!(png.starts_with(b"\x89PNG"));
//! # Ok::<(), tts_audio::AudioError>(())
//! ```

mod atomic;
mod audio;
mod error;
pub mod plot;
mod wav_read;
mod wav_write;

pub use atomic::write_file_atomically;
pub use audio::{Audio, MAX_SAMPLE_RATE};
pub use error::{AudioError, Result};
pub use wav_read::{Limits, read_wav, read_wav_file};
pub use wav_write::{encode_wav, write_wav_file};
