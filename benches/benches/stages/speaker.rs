use std::cell::LazyCell;
use std::hint::black_box;

use candle_core::{DType, Device};
use criterion::{BenchmarkId, Criterion, Throughput};
use tts_benches::work;
use tts_speaker::{MelFrontEnd, SpeakerEncoder};

use crate::audio::speech;
use crate::shapes::{Shapes, group};

/// Sample rate of all released speaker encoders in Hz, and their mel bands.
const RATE: u32 = 24_000;
const BANDS: usize = 128;
/// Samples between mel frames.
const HOP: usize = 256;

/// One second of audio to a log-mel spectrogram; the same in every model.
pub(crate) fn mel(criterion: &mut Criterion) {
    let mut group = group(criterion, "mel by samples");
    let samples = speech(RATE);
    let front_end = MelFrontEnd::new(RATE, BANDS);
    group.throughput(Throughput::Elements(samples.len() as u64));
    group.bench_function("1 s", |bencher| {
        bencher.iter(|| front_end.log_mel(black_box(&samples), &Device::Cpu).unwrap());
    });
}

/// One second of audio to an x-vector, the mel front-end included.
pub(crate) fn x_vector(criterion: &mut Criterion) {
    let mut group = group(criterion, "x_vector by FLOP");
    for &shapes in Shapes::all() {
        let checkpoint = shapes.base();
        let config = checkpoint.config.speaker_encoder_config.as_ref().unwrap();
        let encoder = LazyCell::new(|| {
            let weights = checkpoint.model_weights(DType::F32, &Device::Cpu);
            SpeakerEncoder::load(config, &weights).unwrap()
        });
        let samples = speech(config.sample_rate);
        let work = work::x_vector(config, samples.len() / HOP).total();
        shapes.tune(&mut group);
        group.throughput(Throughput::Elements(work.flops()));
        group.bench_function(BenchmarkId::new(shapes.name(), "1 s"), |bencher| {
            let encoder = &*encoder;
            bencher.iter(|| encoder.embed(black_box(&samples)).unwrap());
        });
    }
}
