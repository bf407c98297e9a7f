//! Times the stages of the engine, each on its own:
//! `cargo bench -p tts-benches --bench stages -- [PART OF A NAME]`.
//!
//! A group is named after its stage and what its throughput counts: bytes of
//! weights that are read where memory is the limit, floating-point operations where
//! arithmetic is. Rows are called `fixture` (`tts-fixture`) and `0.6b` (the
//! released shapes, with random weights; only when optimised and measured).

mod audio;
mod codec;
mod convolutions;
mod gpu;
mod kv_cache;
mod language_models;
mod packed;
mod sampling;
mod shapes;
mod speaker;
mod text;

use criterion::{criterion_group, criterion_main};

criterion_group!(
    stages,
    text::tokenizer,
    language_models::prefill,
    language_models::talker_step,
    language_models::code_predictor,
    packed::products,
    kv_cache::write,
    sampling::steps,
    sampling::pipeline,
    codec::decode,
    convolutions::convolutions,
    codec::encode,
    speaker::mel,
    speaker::x_vector,
    audio::resample,
    audio::write_wav,
    gpu::kernels,
);
criterion_main!(stages);
