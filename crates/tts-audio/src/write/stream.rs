//! Audio whose length is not known when it begins.

use std::io::{Seek, SeekFrom, Write};

use super::{AudioFormat, pcm};
use crate::audio::{check_finite, check_sample_rate};
use crate::{AudioError, Result};

/// A size that is not known, in the header of a stream.
const UNKNOWN: u32 = u32::MAX;
/// Bytes of the header in front of the samples.
const HEADER_BYTES: u64 = 44;
/// Where the header counts the bytes that follow, and where those of samples.
const RIFF_SIZE_AT: u64 = 4;
const DATA_SIZE_AT: u64 = 40;

/// Writes audio piece by piece, as it is made.
///
/// Every piece is flushed, so that a player at the other end of a pipe hears it
/// at once. WAV begins with a header whose sizes are `0xFFFFFFFF`, which stands
/// for "until the end" between programs connected by pipes;
/// [`finish_with_sizes`](Self::finish_with_sizes) puts the true sizes into a
/// file. Numbers are made as [`AudioFormat`] says.
///
/// ```
/// use tts_audio::{AudioFormat, StreamWriter};
///
/// let mut writer = StreamWriter::new(Vec::new(), AudioFormat::WavPcm16, 24_000)?;
/// writer.write(&[0.0, 0.5])?;
/// writer.write(&[-0.5])?;
/// let bytes = writer.finish()?;
/// assert_eq!(bytes.len(), 44 + 3 * 2);
/// # Ok::<(), tts_audio::AudioError>(())
/// ```
#[derive(Debug)]
pub struct StreamWriter<W> {
    writer: W,
    layout: Layout,
    /// The samples written so far.
    samples: usize,
    /// One piece in bytes.
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Layout {
    has_header: bool,
    is_float: bool,
}

impl Layout {
    fn bytes_per_sample(self) -> u16 {
        if self.is_float { 4 } else { 2 }
    }

    /// The header of a mono WAV stream.
    fn header(self, sample_rate: u32) -> Vec<u8> {
        let format: u16 = if self.is_float { 3 } else { 1 };
        let block = self.bytes_per_sample();
        let mut header = Vec::with_capacity(HEADER_BYTES as usize);
        header.extend(b"RIFF");
        header.extend(UNKNOWN.to_le_bytes());
        header.extend(b"WAVEfmt ");
        header.extend(16_u32.to_le_bytes());
        header.extend(format.to_le_bytes());
        header.extend(1_u16.to_le_bytes());
        header.extend(sample_rate.to_le_bytes());
        header.extend((sample_rate * u32::from(block)).to_le_bytes());
        header.extend(block.to_le_bytes());
        header.extend((8 * block).to_le_bytes());
        header.extend(b"data");
        header.extend(UNKNOWN.to_le_bytes());
        header
    }
}

impl<W: Write> StreamWriter<W> {
    /// Begins a stream: writes the header, if the format has one, and flushes.
    ///
    /// # Errors
    ///
    /// [`AudioError::NotStreamable`] for FLAC, [`AudioError::SampleRate`], and
    /// [`AudioError::Stream`] if the writer fails.
    pub fn new(writer: W, format: AudioFormat, sample_rate: u32) -> Result<Self> {
        check_sample_rate(sample_rate)?;
        let layout = match format {
            AudioFormat::WavPcm16 => Layout { has_header: true, is_float: false },
            AudioFormat::WavF32 => Layout { has_header: true, is_float: true },
            AudioFormat::PcmS16 => Layout { has_header: false, is_float: false },
            AudioFormat::PcmF32 => Layout { has_header: false, is_float: true },
            AudioFormat::Flac => return Err(AudioError::NotStreamable { format }),
        };
        let bytes = if layout.has_header { layout.header(sample_rate) } else { Vec::new() };
        let mut stream = Self { writer, layout, samples: 0, bytes };
        stream.send()?;
        Ok(stream)
    }

    /// Writes a piece and flushes.
    ///
    /// # Errors
    ///
    /// [`AudioError::NotFinite`] with the position in the whole stream if a
    /// sample is NaN or infinite (nothing of the piece is written then), and
    /// [`AudioError::Stream`] if the writer fails.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        check_finite(samples, self.samples)?;
        self.bytes.clear();
        if self.layout.is_float {
            self.bytes.extend(pcm::f32le(samples));
        } else {
            self.bytes.extend(pcm::s16le(samples));
        }
        self.send()?;
        self.samples += samples.len();
        Ok(())
    }

    /// Ends the stream and returns the writer. Nothing is left to be written:
    /// a stream that is dropped instead is as complete.
    ///
    /// # Errors
    ///
    /// [`AudioError::Stream`] if the writer fails to flush.
    pub fn finish(mut self) -> Result<W> {
        self.writer.flush().map_err(AudioError::Stream)?;
        Ok(self.writer)
    }

    fn send(&mut self) -> Result<()> {
        let sent = self.writer.write_all(&self.bytes);
        sent.and_then(|()| self.writer.flush()).map_err(AudioError::Stream)
    }
}

impl<W: Write + Seek> StreamWriter<W> {
    /// Ends the stream as [`finish`](Self::finish) does, with the true sizes in
    /// the header of a WAV file.
    ///
    /// The stream has to begin at the position 0 of the writer. Sizes that do
    /// not fit into 32 bits stay unknown.
    ///
    /// # Errors
    ///
    /// [`AudioError::Stream`] if the writer fails to write or seek.
    pub fn finish_with_sizes(mut self) -> Result<W> {
        if self.layout.has_header {
            let data = self.samples as u64 * u64::from(self.layout.bytes_per_sample());
            self.patch(RIFF_SIZE_AT, data + HEADER_BYTES - 8)
                .and_then(|()| self.patch(DATA_SIZE_AT, data))
                .and_then(|()| self.writer.seek(SeekFrom::End(0)))
                .map_err(AudioError::Stream)?;
        }
        self.finish()
    }

    fn patch(&mut self, position: u64, size: u64) -> std::io::Result<()> {
        let size = u32::try_from(size).unwrap_or(UNKNOWN);
        self.writer.seek(SeekFrom::Start(position))?;
        self.writer.write_all(&size.to_le_bytes())
    }
}
