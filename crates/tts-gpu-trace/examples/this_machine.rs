//! What can be known of the GPUs of this machine:
//! `cargo run -p tts-gpu-trace --example this_machine`.

use std::time::{Duration, Instant};

use tts_gpu_trace::{Counters, Kernels};

fn main() {
    let epoch = Instant::now();
    match Kernels::start(epoch) {
        Ok(kernels) => println!("kernels: recorded ({} so far)", kernels.take().work.len()),
        Err(error) => println!("kernels: {error}"),
    }
    match Counters::start(epoch, Duration::from_millis(50)) {
        Ok(counters) => {
            for sample in counters.take() {
                println!("GPU {}: {} is {}", sample.gpu, sample.counter.name(), sample.value);
            }
        }
        Err(error) => println!("counters: {error}"),
    }
}
