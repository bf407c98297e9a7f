//! Audio written piece by piece.

mod files;

use std::cell::RefCell;
use std::io::{self, Cursor, Write};
use std::rc::Rc;

use files::read;
use tts_audio::{Audio, AudioError, AudioFormat, StreamWriter};

const STREAMS: [AudioFormat; 4] =
    [AudioFormat::WavPcm16, AudioFormat::WavF32, AudioFormat::PcmS16, AudioFormat::PcmF32];

fn samples() -> Vec<f32> {
    (0..5000).map(|i| (i as f32 * 0.1).sin()).collect()
}

fn stream(format: AudioFormat, piece: usize) -> Vec<u8> {
    let mut writer = StreamWriter::new(Vec::new(), format, 24_000).unwrap();
    for piece in samples().chunks(piece) {
        writer.write(piece).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn the_size_of_the_pieces_does_not_matter() {
    for format in STREAMS {
        let whole = stream(format, 5000);
        for piece in [1, 7, 1920] {
            assert_eq!(stream(format, piece), whole, "{format}");
        }
    }
}

#[test]
fn raw_pcm_equals_the_file_of_the_same_format() {
    let audio = Audio { samples: samples(), sample_rate: 24_000 };
    for format in [AudioFormat::PcmS16, AudioFormat::PcmF32] {
        assert_eq!(stream(format, 100), format.encode(&audio).unwrap());
    }
}

#[test]
fn a_wav_stream_begins_with_unknown_sizes_and_can_be_read() {
    let audio = Audio { samples: samples(), sample_rate: 24_000 };
    for format in [AudioFormat::WavPcm16, AudioFormat::WavF32] {
        let bytes = stream(format, 100);
        assert_eq!(bytes[4..8], [0xff; 4]);
        assert_eq!(bytes[36..44], *b"data\xff\xff\xff\xff");
        assert_eq!(read(&bytes).unwrap(), read(&format.encode(&audio).unwrap()).unwrap());
    }
}

#[test]
fn sizes_are_put_into_a_seekable_file() {
    let audio = Audio { samples: samples(), sample_rate: 24_000 };
    for format in STREAMS {
        let mut writer = StreamWriter::new(Cursor::new(Vec::new()), format, 24_000).unwrap();
        writer.write(&audio.samples[..2000]).unwrap();
        writer.write(&audio.samples[2000..]).unwrap();
        let file = writer.finish_with_sizes().unwrap();
        assert_eq!(file.position(), file.get_ref().len() as u64);
        if format == AudioFormat::WavF32 {
            // The header of a file says more about floats.
            let reader = hound::WavReader::new(Cursor::new(file.into_inner())).unwrap();
            assert_eq!(reader.duration(), 5000);
        } else {
            assert_eq!(file.into_inner(), format.encode(&audio).unwrap(), "{format}");
        }
    }
}

/// Keeps what was flushed.
#[derive(Clone, Default)]
struct Player {
    heard: Rc<RefCell<Vec<u8>>>,
    waiting: Vec<u8>,
}

impl Write for Player {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.heard.borrow_mut().append(&mut self.waiting);
        Ok(())
    }
}

#[test]
fn every_piece_is_heard_at_once() {
    let player = Player::default();
    let heard = player.heard.clone();
    let mut writer = StreamWriter::new(player, AudioFormat::WavPcm16, 24_000).unwrap();
    assert_eq!(heard.borrow().len(), 44);
    for pieces in 1..4 {
        writer.write(&[0.5; 100]).unwrap();
        assert_eq!(heard.borrow().len(), 44 + pieces * 200);
    }
}

#[test]
fn a_sample_that_is_not_finite_is_refused_before_its_piece() {
    let mut writer = StreamWriter::new(Vec::new(), AudioFormat::PcmS16, 24_000).unwrap();
    writer.write(&[0.5; 10]).unwrap();
    assert!(matches!(
        writer.write(&[0.5, 0.5, f32::NAN]),
        Err(AudioError::NotFinite { index: 12, .. })
    ));
    writer.write(&[0.5]).unwrap();
    assert_eq!(writer.finish().unwrap().len(), 22);
}

#[test]
fn flac_and_absurd_sample_rates_are_refused() {
    let error = StreamWriter::new(Vec::new(), AudioFormat::Flac, 24_000).unwrap_err();
    assert_eq!(error.to_string(), "expected WAV or raw PCM for a stream, found flac");
    assert!(matches!(
        StreamWriter::new(Vec::new(), AudioFormat::WavPcm16, 0),
        Err(AudioError::SampleRate { found: 0 })
    ));
}

struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_is_an_error_that_can_be_told() {
    for format in [AudioFormat::WavPcm16, AudioFormat::PcmS16] {
        let result = StreamWriter::new(Closed, format, 24_000).and_then(|mut writer| {
            writer.write(&[0.0])?;
            writer.finish()
        });
        assert!(matches!(
            result,
            Err(AudioError::Stream(source)) if source.kind() == io::ErrorKind::BrokenPipe
        ));
    }
}
