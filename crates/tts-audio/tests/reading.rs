//! Intact audio files of every kind.

mod files;

use std::f64::consts::TAU;
use std::fs;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use files::{FLOAT, INTEGER, LIMITS, aiff, extensible_wav, read, wav};
use hound::{SampleFormat, WavSpec, WavWriter};
use tts_audio::{Audio, AudioFormat, Limits, read_audio, read_audio_file};

/// Silence, half of full scale, the same below zero, and the lowest value.
fn integers(bits: u16) -> Vec<u8> {
    let half = 1_i64 << (bits - 2);
    let offset = if bits == 8 { 128 } else { 0 };
    let values = [0, half, -half, -2 * half].map(|value| value + offset);
    let bytes = values.map(|value| value.to_le_bytes()[..usize::from(bits / 8)].to_vec());
    bytes.concat()
}

#[test]
fn every_integer_width_reaches_full_scale() {
    for bits in [8, 16, 24, 32] {
        let data = integers(bits);
        for bytes in [wav(INTEGER, 1, bits, &data), extensible_wav(INTEGER, 1, bits, &data)] {
            let audio = read(&bytes).unwrap();
            assert_eq!(audio.samples, [0.0, 0.5, -0.5, -1.0], "{bits} bits");
            assert_eq!(audio.sample_rate, 16_000);
        }
    }
}

#[test]
fn floats_are_kept() {
    let values = [0.0_f32, 0.1, -1.0, 1.5];
    let narrow: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let wide: Vec<u8> = values.iter().flat_map(|&value| f64::from(value).to_le_bytes()).collect();
    for (bits, data) in [(32, narrow), (64, wide)] {
        assert_eq!(read(&wav(FLOAT, 1, bits, &data)).unwrap().samples, values, "{bits} bits");
        let extensible = extensible_wav(FLOAT, 1, bits, &data);
        assert_eq!(read(&extensible).unwrap().samples, values, "{bits} bits, extensible");
    }
}

#[test]
fn channels_are_averaged() {
    let data: Vec<u8> = [16384_i16, 0, 8192, -8192].iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(read(&wav(INTEGER, 2, 16, &data)).unwrap().samples, [0.25, 0.0]);

    let loud: Vec<u8> = [f32::MAX; 6].iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(read(&extensible_wav(FLOAT, 6, 32, &loud)).unwrap().samples, [f32::MAX]);
}

#[test]
fn files_of_another_writer_are_read() {
    for bits in [8, 16, 24, 32] {
        let spec = WavSpec {
            channels: 3,
            sample_rate: 44_100,
            bits_per_sample: bits,
            sample_format: SampleFormat::Int,
        };
        let mut bytes = Vec::new();
        let mut writer = WavWriter::new(Cursor::new(&mut bytes), spec).unwrap();
        for value in [1_i32, 2, 3, -4, -5, -6] {
            writer.write_sample(value).unwrap();
        }
        writer.finalize().unwrap();
        let scale = 1.0 / (1_u64 << (bits - 1)) as f32;
        assert_eq!(read(&bytes).unwrap().samples, [2.0 * scale, -5.0 * scale], "{bits} bits");
    }
}

#[test]
fn wav_streams_are_read_to_their_end() {
    // One sample and a half more than whole packets of the demuxer.
    let data: Vec<u8> = (0..1153_i16).flat_map(i16::to_le_bytes).chain([7]).collect();
    let mut bytes = wav(INTEGER, 1, 16, &data);
    bytes[4..8].fill(0xff);
    bytes[40..44].fill(0xff);
    let samples = read(&bytes).unwrap().samples;
    assert_eq!(samples.len(), 1153);
    assert_eq!(samples.last(), Some(&(1152.0 / 32768.0)));
}

#[test]
fn aiff_is_read() {
    let data: Vec<u8> = [0_i16, 16384, -32768].iter().flat_map(|v| v.to_be_bytes()).collect();
    let audio = read(&aiff(&data)).unwrap();
    assert_eq!(audio, Audio { samples: vec![0.0, 0.5, -1.0], sample_rate: 16_000 });
}

fn data(name: &str) -> Vec<u8> {
    fs::read(Path::new("tests/data").join(name)).unwrap()
}

/// The amplitude of 440 Hz and the signal-to-noise ratio in dB, over the middle
/// half.
fn tone(audio: &Audio) -> (f64, f64) {
    let quarter = audio.samples.len() / 4;
    // Whole periods, so that sine and cosine are orthogonal.
    let period = f64::from(audio.sample_rate) / 440.0;
    let length = ((2 * quarter) as f64 / period).floor() * period;
    let middle: Vec<f64> = audio.samples[quarter..][..length.round() as usize]
        .iter()
        .map(|&sample| f64::from(sample))
        .collect();
    let project = |phase: f64| -> f64 {
        let terms = middle.iter().enumerate();
        let sum: f64 =
            terms.map(|(i, sample)| sample * (TAU * i as f64 / period + phase).sin()).sum();
        2.0 * sum / middle.len() as f64
    };
    let (sine, cosine) = (project(0.0), project(TAU / 4.0));
    let amplitude = sine.hypot(cosine);
    let power = middle.iter().map(|sample| sample * sample).sum::<f64>() / middle.len() as f64;
    let signal = amplitude * amplitude / 2.0;
    (amplitude, 10.0 * (signal / (power - signal).max(1e-12)).log10())
}

#[test]
fn every_format_keeps_the_tone_its_rate_and_its_length() {
    // The mean of the channels. Priming and padding are cut off wherever the
    // container tells, to the sample.
    for (name, sample_rate, samples, amplitude) in [
        ("tone.mp3", 44_100, 22_050, 0.375),
        ("tone.ogg", 24_000, 12_000, 0.375),
        ("tone.opus", 48_000, 24_000, 0.375),
        ("speech.opus", 48_000, 24_000, 0.5),
        ("surround.opus", 48_000, 4_800, (3.0 * 0.5 + 2.0 * 0.25) / 6.0),
        ("tone.m4a", 32_000, 17_408, 0.375),
        ("tone.aac", 32_000, 17_408, 0.375),
        ("tone-alac.m4a", 22_050, 2_205, 0.375),
        ("tone24.flac", 16_000, 3_200, 0.375),
    ] {
        let audio = read(&data(name)).unwrap();
        assert_eq!((audio.sample_rate, audio.samples.len()), (sample_rate, samples), "{name}");
        let (found, snr) = tone(&audio);
        assert!((found - amplitude).abs() < 0.02, "{name}: amplitude {found}");
        assert!(snr > 12.0, "{name}: SNR {snr} dB");
    }
}

#[test]
fn the_content_decides_and_not_the_name() {
    let directory = tempfile::tempdir().unwrap();
    for (content, name) in [("tone.mp3", "a.wav"), ("tone24.flac", "b.mp3"), ("tone.ogg", "c")] {
        let path = directory.path().join(name);
        fs::write(&path, data(content)).unwrap();
        let expected = read(&data(content)).unwrap();
        assert_eq!(read_audio_file(&path, LIMITS).unwrap(), expected);
    }
}

/// A stream that refuses to seek.
struct Pipe(Cursor<Vec<u8>>);

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Seek for Pipe {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::NotSeekable.into())
    }
}

#[test]
fn pipes_are_read() {
    for name in ["tone.mp3", "tone.ogg", "tone.opus", "tone.aac", "tone24.flac"] {
        let expected = read(&data(name)).unwrap();
        let piped = read_audio(Pipe(Cursor::new(data(name))), LIMITS).unwrap();
        assert_eq!(piped, expected, "{name}");
    }
}

#[test]
fn a_stream_is_read_from_its_beginning_wherever_it_stands() {
    let audio = Audio { samples: vec![0.5; 100], sample_rate: 8_000 };
    for format in [AudioFormat::WavPcm16, AudioFormat::Flac] {
        let mut stream = Cursor::new(format.encode(&audio).unwrap());
        stream.set_position(50);
        let back = read_audio(stream, Limits { max_seconds: 1.0 }).unwrap();
        assert_eq!(back.samples.len(), 100, "{format}");
    }
}
