use std::f32::consts::TAU;
use std::hint::black_box;

use criterion::{Criterion, Throughput};
use tts_audio::{Audio, Resampler, encode_wav};

use crate::shapes::group;

/// Sample rates in Hz: of a common recording, and of the models.
const RECORDED: u32 = 48_000;
const MODEL: u32 = 24_000;

/// One second of a vowel.
pub(crate) fn speech(rate: u32) -> Vec<f32> {
    let sample = |i| {
        let turns = 120.0 * i as f32 / rate as f32;
        (1..=20_u8).map(|k| (TAU * f32::from(k) * turns).sin() / f32::from(k)).sum::<f32>() * 0.2
    };
    (0..rate).map(sample).collect()
}

/// One second from 48 to 24 kHz.
pub(crate) fn resample(criterion: &mut Criterion) {
    let mut group = group(criterion, "resample by samples read");
    let samples = speech(RECORDED);
    let resampler = Resampler::new(RECORDED, MODEL).unwrap();
    group.throughput(Throughput::Elements(samples.len() as u64));
    group.bench_function("48 to 24 kHz", |bencher| {
        bencher.iter(|| resampler.resample(black_box(&samples)).unwrap());
    });
}

/// One second as a 16-bit file in memory.
pub(crate) fn write_wav(criterion: &mut Criterion) {
    let mut group = group(criterion, "wav_write by samples");
    let audio = Audio { samples: speech(MODEL), sample_rate: MODEL };
    group.throughput(Throughput::Elements(audio.samples.len() as u64));
    group.bench_function("1 s", |bencher| {
        bencher.iter(|| encode_wav(black_box(&audio)).unwrap());
    });
}
