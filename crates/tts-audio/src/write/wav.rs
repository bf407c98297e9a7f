//! WAV files of known length.

use std::io::Cursor;

use hound::{Sample, SampleFormat, WavSpec, WavWriter};

use super::pcm::pcm16;
use crate::{Audio, AudioError, Result};

/// More than any header written here, in bytes.
const HEADER_BYTES: usize = 80;

pub(super) fn encode_pcm16(audio: &Audio) -> Result<Vec<u8>> {
    encode(audio, 16, SampleFormat::Int, pcm16)
}

pub(super) fn encode_f32(audio: &Audio) -> Result<Vec<u8>> {
    encode(audio, 32, SampleFormat::Float, |sample| sample)
}

fn encode<S: Sample>(
    audio: &Audio,
    bits_per_sample: u16,
    sample_format: SampleFormat,
    convert: impl Fn(f32) -> S,
) -> Result<Vec<u8>> {
    let bytes_per_sample = usize::from(bits_per_sample / 8);
    // The byte counts of the format have 32 bits.
    let max = (u32::MAX as usize - HEADER_BYTES) / bytes_per_sample;
    let found = audio.samples.len();
    if found > max {
        return Err(AudioError::TooManySamples { found, max });
    }

    let spec =
        WavSpec { channels: 1, sample_rate: audio.sample_rate, bits_per_sample, sample_format };
    let mut wav = Vec::with_capacity(HEADER_BYTES + bytes_per_sample * found);
    let mut write = || {
        let mut writer = WavWriter::new(Cursor::new(&mut wav), spec)?;
        for &sample in &audio.samples {
            writer.write_sample(convert(sample))?;
        }
        writer.finalize()
    };
    write().map_err(|error| match error {
        hound::Error::IoError(source) => AudioError::Stream(source),
        other => AudioError::Stream(std::io::Error::other(other)),
    })?;
    Ok(wav)
}
