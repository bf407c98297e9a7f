//! Prints the span names and marks a small loop with them.

use tts_profiling::{Stage, SyncClass, frame_span, gpu_sync, stage_span};

fn main() {
    for stage in Stage::ALL {
        println!("{}", stage.name());
    }
    let _generate = stage_span!(Stage::GenerateFrames);
    for frame in 0..3_usize {
        let _sampling = frame_span!(Stage::Sampling, frame);
        let _top_k = stage_span!(Stage::TopK);
        gpu_sync!("example.token", SyncClass::PerFrame);
    }
}
