//! FLAC files.

use flacenc::bitsink::ByteSink;
use flacenc::component::BitRepr;
use flacenc::config;
use flacenc::error::Verify;
use flacenc::source::MemSource;

use super::pcm::pcm16;
use crate::{Audio, AudioError, Result};

const BITS_PER_SAMPLE: usize = 16;

pub(super) fn encode(audio: &Audio) -> Result<Vec<u8>> {
    let samples: Vec<i32> = audio.samples.iter().map(|&sample| pcm16(sample).into()).collect();
    let source = MemSource::from_samples(&samples, 1, BITS_PER_SAMPLE, audio.sample_rate as usize);
    let config = config::Encoder::default().into_verified().map_err(|(_, e)| failure(&e))?;
    let block = config.block_size;
    let mut stream = flacenc::encode_with_fixed_block_size(&config, source, block)
        .map_err(|error| failure(&error))?;
    // The encoder counts the last block, which may be shorter, and makes it a
    // stream of variable blocks with that (RFC 9639, section 8.2).
    stream.stream_info_mut().set_block_sizes(block, block).map_err(|error| failure(&error))?;
    let mut sink = ByteSink::new();
    stream.write(&mut sink).map_err(|error| failure(&error))?;
    Ok(sink.into_inner())
}

fn failure(error: &dyn std::error::Error) -> AudioError {
    AudioError::Flac { reason: error.to_string() }
}
