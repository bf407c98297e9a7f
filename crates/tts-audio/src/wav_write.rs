//! Audio to WAV.

use std::io::Cursor;
use std::path::Path;

use hound::{SampleFormat, WavSpec, WavWriter};

use crate::{Audio, AudioError, Result, write_file_atomically};

/// Bytes before the samples of a PCM WAV file.
const HEADER_BYTES: usize = 44;
/// Samples that a WAV file's 32-bit byte counts can describe.
const MAX_SAMPLES: usize = (u32::MAX as usize - HEADER_BYTES) / 2;

/// Encodes audio as a mono 16-bit PCM WAV file in memory.
///
/// Samples are clamped to [-1, 1], scaled by 32767 and rounded to the nearest
/// integer, halves away from zero.
///
/// # Errors
///
/// [`AudioError::NotFinite`] if a sample is NaN or infinite,
/// [`AudioError::SampleRate`] if the rate is not in
/// 1..=[`MAX_SAMPLE_RATE`](crate::MAX_SAMPLE_RATE) Hz, and
/// [`AudioError::TooManySamples`] above the 4 GiB that the format can describe.
pub fn encode_wav(audio: &Audio) -> Result<Vec<u8>> {
    let found = audio.samples.len();
    if found > MAX_SAMPLES {
        let max = MAX_SAMPLES;
        return Err(AudioError::TooManySamples { found, max });
    }
    audio.check()?;

    let mut wav = Vec::with_capacity(HEADER_BYTES + 2 * found);
    write_pcm16(audio, &mut wav).map_err(|error| match error {
        hound::Error::IoError(source) => AudioError::Stream(source),
        other => AudioError::NotWav { reason: other.to_string() },
    })?;
    Ok(wav)
}

/// Writes audio to a mono 16-bit PCM WAV file, atomically.
///
/// See [`encode_wav`] for the conversion and [`write_file_atomically`] for the
/// treatment of `path`. Nothing is touched unless all samples can be encoded.
///
/// # Errors
///
/// Those of the two functions named.
pub fn write_wav_file(audio: &Audio, path: impl AsRef<Path>) -> Result<()> {
    let wav = encode_wav(audio)?;
    write_file_atomically(path, |file| file.write_all(&wav))
}

fn write_pcm16(audio: &Audio, wav: &mut Vec<u8>) -> hound::Result<()> {
    let spec = WavSpec {
        channels: 1,
        sample_rate: audio.sample_rate,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut writer = WavWriter::new(Cursor::new(wav), spec)?;
    for &sample in &audio.samples {
        writer.write_sample(pcm16(sample))?;
    }
    writer.finalize()
}

fn pcm16(sample: f32) -> i16 {
    (sample.clamp(-1.0, 1.0) * 32767.0).round() as i16
}

#[cfg(test)]
mod tests {
    use super::pcm16;

    #[test]
    fn clamps_to_full_scale() {
        assert_eq!(pcm16(1.0), 32767);
        assert_eq!(pcm16(-1.0), -32767);
        assert_eq!(pcm16(7.5), 32767);
        assert_eq!(pcm16(f32::MIN), -32767);
    }

    #[test]
    fn rounds_halves_away_from_zero() {
        assert_eq!(pcm16(0.4 / 32767.0), 0);
        assert_eq!(pcm16(0.6 / 32767.0), 1);
        assert_eq!(pcm16(0.5), 16384); // 16383.5
        assert_eq!(pcm16(-0.5), -16384);
    }
}
