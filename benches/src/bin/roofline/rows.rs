//! Work and time of each stage, for one frame.

use serde::Serialize;
use tts_benches::work::{self, StageWork};
use tts_checkpoint::Checkpoint;
use tts_profiling::Stage;
use tts_profiling::record::Summary;

use crate::args::Args;
use crate::numbers::Numbers;
use crate::peaks::Peaks;

/// The codec is computed in f32.
const CODEC_BYTES: f64 = 4.0;

/// A stage or an operation in one.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) stage: &'static str,
    /// Bytes of weights and caches that a frame needs.
    pub(crate) bytes: f64,
    /// Floating-point operations of a frame.
    pub(crate) flops: f64,
    /// The least time that these take on this machine, in milliseconds.
    pub(crate) least_ms: f64,
    /// Measured, in milliseconds.
    pub(crate) ms: f64,
    pub(crate) gb_s: f64,
    pub(crate) gflop_s: f64,
    /// The least time by the measured one.
    pub(crate) share_of_roof: f64,
    /// Bytes and operations of its parts.
    pub(crate) ops: Vec<Op>,
}

/// An operation of a stage, over all layers.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Op {
    pub(crate) name: &'static str,
    pub(crate) bytes: f64,
    pub(crate) flops: f64,
    pub(crate) least_ms: f64,
}

impl Row {
    /// Whether reading takes longer than computing, at best.
    pub(crate) fn is_memory_bound(&self, peaks: &Peaks) -> bool {
        self.bytes / peaks.bandwidth_gb_s > self.flops / peaks.fma_gflop_s
    }
}

/// The stages of a frame that matter, in their order; a step of the talker sees `context` positions.
pub(crate) fn rows(
    checkpoint: &Checkpoint,
    summary: &Summary,
    peaks: &Peaks,
    numbers: &Numbers,
    context: usize,
    args: &Args,
) -> Vec<Row> {
    let talker = &checkpoint.config.talker_config;
    let frames = f64::from(args.frames * args.iterations);
    // An utterance is decoded by 25 frames at most; a pass reads the weights once.
    let at_once = args.frames.min(25) as usize;
    let codec = work::codec_decode(&checkpoint.codec.decoder_config, at_once);
    let bytes = |stage, op: &work::Op| match stage {
        Stage::Decode => op.work.bytes(CODEC_BYTES, CODEC_BYTES),
        _ => op.work.bytes(numbers.weight_bytes(stage, op.name), numbers.cache_bytes()),
    };
    [
        (Stage::CodePredictor, work::predictor_frame(talker), 1.0),
        (Stage::TalkerStep, work::talker_step(talker, context), 1.0),
        (Stage::Decode, codec, at_once as f64),
    ]
    .into_iter()
    .map(|(stage, work, frames_at_once)| {
        let found = summary.stages.iter().find(|row| row.stage == stage.name());
        let ms = found.map_or(0.0, |row| row.time.total_ms / frames);
        row(stage, &work, ms, peaks, |op| {
            (bytes(stage, op) / frames_at_once, op.work.flops() as f64 / frames_at_once)
        })
    })
    .collect()
}

/// `per_frame` gives the bytes and the operations of a part of the stage.
fn row(
    stage: Stage,
    work: &StageWork,
    ms: f64,
    peaks: &Peaks,
    per_frame: impl Fn(&work::Op) -> (f64, f64),
) -> Row {
    let ops: Vec<Op> = (work.ops.iter())
        .map(|op| {
            let (bytes, flops) = per_frame(op);
            Op { name: op.name, bytes, flops, least_ms: peaks.least_ms(bytes, flops) }
        })
        .collect();
    let (bytes, flops) = ops.iter().fold((0.0, 0.0), |(b, f), op| (b + op.bytes, f + op.flops));
    let least_ms = peaks.least_ms(bytes, flops);
    let rate = |amount: f64| if ms > 0.0 { amount / ms / 1e6 } else { 0.0 };
    Row {
        stage: stage.name(),
        bytes,
        flops,
        least_ms,
        ms,
        gb_s: rate(bytes),
        gflop_s: rate(flops),
        share_of_roof: if ms > 0.0 { least_ms / ms } else { 0.0 },
        ops,
    }
}
