//! The one error type of the crate.

use std::io;
use std::path::{Path, PathBuf};

use crate::audio::MAX_SAMPLE_RATE;
use crate::plot::{MAX_SIZE, MIN_SIZE};

/// The result of this crate's fallible functions.
pub type Result<T, E = AudioError> = std::result::Result<T, E>;

/// Why audio could not be read, written or drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// A file could not be opened or read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// A file could not be created, written or moved into place.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// A file was read but does not hold usable audio.
    #[error("cannot use {} as audio", path.display())]
    Content {
        /// The file asked for.
        path: PathBuf,
        /// What is wrong with its content.
        source: Box<AudioError>,
    },

    /// A stream without a path failed.
    #[error("cannot transfer WAV data")]
    Stream(#[source] io::Error),

    /// The data is not a WAV file, or not one this crate understands.
    #[error("expected a PCM or float WAV file: {reason}")]
    NotWav {
        /// What was found instead.
        reason: String,
    },

    /// The WAV file stores its samples in a width this crate does not read.
    #[error(
        "expected samples of 8, 16, 24 or 32 bit integers or 32 bit floats, found {bits} bit {kind}s"
    )]
    SampleFormat {
        /// `"integer"` or `"float"`.
        kind: &'static str,
        /// Bits per sample.
        bits: u16,
    },

    /// The WAV file ends before the samples that its header announces.
    #[error("expected {expected} samples per channel, the data ends after {found}")]
    Truncated {
        /// Samples per channel announced by the header.
        expected: u32,
        /// Complete samples per channel found.
        found: usize,
    },

    /// The WAV file is longer than the caller allows.
    #[error("expected at most {max_seconds} s of audio, found {seconds:.3} s")]
    TooLong {
        /// Duration announced by the header, in seconds.
        seconds: f64,
        /// The caller's limit, in seconds.
        max_seconds: f64,
    },

    /// More samples than the 32-bit length field of a WAV file can count.
    #[error("expected at most {max} samples in a WAV file, found {found}")]
    TooManySamples {
        /// Number of samples given.
        found: usize,
        /// Number of samples that fit.
        max: usize,
    },

    /// The sample rate is zero or absurdly high.
    #[error("expected a sample rate of 1 to {MAX_SAMPLE_RATE} Hz, found {found} Hz")]
    SampleRate {
        /// The sample rate given, in Hz.
        found: u32,
    },

    /// A sample is NaN or infinite.
    #[error("expected finite samples, found {value} at sample {index}")]
    NotFinite {
        /// Position of the first such sample.
        index: usize,
        /// Its value.
        value: f32,
    },

    /// The picture asked for is too small to be readable or too large to be meant.
    #[error(
        "expected a picture of {}x{} to {MAX_SIZE}x{MAX_SIZE} pixels, found {width}x{height}",
        MIN_SIZE.0, MIN_SIZE.1
    )]
    PictureSize {
        /// Width asked for, in pixels.
        width: u32,
        /// Height asked for, in pixels.
        height: u32,
    },

    /// The Fourier transform refused its buffers.
    #[error("cannot compute a spectrum")]
    Spectrum(#[source] realfft::FftError),

    /// The picture could not be encoded.
    #[error("cannot encode a PNG picture")]
    Png(#[source] png::EncodingError),
}

impl AudioError {
    /// Says which file an error of reading a stream is about.
    pub(crate) fn reading(self, path: &Path) -> Self {
        let path = path.to_owned();
        match self {
            Self::Stream(source) => Self::Read { path, source },
            content => Self::Content { path, source: Box::new(content) },
        }
    }
}
