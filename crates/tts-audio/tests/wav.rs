//! WAV files written, read, and refused.

use std::io::{self, Cursor, Read};
use std::path::Path;

use hound::{SampleFormat, WavSpec, WavWriter};
use tts_audio::{Audio, AudioError, Limits, encode_wav, read_wav, read_wav_file, write_wav_file};

const LIMITS: Limits = Limits { max_seconds: 60.0 };

fn ramp() -> Audio {
    Audio { samples: (-100..=100).map(|i| i as f32 / 100.0).collect(), sample_rate: 24_000 }
}

fn wav<S: hound::Sample + Copy>(
    channels: u16,
    bits_per_sample: u16,
    sample_format: SampleFormat,
    values: &[S],
) -> Vec<u8> {
    let spec = WavSpec { channels, sample_rate: 16_000, bits_per_sample, sample_format };
    let mut bytes = Vec::new();
    let mut writer = WavWriter::new(Cursor::new(&mut bytes), spec).unwrap();
    for &value in values {
        writer.write_sample(value).unwrap();
    }
    writer.finalize().unwrap();
    bytes
}

fn read(bytes: &[u8]) -> tts_audio::Result<Audio> {
    read_wav(bytes, LIMITS)
}

#[test]
fn the_header_is_that_of_mono_pcm16() {
    let audio = Audio { samples: vec![0.0, 1.0, -1.0], sample_rate: 24_000 };
    let mut expected = Vec::new();
    expected.extend(b"RIFF");
    expected.extend(42_u32.to_le_bytes()); // bytes that follow
    expected.extend(b"WAVEfmt ");
    expected.extend(16_u32.to_le_bytes()); // bytes of the format
    expected.extend(1_u16.to_le_bytes()); // PCM
    expected.extend(1_u16.to_le_bytes()); // channels
    expected.extend(24_000_u32.to_le_bytes()); // samples per second
    expected.extend(48_000_u32.to_le_bytes()); // bytes per second
    expected.extend(2_u16.to_le_bytes()); // bytes per frame
    expected.extend(16_u16.to_le_bytes()); // bits per sample
    expected.extend(b"data");
    expected.extend(6_u32.to_le_bytes()); // bytes of samples
    for sample in [0_i16, 32767, -32767] {
        expected.extend(sample.to_le_bytes());
    }
    assert_eq!(encode_wav(&audio).unwrap(), expected);
}

#[test]
fn what_is_written_is_read_back() {
    let audio = ramp();
    let back = read(&encode_wav(&audio).unwrap()).unwrap();
    assert_eq!(back.sample_rate, audio.sample_rate);
    assert_eq!(back.samples.len(), audio.samples.len());
    for (found, expected) in back.samples.iter().zip(&audio.samples) {
        assert!((found - expected).abs() < 1.6 / 32768.0);
    }
}

#[test]
fn empty_audio_is_a_valid_file() {
    let empty = Audio { samples: vec![], sample_rate: 24_000 };
    assert_eq!(read(&encode_wav(&empty).unwrap()).unwrap(), empty);
}

#[test]
fn every_integer_width_reaches_full_scale() {
    for bits in [8, 16, 24, 32] {
        let half = 1_i32 << (bits - 2);
        let lowest = i32::MIN >> (32 - bits);
        let bytes = wav(1, bits, SampleFormat::Int, &[0, half, -half, lowest]);
        let audio = read(&bytes).unwrap();
        assert_eq!(audio.samples, [0.0, 0.5, -0.5, -1.0], "{bits} bits");
        assert_eq!(audio.sample_rate, 16_000);
    }
}

#[test]
fn floats_are_kept() {
    let values = [0.0_f32, 0.1, -1.0, 1.5];
    let audio = read(&wav(1, 32, SampleFormat::Float, &values)).unwrap();
    assert_eq!(audio.samples, values);
}

#[test]
fn channels_are_averaged() {
    let bytes = wav(2, 16, SampleFormat::Int, &[16384_i16, 0, 8192, -8192]);
    assert_eq!(read(&bytes).unwrap().samples, [0.25, 0.0]);

    let loud = wav(3, 32, SampleFormat::Float, &[f32::MAX; 3]);
    assert_eq!(read(&loud).unwrap().samples, [f32::MAX]);
}

#[test]
fn samples_that_are_not_finite_are_refused() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut audio = ramp();
        audio.samples[7] = value;
        let index_of = |result| match result {
            Err(AudioError::NotFinite { index, .. }) => index,
            _ => usize::MAX,
        };
        assert_eq!(index_of(encode_wav(&audio).map(drop)), 7);

        let bytes = wav(1, 32, SampleFormat::Float, &audio.samples);
        assert_eq!(index_of(read(&bytes).map(drop)), 7);
    }
}

#[test]
fn nothing_is_created_for_audio_that_cannot_be_encoded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nan.wav");
    let audio = Audio { samples: vec![f32::NAN], sample_rate: 24_000 };
    assert!(write_wav_file(&audio, &path).is_err());
    assert!(!path.exists());
}

#[test]
fn absurd_sample_rates_are_refused() {
    let mut audio = ramp();
    for sample_rate in [0, u32::MAX] {
        audio.sample_rate = sample_rate;
        assert!(matches!(
            encode_wav(&audio),
            Err(AudioError::SampleRate { found }) if found == sample_rate
        ));
    }

    let mut bytes = encode_wav(&ramp()).unwrap();
    bytes[24..32].fill(0); // samples and bytes per second
    assert!(matches!(read(&bytes), Err(AudioError::SampleRate { found: 0 })));
}

#[test]
fn files_carry_their_path_in_errors() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audio.wav");
    assert!(matches!(
        read_wav_file(&path, LIMITS),
        Err(AudioError::Read { path: found, .. }) if found == path
    ));

    std::fs::write(&path, "text, not audio").unwrap();
    match read_wav_file(&path, LIMITS) {
        Err(AudioError::Content { path: found, source }) => {
            assert_eq!(found, path);
            assert!(matches!(*source, AudioError::NotWav { .. }));
        }
        other => panic!("expected a content error, found {other:?}"),
    }

    write_wav_file(&ramp(), &path).unwrap();
    assert_eq!(read_wav_file(&path, LIMITS).unwrap().samples.len(), ramp().samples.len());
    assert!(read_wav_file(Path::new("/"), LIMITS).is_err());
}

#[test]
fn long_files_are_refused_by_their_header() {
    let bytes = encode_wav(&ramp()).unwrap(); // 8.375 ms
    let within = |max_seconds| read_wav(bytes.as_slice(), Limits { max_seconds });
    assert!(within(0.0084).is_ok());
    for max_seconds in [0.0083, 0.0, -1.0, f64::NAN] {
        assert!(matches!(within(max_seconds), Err(AudioError::TooLong { .. })));
    }
}

#[test]
fn a_header_that_promises_too_much_is_a_truncated_file() {
    let mut bytes = encode_wav(&ramp()).unwrap();
    bytes[40..44].copy_from_slice(&0xffff_fffe_u32.to_le_bytes());
    let unlimited = Limits { max_seconds: f64::INFINITY };
    assert!(matches!(
        read_wav(bytes.as_slice(), unlimited),
        Err(AudioError::Truncated { expected: 0x7fff_ffff, found: 201 })
    ));
}

#[test]
fn every_truncation_is_noticed() {
    let bytes = encode_wav(&ramp()).unwrap();
    for length in 0..bytes.len() {
        match read(&bytes[..length]) {
            Err(AudioError::NotWav { .. }) => assert!(length < 44),
            Err(AudioError::Truncated { expected, found }) => {
                assert_eq!((expected, found), (201, (length - 44) / 2));
            }
            other => panic!("{length} bytes gave {other:?}"),
        }
    }
}

#[test]
fn a_failing_reader_is_not_a_truncated_file() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let bytes = encode_wav(&ramp()).unwrap();
    for length in [10, 100] {
        let result = read_wav(bytes[..length].chain(Failing), LIMITS);
        assert!(matches!(
            result,
            Err(AudioError::Stream(source)) if source.kind() == io::ErrorKind::ConnectionReset
        ));
    }
}

/// A small generator, good enough to make nonsense (Numerical Recipes).
struct Nonsense(u64);

impl Nonsense {
    fn next(&mut self) -> usize {
        let Self(state) = self;
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) as usize
    }
}

#[test]
fn nonsense_never_panics() {
    let valid = [
        encode_wav(&ramp()).unwrap(),
        wav(2, 24, SampleFormat::Int, &[1_i32; 20]),
        wav(3, 32, SampleFormat::Float, &[0.5_f32; 30]),
    ];
    let mut nonsense = Nonsense(1);
    for round in 0..30_000 {
        let mut bytes = valid[round % valid.len()].clone();
        for _ in 0..=nonsense.next() % 4 {
            let at = nonsense.next() % bytes.len().min(80);
            bytes[at] = nonsense.next() as u8;
        }
        let _ = read(&bytes);
    }
    for _ in 0..1000 {
        let length = nonsense.next() % 200;
        let bytes: Vec<u8> = (0..length).map(|_| nonsense.next() as u8).collect();
        assert!(read(&bytes).is_err());
    }
}
