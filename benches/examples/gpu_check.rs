//! Compares what a GPU computes with what the CPU does: draws of random rows, then whole utterances.
//!
//!     cargo run --release -p tts-benches --features cuda --example gpu_check -- [ROWS] [DEVICE]
//!
//! Where `auto`, the default, finds no GPU its kernels are emulated, which is slow. Exits with 1 if
//! anything differs.

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device, Tensor};
use tts::{DeviceName, Model, ModelFiles, Precision, Request, SplitRule, Voice};
use tts_nn::Buffer;
use tts_sampler::{
    BatchSampler, Draw, DrawKey, DrawRow, History, Sampler, SamplingParams, TokenRules, philox4x32,
};

/// Rows of a launch.
const BATCH: usize = 16;
const VOCAB: usize = 3072;

fn main() -> Result<()> {
    let reference = load(&Device::Cpu, Precision::F32)?;
    let mut args = std::env::args().skip(1);
    let rows = args.next();
    let device = args.next().map_or(Ok(DeviceName::Auto), |name| name.parse())?.open()?;
    let rows = match rows {
        Some(rows) => rows.parse().context("a number of rows")?,
        None if device.is_cpu() => 64,
        None => 100_000,
    };
    // Attention looks at more than one run of 128 positions in the longest.
    let (batches, reads, longest): (&[usize], &[usize], usize) =
        if device.is_cpu() { (&[2], &[4], 4) } else { (&[1, 2, 5, 8, 64], &[1, 4, 16], 300) };
    let requests = requests(&reference, batches.last().copied().unwrap_or(1), longest);
    let expected = frames(&reference, &requests)?;
    if device.is_cpu() {
        tts_nn::emulate_gpu();
        println!("no GPU: its kernels are emulated");
    }
    check_draws(&device, rows)?;
    println!("draws: {rows} rows are those of the CPU");
    for precision in [Precision::F32, Precision::Bf16, Precision::Q8, Precision::Fp8] {
        let model = load(&device, precision)?;
        let told = frames(&model, &with(&requests, Some(false), 1))?;
        for &batch in batches {
            for &frames_per_read in reads {
                let repeated = with(&requests[..batch], Some(true), frames_per_read);
                ensure!(
                    frames(&model, &repeated)? == told[..batch],
                    "other codes in {precision} from frames that are repeated as graphs, \
                     {batch} at once, {frames_per_read} a read"
                );
            }
        }
        let count = expected.iter().map(Vec::len).sum::<usize>();
        let pairs = told.iter().flatten().zip(expected.iter().flatten());
        let same = pairs.filter(|(found, expected)| found == expected).count();
        println!("{precision}: {same} of {count} frames are those of f32 on the CPU");
        ensure!(precision != Precision::F32 || told == expected, "other codes in f32");
    }
    Ok(())
}

/// A small model with random weights.
fn load(device: &Device, precision: Precision) -> Result<Model> {
    let files = ModelFiles::Embedded(tts_fixture::FILES);
    Ok(Model::load_with(files, device, precision, SplitRule::default())?)
}

/// Of different lengths, the first the longest.
fn requests(model: &Model, count: usize, longest: usize) -> Vec<Request> {
    let request = |index: usize| {
        let text = ["One.", "Three words more.", "Of some other length."][index % 3];
        let mut request = model.request(text, Voice::Speaker("ryan".to_owned()));
        request.options.max_new_tokens = if index == 0 { longest } else { 3 + index % 5 };
        request.options.seed = 7 + index as u64;
        request.options.talker.do_sample = index > 0;
        request.options.predictor.do_sample = index > 0;
        request
    };
    (0..count).map(request).collect()
}

fn with(requests: &[Request], graphs: Option<bool>, frames_per_read: usize) -> Vec<Request> {
    let mut requests = requests.to_vec();
    for request in &mut requests {
        (request.options.graphs, request.options.frames_per_read) = (graphs, Some(frames_per_read));
    }
    requests
}

fn frames(model: &Model, requests: &[Request]) -> Result<Vec<Vec<Vec<u32>>>> {
    let utterances = model.speak_batch(requests)?;
    Ok(utterances.into_iter().map(|utterance| utterance.frames).collect())
}

fn check_draws(device: &Device, rows: usize) -> Result<()> {
    let rules = TokenRules::talker(VOCAB, 2048, 2150);
    let params = [
        SamplingParams { temperature: 0.9, top_k: 50, ..SamplingParams::default() },
        SamplingParams { top_p: 0.8, repetition_penalty: 1.05, ..SamplingParams::default() },
        SamplingParams { do_sample: false, ..SamplingParams::default() },
    ];
    let mut history = History::new(VOCAB);
    (0..9).try_for_each(|token| history.push(token * 200))?;
    let mut sampler = Sampler::new();
    let mut on_gpu = BatchSampler::new(&rules, BATCH, device)?;
    for launch in 0..rows.div_ceil(BATCH) {
        let value = |i: usize| {
            let [bits, ..] = philox4x32([i as u32, launch as u32, 0, 0], [1, 2]);
            // Some are equal.
            (bits >> 20) as f32 / 256.0 - 8.0
        };
        let logits: Vec<f32> = (0..BATCH * VOCAB).map(value).collect();
        let row = |row: usize| DrawRow {
            params: &params[row % params.len()],
            history: Some(&history),
            key: DrawKey { seed: 9, request: row as u32, step: launch as u32, codebook: 0 },
        };
        let of_rows: Vec<DrawRow<'_>> = (0..BATCH).map(row).collect();
        let words = Buffer::zeros((Draw::WORDS, BATCH), DType::U32, device)?;
        let on_device = Tensor::from_slice(&logits, (BATCH, VOCAB), device)?;
        on_gpu.begin(&of_rows)?;
        on_gpu.draw_into(&on_device, 0, true, &words)?;
        let words = words.to_vec2::<u32>()?;
        for (index, (row, logits)) in of_rows.iter().zip(logits.chunks(VOCAB)).enumerate() {
            let found = Draw::from_words([0, 1, 2].map(|word: usize| words[word][index]))?;
            let expected = sampler.sample(logits, row.params, &rules, &history, row.key)?;
            ensure!(
                (found.token, found.eos_rank) == (expected.token, expected.eos_rank),
                "launch {launch}, row {index}: {found:?} instead of {expected:?}"
            );
        }
    }
    Ok(())
}
