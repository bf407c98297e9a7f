//! Audio files to samples.

mod decode;
mod mp4;
mod opus;
mod source;

use std::fs::File;
use std::io::{Read, Seek};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use crate::{Audio, AudioError, Result};
use source::Source;

/// The most channels that a reader mixes down.
pub const MAX_CHANNELS: usize = 64;

/// How much audio a reader accepts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The longest duration, in seconds.
    pub max_seconds: f64,
}

/// Reads an audio file of any common kind.
///
/// WAV (integers of 8 to 32 bits, floats of 32 and 64, A-law, µ-law), AIFF,
/// FLAC, MP3, Ogg with Vorbis, Opus or FLAC, MP4 with AAC or ALAC, and bare AAC
/// (ADTS). The content says which one it is, the name says nothing. AAC keeps
/// the silence that its encoder puts around the audio, a few hundredths of a
/// second.
///
/// Channels are mixed to mono by their mean, as the reference does with a
/// speaker's recording (`docs/model.md`, "Reference audio"). An integer of `b`
/// bits is divided by `2^(b-1)`. The sample rate stays that of the file.
///
/// # Errors
///
/// [`AudioError::Read`] if the file cannot be opened or read, and
/// [`AudioError::Content`] with the path and an error of [`read_audio`] if it
/// does not hold usable audio.
pub fn read_audio_file(path: impl AsRef<Path>, limits: Limits) -> Result<Audio> {
    let path = path.as_ref();
    File::open(path)
        .map_err(AudioError::Stream)
        .and_then(|file| read_audio(file, limits))
        .map_err(|error| error.reading(path))
}

/// Reads audio from a stream as [`read_audio_file`] does, all of it. Bytes in
/// memory are read through [`std::io::Cursor`].
///
/// Memory grows with the samples that come out, up to the limit, and not with
/// what headers announce. A stream that cannot seek, such as a pipe, is read
/// all the same unless it is an MP4 file. MP4 in fragments is refused.
///
/// Audio that ends before its container says is refused as a whole. Only some
/// MP3 and ADTS files cannot be told from shorter ones.
///
/// # Errors
///
/// [`AudioError::NotAudio`], [`AudioError::UnsupportedCodec`],
/// [`AudioError::Corrupt`], [`AudioError::Truncated`], [`AudioError::Empty`],
/// [`AudioError::TooLong`], [`AudioError::SampleRate`],
/// [`AudioError::Channels`], [`AudioError::NotFinite`] (float samples), and
/// [`AudioError::Stream`] if the reader fails.
pub fn read_audio(reader: impl Read + Seek + Send + Sync, limits: Limits) -> Result<Audio> {
    let (source, failure) = Source::new(reader);
    // Some decoders panic on headers that make no sense.
    let decoding = AssertUnwindSafe(|| decode::decode(source, limits));
    let result = panic::catch_unwind(decoding).unwrap_or_else(|_| {
        let reason = "its decoder cannot handle it".to_owned();
        Err(AudioError::Corrupt { reason })
    });
    // Decoders take some failures for the end of the data.
    match failure.take() {
        Some(error) => Err(AudioError::Stream(error)),
        None => result,
    }
}
