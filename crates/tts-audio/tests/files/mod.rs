//! Audio files made by hand.

#![allow(dead_code)] // every test program uses some of it

use std::io::Cursor;

use tts_audio::{Audio, Limits, read_audio};

pub(crate) const LIMITS: Limits = Limits { max_seconds: 60.0 };

/// Format tags.
pub(crate) const INTEGER: u16 = 1;
pub(crate) const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xfffe;

pub(crate) fn read(bytes: &[u8]) -> tts_audio::Result<Audio> {
    read_audio(Cursor::new(bytes), LIMITS)
}

/// A WAV file at 16 kHz whose samples begin at byte 44.
pub(crate) fn wav(format: u16, channels: u16, bits: u16, data: &[u8]) -> Vec<u8> {
    riff(&format_chunk(format, channels, bits), data)
}

pub(crate) fn extensible_wav(format: u16, channels: u16, bits: u16, data: &[u8]) -> Vec<u8> {
    let mut chunk = format_chunk(EXTENSIBLE, channels, bits);
    chunk.extend(22_u16.to_le_bytes()); // bytes that follow
    chunk.extend(bits.to_le_bytes()); // valid bits
    chunk.extend(((1_u32 << channels) - 1).to_le_bytes()); // speakers
    chunk.extend(format.to_le_bytes());
    chunk.extend(b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71");
    riff(&chunk, data)
}

fn format_chunk(format: u16, channels: u16, bits: u16) -> Vec<u8> {
    let block = channels.wrapping_mul(bits / 8);
    let mut chunk = format.to_le_bytes().to_vec();
    chunk.extend(channels.to_le_bytes());
    chunk.extend(16_000_u32.to_le_bytes());
    chunk.extend((16_000 * u32::from(block)).to_le_bytes());
    chunk.extend(block.to_le_bytes());
    chunk.extend(bits.to_le_bytes());
    chunk
}

fn riff(format: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((20 + format.len() as u32 + data.len() as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend((format.len() as u32).to_le_bytes());
    bytes.extend(format);
    bytes.extend(b"data");
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes
}

/// A mono AIFF file of 16-bit integers at 16 kHz.
pub(crate) fn aiff(data: &[u8]) -> Vec<u8> {
    let mut bytes = b"FORM".to_vec();
    bytes.extend((46 + data.len() as u32).to_be_bytes());
    bytes.extend(b"AIFFCOMM");
    bytes.extend(18_u32.to_be_bytes());
    bytes.extend(1_u16.to_be_bytes()); // channels
    bytes.extend((data.len() as u32 / 2).to_be_bytes()); // frames
    bytes.extend(16_u16.to_be_bytes()); // bits
    bytes.extend(b"\x40\x0c\xfa\x00\x00\x00\x00\x00\x00\x00"); // 16000 in 80 bits
    bytes.extend(b"SSND");
    bytes.extend((8 + data.len() as u32).to_be_bytes());
    bytes.extend([0; 8]); // offset and block size
    bytes.extend(data);
    bytes
}

/// A small generator, good enough to make nonsense (Numerical Recipes).
pub(crate) struct Nonsense(pub(crate) u64);

impl Nonsense {
    pub(crate) fn next(&mut self) -> usize {
        let Self(state) = self;
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) as usize
    }
}
