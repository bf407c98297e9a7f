//! Samples to audio files.

mod flac;
mod format;
mod pcm;
mod stream;
mod wav;

use std::path::Path;

use crate::{Audio, Result, write_file_atomically};

pub use format::AudioFormat;
pub use stream::StreamWriter;

/// Encodes audio as a mono 16-bit PCM WAV file in memory.
///
/// The same as [`AudioFormat::WavPcm16`]'s [`encode`](AudioFormat::encode).
///
/// # Errors
///
/// Those of [`AudioFormat::encode`].
pub fn encode_wav(audio: &Audio) -> Result<Vec<u8>> {
    AudioFormat::WavPcm16.encode(audio)
}

/// Writes audio to a mono 16-bit PCM WAV file, atomically.
///
/// # Errors
///
/// Those of [`write_audio_file`].
pub fn write_wav_file(audio: &Audio, path: impl AsRef<Path>) -> Result<()> {
    write_audio_file(audio, path, AudioFormat::WavPcm16)
}

/// Writes audio to a file, atomically.
///
/// See [`AudioFormat::encode`] for the conversion and [`write_file_atomically`]
/// for the treatment of `path`. Nothing is touched unless all samples can be
/// encoded.
///
/// # Errors
///
/// Those of the two functions named.
pub fn write_audio_file(audio: &Audio, path: impl AsRef<Path>, format: AudioFormat) -> Result<()> {
    let bytes = format.encode(audio)?;
    write_file_atomically(path, |file| file.write_all(&bytes))
}
