//! What recording costs: `cargo bench -p tts-profiling --features record`.

use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tracing_subscriber::layer::SubscriberExt;
use tts_profiling::record::record;
use tts_profiling::{Stage, SyncClass, frame_span, gpu_sync, stage_span};

/// Frames in one recording.
const FRAMES: usize = 25;

/// What a frame records: its spans, and the mark of its read.
fn frame(frame: usize) {
    drop(frame_span!(Stage::CodePredictor, frame));
    drop(frame_span!(Stage::TalkerStep, frame));
    let _span = frame_span!(Stage::Sampling, frame);
    drop(stage_span!(Stage::TopK));
    drop(stage_span!(Stage::TopP));
    gpu_sync!("generate.frame", SyncClass::PerFrame);
}

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("record");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    group.bench_function(format!("{FRAMES} frames"), |bencher| {
        bencher.iter_batched(
            || tracing::Dispatch::new(tracing_subscriber::registry().with(record().0)),
            |subscriber| {
                tracing::dispatcher::with_default(&subscriber, || (0..FRAMES).for_each(frame));
                subscriber
            },
            BatchSize::PerIteration,
        );
    });
}

criterion_group!(benches, frames);
criterion_main!(benches);
