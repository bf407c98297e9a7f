use std::cell::LazyCell;
use std::hint::black_box;

use candle_core::Device;
use criterion::{BenchmarkId, Criterion, Throughput};
use tts_benches::work;
use tts_checkpoint::CodecDecoderConfig;
use tts_codec_decoder::CodecDecoder;
use tts_codec_encoder::CodecEncoder;

use crate::audio::speech;
use crate::shapes::{Shapes, group};

/// Frames of a push: one, a small chunk of a stream, two seconds.
const PUSHES: [usize; 3] = [1, 4, 25];

/// Frames of codes, every push the continuation of the ones before.
pub(crate) fn decode(criterion: &mut Criterion) {
    let mut group = group(criterion, "codec_decode by FLOP");
    for &shapes in Shapes::all() {
        let checkpoint = shapes.custom_voice();
        let config = &checkpoint.codec.decoder_config;
        let codec = LazyCell::new(|| {
            CodecDecoder::load(&checkpoint.codec, &checkpoint.codec_weights(&Device::Cpu)).unwrap()
        });
        shapes.tune(&mut group);
        let mut state = None;
        for count in PUSHES {
            let frames = frames_of(config, count);
            let work = work::codec_decode(config, count).total();
            group.throughput(Throughput::Elements(work.flops()));
            let id = BenchmarkId::new(shapes.name(), format!("{count} frames"));
            group.bench_function(id, |bencher| {
                let state = state.get_or_insert_with(|| {
                    let mut state = codec.new_state().unwrap();
                    // So that the window of the attention is full.
                    codec.push(&frames_of(config, config.sliding_window), &mut state).unwrap();
                    state
                });
                bencher.iter(|| codec.push(black_box(&frames), state).unwrap());
            });
        }
    }
}

fn frames_of(config: &CodecDecoderConfig, count: usize) -> Vec<Vec<u32>> {
    let code = |frame: usize, book: usize| ((frame * 7 + book * 3) % config.codebook_size) as u32;
    (0..count)
        .map(|frame| (0..config.num_quantizers).map(|book| code(frame, book)).collect())
        .collect()
}

/// One second of audio to codes.
pub(crate) fn encode(criterion: &mut Criterion) {
    let mut group = group(criterion, "codec_encode by FLOP");
    for &shapes in Shapes::all() {
        let checkpoint = shapes.custom_voice();
        let codec = LazyCell::new(|| {
            CodecEncoder::load(&checkpoint.codec, &checkpoint.codec_weights(&Device::Cpu)).unwrap()
        });
        let rate = checkpoint.codec.input_sample_rate;
        let samples = speech(rate);
        let frames = samples.len().div_ceil(checkpoint.codec.encode_downsample_rate);
        shapes.tune(&mut group);
        let work = work::codec_encode(&checkpoint.codec, frames).total();
        group.throughput(Throughput::Elements(work.flops()));
        group.bench_function(BenchmarkId::new(shapes.name(), "1 s"), |bencher| {
            let codec = &*codec;
            bencher.iter(|| codec.encode(black_box(&samples)).unwrap());
        });
    }
}
