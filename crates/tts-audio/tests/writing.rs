//! Audio files written, and read back.

mod files;

use std::fs;
use std::io::Cursor;
use std::path::Path;

use files::{Nonsense, read};
use hound::WavReader;
use tts_audio::{
    Audio, AudioError, AudioFormat, encode_wav, read_audio_file, write_audio_file, write_wav_file,
};

fn ramp() -> Audio {
    Audio { samples: (-100..=100).map(|i| i as f32 / 100.0).collect(), sample_rate: 24_000 }
}

fn noise(count: usize) -> Audio {
    let mut nonsense = Nonsense(count as u64);
    let samples = (0..count).map(|_| nonsense.next() as f32 / (1_u64 << 30) as f32 - 1.0);
    Audio { samples: samples.collect(), sample_rate: 44_100 }
}

fn integers(audio: &Audio) -> Vec<i16> {
    let scaled = audio.samples.iter().map(|sample| (sample.clamp(-1.0, 1.0) * 32767.0).round());
    scaled.map(|value| value as i16).collect()
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
fn floats_come_back_as_they_were() {
    let mut audio = ramp();
    audio.samples.extend([1.5, -3.0, 1e-30, f32::MIN_POSITIVE]);
    let bytes = AudioFormat::WavF32.encode(&audio).unwrap();
    assert_eq!(read(&bytes).unwrap(), audio);
}

#[test]
fn flac_holds_the_same_integers_as_wav_at_every_length() {
    for count in [1, 2, 15, 16, 17, 100, 4095, 4096, 4097, 8200, 20_000] {
        for audio in [noise(count), Audio { samples: vec![0.5; count], sample_rate: 8_000 }] {
            let flac = read(&AudioFormat::Flac.encode(&audio).unwrap()).unwrap();
            assert_eq!(flac, read(&encode_wav(&audio).unwrap()).unwrap(), "{count} samples");
            let found: Vec<i16> = flac.samples.iter().map(|x| (x * 32768.0) as i16).collect();
            assert_eq!(found, integers(&audio), "{count} samples");
        }
    }
}

#[test]
fn flac_is_smaller_than_wav() {
    let samples = (0..48_000).map(|i| 0.5 * (i as f32 * 0.05).sin()).collect();
    let tone = Audio { samples, sample_rate: 24_000 };
    let flac = AudioFormat::Flac.encode(&tone).unwrap();
    assert!(2 * flac.len() < encode_wav(&tone).unwrap().len());
}

#[test]
fn flac_refuses_sample_rates_of_its_encoder() {
    for (sample_rate, is_possible) in
        [(100, true), (12_345, true), (96_000, true), (192_000, false)]
    {
        let audio = Audio { samples: vec![0.0; 100], sample_rate };
        match AudioFormat::Flac.encode(&audio) {
            Ok(bytes) => assert!(is_possible && read(&bytes).is_ok()),
            Err(AudioError::Flac { .. }) => assert!(!is_possible),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn raw_pcm_is_little_endian_and_bare() {
    let audio = Audio { samples: vec![0.0, 1.0, -2.0], sample_rate: 24_000 };
    assert_eq!(AudioFormat::PcmS16.encode(&audio).unwrap(), [0, 0, 0xff, 0x7f, 0x01, 0x80]);
    let floats = AudioFormat::PcmF32.encode(&audio).unwrap();
    assert_eq!(floats, [0_f32, 1.0, -2.0].map(f32::to_le_bytes).concat());
}

#[test]
fn another_reader_understands_the_wav_files() {
    let audio = ramp();
    let bytes = encode_wav(&audio).unwrap();
    let samples = WavReader::new(Cursor::new(bytes)).unwrap().into_samples::<i16>();
    assert_eq!(samples.map(Result::unwrap).collect::<Vec<_>>(), integers(&audio));
    let bytes = AudioFormat::WavF32.encode(&audio).unwrap();
    let samples = WavReader::new(Cursor::new(bytes)).unwrap().into_samples::<f32>();
    assert_eq!(samples.map(Result::unwrap).collect::<Vec<_>>(), audio.samples);
}

#[test]
fn formats_are_guessed_from_extensions() {
    for (name, format) in [
        ("a.wav", Some(AudioFormat::WavPcm16)),
        ("a.b/c.WAVE", Some(AudioFormat::WavPcm16)),
        ("a.Flac", Some(AudioFormat::Flac)),
        ("a.pcm", Some(AudioFormat::PcmS16)),
        ("a.raw", Some(AudioFormat::PcmS16)),
        ("a.s16le", Some(AudioFormat::PcmS16)),
        ("a.f32", Some(AudioFormat::PcmF32)),
        ("a.mp3", None),
        ("wav", None),
        (".wav", None),
        ("", None),
    ] {
        assert_eq!(AudioFormat::from_path(name), format, "{name}");
    }
}

#[test]
fn every_format_is_written_to_a_file() {
    let directory = tempfile::tempdir().unwrap();
    for format in AudioFormat::ALL {
        let path = directory.path().join(format.name());
        write_audio_file(&ramp(), &path, format).unwrap();
        assert_eq!(fs::read(&path).unwrap(), format.encode(&ramp()).unwrap(), "{format}");
    }
    let path = directory.path().join("a.wav");
    write_wav_file(&ramp(), &path).unwrap();
    assert_eq!(read_audio_file(&path, files::LIMITS).unwrap().samples.len(), 201);
}

#[test]
fn nothing_is_created_for_audio_that_cannot_be_encoded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audio");
    let not_finite = Audio { samples: vec![0.0, f32::NAN], sample_rate: 24_000 };
    for format in AudioFormat::ALL {
        assert!(matches!(
            write_audio_file(&not_finite, &path, format),
            Err(AudioError::NotFinite { index: 1, .. })
        ));
        for sample_rate in [0, u32::MAX] {
            let absurd = Audio { samples: vec![0.0], sample_rate };
            assert!(matches!(
                write_audio_file(&absurd, &path, format),
                Err(AudioError::SampleRate { found }) if found == sample_rate
            ));
        }
    }
    assert!(!Path::new(&path).exists());
}

#[test]
fn no_samples_make_a_valid_file() {
    let empty = Audio { samples: vec![], sample_rate: 24_000 };
    for format in AudioFormat::ALL {
        assert!(format.encode(&empty).is_ok(), "{format}");
    }
    assert_eq!(WavReader::new(Cursor::new(encode_wav(&empty).unwrap())).unwrap().len(), 0);
}
