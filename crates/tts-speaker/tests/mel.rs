//! The mel front-end against numbers of the official package.

use std::f64::consts::TAU;

use candle_core::{Device, Tensor};
use tts_speaker::{MelFrontEnd, SpeakerError};

const RATE: u32 = 24_000;
const BANDS: usize = 128;
const SILENCE: f32 = -11.512_925;

fn front_end() -> MelFrontEnd {
    MelFrontEnd::new(RATE, BANDS)
}

fn log_mel(samples: &[f32]) -> Vec<Vec<f32>> {
    front_end().log_mel(samples, &Device::Cpu).unwrap().to_vec2().unwrap()
}

fn tone(hz: f64, samples: usize) -> Vec<f32> {
    let turns = |i: usize| i as f64 * hz / f64::from(RATE);
    (0..samples).map(|i| (0.5 * (TAU * turns(i)).sin()) as f32).collect()
}

#[track_caller]
fn assert_close(actual: f64, expected: f64, bound: f64) {
    assert!((actual - expected).abs() <= bound, "{actual}, expected {expected}");
}

#[test]
fn the_filterbank_has_the_published_weights() {
    let filters: Tensor = front_end().filterbank(&Device::Cpu).unwrap();
    assert_eq!(filters.dims(), [BANDS, 513]);
    let filters: Vec<Vec<f32>> = filters.to_vec2().unwrap();
    let sum: f64 = filters.iter().flatten().map(|&w| f64::from(w)).sum();
    assert_close(sum, 5.45942, 1e-5);
    let largest = filters.iter().flatten().copied().fold(0.0, f32::max);
    assert_eq!(largest, filters[7][9]);

    let non_zero =
        |band: usize| -> Vec<usize> { (0..513).filter(|&bin| filters[band][bin] > 0.0).collect() };
    assert_eq!(non_zero(0), [1, 2]);
    assert_eq!(non_zero(64), [88, 89, 90, 91]);
    assert_eq!(non_zero(127), (485..512).collect::<Vec<_>>());
    for (band, bin, weight) in [
        (7, 9, 0.037_109_07),
        (0, 1, 0.033_550_43),
        (0, 2, 0.008_569_083),
        (64, 88, 0.006_831_432),
        (64, 89, 0.014_103_5),
        (64, 90, 0.013_717_17),
        (64, 91, 0.006_640_64),
        (127, 485, 3.851_603e-5),
        (127, 486, 2.729_994e-4),
    ] {
        assert_close(filters[band][bin].into(), weight, 1e-8);
    }
}

#[test]
fn filters_beyond_the_spectrum_are_empty() {
    let filters = MelFrontEnd::new(8_000, 40).filterbank(&Device::Cpu).unwrap();
    let filters: Vec<Vec<f32>> = filters.to_vec2().unwrap();
    assert!(filters[0].iter().any(|&w| w > 0.0));
    assert!(filters[39].iter().all(|&w| w == 0.0));
}

#[test]
fn a_tone_has_the_mel_of_the_official_package() {
    let mel = log_mel(&tone(440.0, 24_000));
    assert_eq!((mel.len(), mel[0].len()), (BANDS, 93));
    let mean = mel.iter().flatten().map(|&v| f64::from(v)).sum::<f64>() / (BANDS * 93) as f64;
    assert_close(mean, -9.616_104, 1e-5);
    let largest = |band: &Vec<f32>| band.iter().copied().fold(f32::MIN, f32::max);
    assert_close(largest(&mel[16]).into(), 1.482_786, 1e-5);
    assert!(mel.iter().all(|band| largest(band) <= largest(&mel[16])));
    for (band, frame, value) in [
        (0, 0, -1.160_119),
        (14, 46, -0.968_664),
        (15, 46, 1.347_070),
        (60, 46, -11.512_925),
        (127, 92, -7.872_262),
    ] {
        // The official package computes in f32.
        assert_close(mel[band][frame].into(), value, 5e-5);
    }
}

#[test]
fn a_frame_per_256_samples() {
    for (samples, frames) in
        [(385, 1), (511, 1), (512, 2), (768, 3), (769, 3), (24_000, 93), (24_064, 94)]
    {
        assert_eq!(log_mel(&tone(440.0, samples))[0].len(), frames, "{samples} samples");
    }
}

#[test]
fn silence_is_the_floor_everywhere() {
    assert!(log_mel(&[0.0; 2_400]).iter().flatten().all(|&v| v == SILENCE));
}

#[test]
fn every_value_equals_the_textbook_transform() {
    let front_end = front_end();
    let filters: Vec<Vec<f32>> = front_end.filterbank(&Device::Cpu).unwrap().to_vec2().unwrap();
    // A sweep, so that no two frames are alike.
    let signal: Vec<f32> =
        (0..1_000).map(|i| (0.3 * (f64::from(i) * f64::from(i) * 1e-3).sin()) as f32).collect();
    let mirrored = |at: usize| {
        let at = at.abs_diff(384);
        f64::from(signal[if at < 1_000 { at } else { 1_998 - at }])
    };
    for (frame, mel) in transposed(&log_mel(&signal)).iter().enumerate() {
        let magnitudes: Vec<f64> = (0..513)
            .map(|bin| {
                let (mut re, mut im) = (0.0, 0.0);
                for i in 0..1024 {
                    let window = 0.5 - 0.5 * (TAU * i as f64 / 1024.0).cos();
                    let (sin, cos) = (TAU * (bin * i % 1024) as f64 / 1024.0).sin_cos();
                    let sample = mirrored(256 * frame + i) * window;
                    re += sample * cos;
                    im += sample * sin;
                }
                (re * re + im * im + 1e-9).sqrt()
            })
            .collect();
        for (filter, &value) in filters.iter().zip(mel) {
            let sum: f64 = filter.iter().zip(&magnitudes).map(|(&w, m)| f64::from(w) * m).sum();
            assert_close(value.into(), sum.max(1e-5).ln(), 2e-6);
        }
    }
}

fn transposed(rows: &[Vec<f32>]) -> Vec<Vec<f32>> {
    (0..rows[0].len()).map(|column| rows.iter().map(|row| row[column]).collect()).collect()
}

#[test]
fn too_few_samples_are_refused() {
    for found in [0, 1, 256, 384] {
        match front_end().log_mel(&vec![0.1; found], &Device::Cpu) {
            Err(SpeakerError::TooShort { found: f, needed: 385 }) => assert_eq!(f, found),
            other => panic!("{found} samples: {other:?}"),
        }
    }
}

#[test]
fn samples_that_are_not_finite_are_refused() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut samples = vec![0.1; 1_000];
        samples[700] = value;
        match front_end().log_mel(&samples, &Device::Cpu) {
            Err(SpeakerError::NotFinite { index: 700, .. }) => {}
            other => panic!("{value}: {other:?}"),
        }
    }
}

#[test]
fn the_largest_samples_do_not_overflow() {
    let mel = log_mel(&[f32::MAX; 1_000]);
    assert!(mel.iter().flatten().all(|v| v.is_finite()));
}
