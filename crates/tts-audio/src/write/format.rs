//! The forms in which audio is written.

use std::fmt;
use std::path::Path;

use super::{flac, pcm, wav};
use crate::{Audio, Result};

/// A form in which mono audio is written.
///
/// Integers are made by clamping to [-1, 1], scaling by 32767 and rounding to
/// the nearest, halves away from zero. Floats are written as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AudioFormat {
    /// WAV with 16-bit integers, which everything plays.
    WavPcm16,
    /// WAV with 32-bit floats, which some players refuse.
    WavF32,
    /// FLAC with 16 bits: the samples of [`Self::WavPcm16`] in about half the
    /// space, at up to 96 kHz.
    Flac,
    /// 16-bit integers, little-endian, without a header.
    PcmS16,
    /// 32-bit floats, little-endian, without a header.
    PcmF32,
}

impl AudioFormat {
    /// All formats.
    pub const ALL: [Self; 5] =
        [Self::WavPcm16, Self::WavF32, Self::Flac, Self::PcmS16, Self::PcmF32];

    /// Guesses the format from the extension of a file name, in any case.
    ///
    /// `wav` and `wave` mean [`Self::WavPcm16`], `flac` means [`Self::Flac`],
    /// `pcm`, `raw`, `s16` and `s16le` mean [`Self::PcmS16`], `f32` and `f32le`
    /// mean [`Self::PcmF32`].
    pub fn from_path(path: impl AsRef<Path>) -> Option<Self> {
        let extension = path.as_ref().extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "wav" | "wave" => Some(Self::WavPcm16),
            "flac" => Some(Self::Flac),
            "pcm" | "raw" | "s16" | "s16le" => Some(Self::PcmS16),
            "f32" | "f32le" => Some(Self::PcmF32),
            _ => None,
        }
    }

    /// The name of the format in messages and options.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WavPcm16 => "wav",
            Self::WavF32 => "wav-f32",
            Self::Flac => "flac",
            Self::PcmS16 => "s16le",
            Self::PcmF32 => "f32le",
        }
    }

    /// Encodes audio in memory.
    ///
    /// # Errors
    ///
    /// [`AudioError::NotFinite`](crate::AudioError::NotFinite) if a sample is
    /// NaN or infinite, [`AudioError::SampleRate`](crate::AudioError::SampleRate)
    /// if the rate is not in 1..=[`MAX_SAMPLE_RATE`](crate::MAX_SAMPLE_RATE) Hz,
    /// [`AudioError::TooManySamples`](crate::AudioError::TooManySamples) above
    /// the 4 GiB that a WAV file can describe, and
    /// [`AudioError::Flac`](crate::AudioError::Flac) if the FLAC encoder fails or
    /// the rate is above its 96 kHz.
    pub fn encode(self, audio: &Audio) -> Result<Vec<u8>> {
        audio.check()?;
        match self {
            Self::WavPcm16 => wav::encode_pcm16(audio),
            Self::WavF32 => wav::encode_f32(audio),
            Self::Flac => flac::encode(audio),
            Self::PcmS16 => Ok(pcm::s16le(&audio.samples).collect()),
            Self::PcmF32 => Ok(pcm::f32le(&audio.samples).collect()),
        }
    }
}

impl fmt::Display for AudioFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
