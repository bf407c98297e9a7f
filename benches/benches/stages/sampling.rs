use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use tts_sampler::{DrawKey, History, Sampler, SamplingParams, TokenRules, philox4x32, process};

use crate::shapes::group;

/// Logits of the talker and of the code predictor.
const WIDTHS: [usize; 2] = [3072, 2048];
/// Logits that are codes; the rest are control tokens, one of which ends the speech.
const CODES: usize = 1024;
const END: u32 = 1030;
/// Tokens drawn before.
const DRAWN: u32 = 200;

/// Without a pattern, and spread about as widely as those of a trained model.
fn logits(width: usize) -> Vec<f32> {
    let value = |i| {
        let words = philox4x32([i, 0, 0, 0], [0; 2]);
        let sum: f64 = words.iter().map(|&word| f64::from(word) / f64::from(u32::MAX)).sum();
        (8.0 * (sum - 2.0)) as f32
    };
    (0..width as u32).map(value).collect()
}

fn history(width: usize) -> History {
    let mut history = History::new(width);
    for i in 0..DRAWN {
        history.push(i * 37 % CODES as u32).unwrap();
    }
    history
}

fn talker_rules(width: usize) -> TokenRules {
    TokenRules::talker(width, CODES, END)
}

const OFF: SamplingParams = SamplingParams {
    do_sample: true,
    temperature: 1.0,
    top_k: 0,
    top_p: 1.0,
    repetition_penalty: 1.0,
    min_new_tokens: 0,
};

/// Each step of the pipeline alone, on top of the copy of the logits and the checks
/// that all have in common.
pub(crate) fn steps(criterion: &mut Criterion) {
    let all = TokenRules::all as fn(usize) -> TokenRules;
    let steps = [
        ("none", OFF, all),
        ("penalty", SamplingParams { repetition_penalty: 1.05, ..OFF }, all),
        ("suppression", OFF, talker_rules),
        ("top_k", SamplingParams { top_k: 50, ..OFF }, all),
        ("top_p", SamplingParams { top_p: 0.9, ..OFF }, all),
    ];
    let mut group = group(criterion, "sampling steps by logits");
    for width in WIDTHS {
        let (logits, history) = (logits(width), history(width));
        group.throughput(Throughput::Elements(width as u64));
        for (name, params, rules) in &steps {
            let rules = rules(width);
            group.bench_function(BenchmarkId::new(*name, width), |bencher| {
                let mut scores = Vec::new();
                bencher.iter(|| {
                    process(black_box(&logits), params, &rules, &history, &mut scores).unwrap();
                });
            });
        }
    }
}

/// From logits to a token.
pub(crate) fn pipeline(criterion: &mut Criterion) {
    let default = SamplingParams { temperature: 0.9, top_k: 50, repetition_penalty: 1.05, ..OFF };
    let kinds = [
        ("greedy", SamplingParams { do_sample: false, ..default }),
        ("default", default),
        ("default and top_p", SamplingParams { top_p: 0.9, ..default }),
        ("top_p alone", SamplingParams { top_p: 0.9, ..OFF }),
    ];
    let mut group = group(criterion, "sampling pipeline by logits");
    for width in WIDTHS {
        let (logits, history) = (logits(width), history(width));
        let rules = talker_rules(width);
        group.throughput(Throughput::Elements(width as u64));
        for (name, params) in &kinds {
            group.bench_function(BenchmarkId::new(*name, width), |bencher| {
                let mut sampler = Sampler::new();
                let mut key = DrawKey { seed: 1, request: 0, step: 0, codebook: 0 };
                bencher.iter(|| {
                    key.step += 1;
                    sampler.sample(black_box(&logits), params, &rules, &history, key).unwrap()
                });
            });
        }
    }
}
