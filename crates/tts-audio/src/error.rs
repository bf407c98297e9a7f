//! The one error type of the crate.

use std::io;
use std::path::{Path, PathBuf};

use crate::audio::MAX_SAMPLE_RATE;
use crate::plot::{MAX_SIZE, MIN_SIZE};
use crate::read::MAX_CHANNELS;
use crate::resample::MAX_RATE_RATIO;
use crate::write::AudioFormat;

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
    #[error("cannot transfer audio data")]
    Stream(#[source] io::Error),

    /// The data is not audio, or not in a container this crate understands.
    #[error("expected an audio file: {reason}")]
    NotAudio {
        /// What was found instead.
        reason: String,
    },

    /// The data is audio in a form this crate does not decode.
    #[error("expected audio that can be decoded: {reason}; convert it to WAV or FLAC")]
    UnsupportedCodec {
        /// What was found.
        reason: String,
    },

    /// The data contradicts itself or the rules of its format.
    #[error("expected intact audio data: {reason}")]
    Corrupt {
        /// What is wrong.
        reason: String,
    },

    /// The data ends before the audio does.
    #[error(
        "expected {}, the data ends after {found} samples per channel",
        expected_samples(*expected)
    )]
    Truncated {
        /// Samples per channel announced by the container, if it counts them.
        expected: Option<u64>,
        /// Samples per channel found.
        found: usize,
    },

    /// There are no samples.
    #[error("expected audio, found no samples")]
    Empty,

    /// The audio is longer than the caller allows.
    #[error("expected at most {max_seconds} s of audio, found {seconds:.3} s")]
    TooLong {
        /// The duration announced or, failing that, the duration at which
        /// decoding was stopped, in seconds.
        seconds: f64,
        /// The caller's limit, in seconds.
        max_seconds: f64,
    },

    /// No channels, or more than anybody records.
    #[error("expected 1 to {MAX_CHANNELS} channels, found {found}")]
    Channels {
        /// Number of channels.
        found: usize,
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

    /// Two sample rates are too far apart to convert one to the other.
    #[error(
        "expected sample rates at most {MAX_RATE_RATIO} times apart, found {source_rate} Hz and \
         {target_rate} Hz"
    )]
    RateRatio {
        /// The rate of the audio, in Hz.
        source_rate: u32,
        /// The rate asked for, in Hz.
        target_rate: u32,
    },

    /// The FLAC encoder failed.
    #[error("cannot encode FLAC: {reason}")]
    Flac {
        /// What it said.
        reason: String,
    },

    /// The format cannot be written piece by piece.
    #[error("expected WAV or raw PCM for a stream, found {format}")]
    NotStreamable {
        /// The format asked for.
        format: AudioFormat,
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

fn expected_samples(expected: Option<u64>) -> String {
    match expected {
        Some(count) => format!("{count} samples per channel"),
        None => "complete audio".to_owned(),
    }
}
