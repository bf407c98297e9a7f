use std::cell::LazyCell;
use std::time::{Duration, Instant};

use candle_core::{DType, Device, Tensor};
use criterion::{BatchSize, Criterion, Throughput};
use tts_benches::work::{self, Work};
use tts_checkpoint::Checkpoint;
use tts_code_predictor::CodePredictor;
use tts_sampler::{DrawKey, DrawRow, SamplingParams};
use tts_talker::{Talker, TalkerState};

use crate::shapes::{Shapes, group};

/// Bytes of a weight in the compute type, f32.
const BYTES: f64 = 4.0;
/// Positions of a short prompt.
const PROMPT: usize = 25;
/// Positions of a sequence at its end: a few seconds of speech.
const CAPACITY: usize = 64;

fn weight_bytes(work: Work) -> Throughput {
    Throughput::BytesDecimal(work.weight_bytes(BYTES) as u64)
}

fn load_talker(checkpoint: &Checkpoint) -> Talker {
    let weights = checkpoint.model_weights(DType::F32, &Device::Cpu);
    Talker::load(&checkpoint.config.talker_config, &weights, None).unwrap()
}

/// A prompt of codec rows, `[PROMPT, hidden]`.
fn prompt(talker: &Talker) -> Tensor {
    let ids: Vec<u32> = (1..=PROMPT as u32).collect();
    talker.codec(&ids).unwrap()
}

/// A prompt of 25 positions.
pub(crate) fn prefill(criterion: &mut Criterion) {
    let mut group = group(criterion, "prefill by FLOP");
    for &shapes in Shapes::all() {
        let checkpoint = shapes.custom_voice();
        let work = work::prefill(&checkpoint.config.talker_config, PROMPT).total();
        let talker = LazyCell::new(|| load_talker(&checkpoint));
        shapes.tune(&mut group);
        group.throughput(Throughput::Elements(work.flops()));
        group.bench_function(shapes.name(), |bencher| {
            let prompt = prompt(&talker);
            bencher.iter_batched_ref(
                || talker.new_state(PROMPT).unwrap(),
                |state| talker.prefill(&prompt, 0, state).unwrap(),
                BatchSize::PerIteration,
            );
        });
    }
}

/// One position behind a prompt and what was said so far.
pub(crate) fn talker_step(criterion: &mut Criterion) {
    let mut group = group(criterion, "talker_step by bytes of weights");
    for &shapes in Shapes::all() {
        let checkpoint = shapes.custom_voice();
        let work = work::talker_step(&checkpoint.config.talker_config, CAPACITY).total();
        let talker = LazyCell::new(|| load_talker(&checkpoint));
        let mut state = None;
        shapes.tune(&mut group);
        group.throughput(weight_bytes(work));
        group.bench_function(shapes.name(), |bencher| {
            let work = talker.new_work(1).unwrap();
            talker.codec_into(&Tensor::new(&[7_u32], &Device::Cpu).unwrap(), work.input()).unwrap();
            let state = state.get_or_insert_with(|| prompted(&talker));
            bencher.iter_custom(|steps| {
                let mut spent = Duration::ZERO;
                for _ in 0..steps {
                    if state.position() == CAPACITY {
                        *state = prompted(&talker);
                    }
                    let started = Instant::now();
                    talker.step(&work, None, &mut [state]).unwrap();
                    spent += started.elapsed();
                }
                spent
            });
        });
    }
}

/// The state behind a prompt.
fn prompted(talker: &Talker) -> TalkerState {
    let mut state = talker.new_state(CAPACITY).unwrap();
    talker.prefill(&prompt(talker), 0, &mut state).unwrap();
    state
}

/// All codes of a frame but the first, drawn as by default.
pub(crate) fn code_predictor(criterion: &mut Criterion) {
    let mut group = group(criterion, "code_predictor by bytes of weights");
    for &shapes in Shapes::all() {
        let checkpoint = shapes.custom_voice();
        let config = &checkpoint.config.talker_config;
        let predictor = LazyCell::new(|| {
            let weights = checkpoint.model_weights(DType::F32, &Device::Cpu);
            CodePredictor::load(config, &weights, None).unwrap()
        });
        let row = Tensor::rand(-1_f32, 1.0, (1, config.hidden_size), &Device::Cpu).unwrap();
        let params = SamplingParams { temperature: 0.9, top_k: 50, ..SamplingParams::default() };
        shapes.tune(&mut group);
        group.throughput(weight_bytes(work::predictor_frame(config).total()));
        group.bench_function(shapes.name(), |bencher| {
            let mut work = predictor.new_work(1).unwrap();
            work.hidden().set(&row).unwrap();
            work.first().set(&row).unwrap();
            let key = DrawKey { seed: 1, request: 0, step: 0, codebook: 0 };
            work.begin(&[DrawRow { params: &params, history: None, key }]).unwrap();
            bencher.iter(|| predictor.frame(&mut work, &mut |_, _, _| Ok(())).unwrap());
        });
    }
}
