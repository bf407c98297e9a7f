//! Audio files and pictures of audio.
//!
//! What lives here:
//!
//! * [`Audio`], mono samples with their sample rate, and [`analysis`] of them;
//! * [`read_audio_file`], which reads any common kind of audio file;
//! * [`resample`], which converts the sample rate;
//! * [`write_audio_file`] and [`AudioFormat`], on top of
//!   [`write_file_atomically`], which never leaves half a file behind, and
//!   [`StreamWriter`] for audio that is still being made;
//! * [`plot`], a waveform and a spectrogram in one PNG.
//!
//! This crate is a bottom layer: it depends on no other crate of the workspace
//! and knows nothing of models, tensors or text.
//!
//! ```
//! use std::io::Cursor;
//!
//! use tts_audio::{Audio, AudioFormat, Limits, plot, read_audio, resample};
//!
//! let samples = (0..24_000).map(|i| 0.5 * (i as f32 * 0.1).sin()).collect();
//! let audio = Audio { samples, sample_rate: 24_000 };
//!
//! let flac = AudioFormat::Flac.encode(&audio)?;
//! let back = read_audio(Cursor::new(flac), Limits { max_seconds: 60.0 })?;
//! assert_eq!(back.duration_secs(), 1.0);
//!
//! let telephone = resample(&back, 8_000)?;
//! assert_eq!(telephone.samples.len(), 8_000);
//!
//! let png = plot::render(&back, &plot::PlotOptions::default())?.encode_png()?;
//! assert!(png.starts_with(b"\x89PNG"));
//! # Ok::<(), tts_audio::AudioError>(())
//! ```

pub mod analysis;
mod atomic;
mod audio;
mod error;
pub mod plot;
mod read;
mod resample;
mod write;

pub use atomic::write_file_atomically;
pub use audio::{Audio, MAX_SAMPLE_RATE, MAX_SILENCE_SECS};
pub use error::{AudioError, Result};
pub use read::{Limits, MAX_CHANNELS, read_audio, read_audio_file};
pub use resample::{MAX_RATE_RATIO, Resampler, resample};
pub use write::{AudioFormat, StreamWriter, encode_wav, write_audio_file, write_wav_file};
