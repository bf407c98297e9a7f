//! WAV to audio.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

use hound::{SampleFormat, WavReader};

use crate::audio::check_sample_rate;
use crate::{Audio, AudioError, Result};

/// How much audio a reader accepts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The longest duration, in seconds.
    pub max_seconds: f64,
}

/// Reads a WAV file: integers of 8, 16, 24 or 32 bits, or 32-bit floats.
///
/// Channels are mixed to mono by their mean. An integer of `b` bits is divided
/// by `2^(b-1)`. The sample rate stays that of the file.
///
/// # Errors
///
/// [`AudioError::Read`] if the file cannot be opened or read, and
/// [`AudioError::Content`] with the path and an error of [`read_wav`] if it
/// does not hold usable audio.
pub fn read_wav_file(path: impl AsRef<Path>, limits: Limits) -> Result<Audio> {
    let path = path.as_ref();
    File::open(path)
        .map_err(AudioError::Stream)
        .and_then(|file| read_wav(BufReader::new(file), limits))
        .map_err(|error| error.reading(path))
}

/// Reads a WAV stream as [`read_wav_file`] does.
///
/// Memory grows with the data that arrives, not with what the header announces.
/// The reader should be buffered.
///
/// # Errors
///
/// [`AudioError::NotWav`], [`AudioError::SampleFormat`],
/// [`AudioError::SampleRate`], [`AudioError::TooLong`] (judged by the header),
/// [`AudioError::Truncated`], [`AudioError::NotFinite`] (float samples), and
/// [`AudioError::Stream`] if the reader fails.
pub fn read_wav(reader: impl Read, limits: Limits) -> Result<Audio> {
    let mut wav = WavReader::new(EndIsError(reader)).map_err(header_error)?;
    let (spec, frames) = (wav.spec(), wav.duration());
    check_sample_rate(spec.sample_rate)?;

    let max_seconds = limits.max_seconds;
    let seconds = f64::from(frames) / f64::from(spec.sample_rate);
    if !(0.0..=max_seconds).contains(&seconds) {
        return Err(AudioError::TooLong { seconds, max_seconds });
    }

    let samples = match (spec.sample_format, spec.bits_per_sample) {
        (SampleFormat::Int, bits @ (8 | 16 | 24 | 32)) => {
            let full_scale = f64::from(1_u32 << (bits - 1));
            let values = wav.samples::<i32>();
            let scaled = values.map(|value| Ok(f64::from(value?) / full_scale));
            mix_to_mono(scaled, spec.channels, frames)?
        }
        (SampleFormat::Float, 32) => {
            let values = wav.samples::<f32>();
            let widened = values.map(|value| Ok(f64::from(value?)));
            mix_to_mono(widened, spec.channels, frames)?
        }
        (format, bits) => {
            let kind = match format {
                SampleFormat::Int => "integer",
                SampleFormat::Float => "float",
            };
            return Err(AudioError::SampleFormat { kind, bits });
        }
    };
    Ok(Audio { samples, sample_rate: spec.sample_rate })
}

/// Averages each frame of `channels` interleaved values.
fn mix_to_mono(
    mut values: impl Iterator<Item = hound::Result<f64>>,
    channels: u16,
    frames: u32,
) -> Result<Vec<f32>> {
    let mut mono = Vec::new();
    for _ in 0..frames {
        let mut sum = 0.0;
        for value in values.by_ref().take(channels.into()) {
            sum += value.map_err(|error| data_error(error, frames, mono.len()))?;
        }
        let value = (sum / f64::from(channels)) as f32;
        if !value.is_finite() {
            let index = mono.len();
            return Err(AudioError::NotFinite { index, value });
        }
        mono.push(value);
    }
    Ok(mono)
}

fn header_error(error: hound::Error) -> AudioError {
    match error {
        hound::Error::IoError(source) if source.kind() == ErrorKind::UnexpectedEof => {
            AudioError::NotWav { reason: "the data ends inside the header".to_owned() }
        }
        hound::Error::IoError(source) => AudioError::Stream(source),
        hound::Error::FormatError(reason) => AudioError::NotWav { reason: reason.to_owned() },
        other => AudioError::NotWav { reason: other.to_string() },
    }
}

fn data_error(error: hound::Error, expected: u32, found: usize) -> AudioError {
    match error {
        hound::Error::IoError(source) if source.kind() == ErrorKind::UnexpectedEof => {
            AudioError::Truncated { expected, found }
        }
        other => header_error(other),
    }
}

/// Reports the end of the stream as an error of its own kind, where hound would
/// make it one of kind `Other` that looks like any failure.
struct EndIsError<R>(R);

impl<R: Read> Read for EndIsError<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 if !buffer.is_empty() => Err(ErrorKind::UnexpectedEof.into()),
            count => Ok(count),
        }
    }
}
