//! Times the kernels of a GPU, each on its own, in the shapes of the released 0.6B model, and what
//! share of the speed of a copy each reads its memory with.
//!
//!     cargo run --release -p tts-benches --features cuda --example gpu_kernels -- [FILE.json]

use anyhow::{Context, Result};
use tts::DeviceName;
use tts_benches::gpu_kernels::{Sizes, Timed, cases};

const REPETITIONS: usize = 20;

fn main() -> Result<()> {
    let file = std::env::args().nth(1);
    let device = match DeviceName::Cuda(0).open() {
        Ok(device) => device,
        Err(error) => {
            println!("nothing to time: {error}");
            return Ok(());
        }
    };
    let cases = cases(&device, &Sizes::REAL_06B)?;
    let timed = cases.into_iter().map(|case| case.time(&device, REPETITIONS));
    let timed: Vec<Timed> = timed.collect::<Result<_>>()?;
    let best = timed.first().context("a copy")?.gb_per_second;
    println!("{:52} {:>10} {:>9} {:>8} {:>6}", "", "bytes", "us", "GB/s", "copy");
    for Timed { name, bytes, microseconds, gb_per_second } in &timed {
        let share = 100.0 * gb_per_second / best;
        println!("{name:52} {bytes:10} {microseconds:9.2} {gb_per_second:8.1} {share:5.0}%");
    }
    if let Some(file) = file {
        let text = serde_json::to_string_pretty(&timed)? + "\n";
        std::fs::write(&file, text).with_context(|| format!("cannot write {file}"))?;
    }
    Ok(())
}
