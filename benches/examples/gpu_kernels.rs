//! Times the kernels of a GPU, each on its own, in the shapes of the released 0.6B model, and what
//! share of the speed of a copy each reads its memory with.
//!
//!     cargo run --release -p tts-benches --features cuda --example gpu_kernels -- [FILE.json]

use anyhow::{Context, Result};
use tts::DeviceName;
use tts_benches::gpu_kernels::{Case, Sizes, Timed, each_case};

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
    let mut timed: Vec<Timed> = Vec::new();
    println!("{:58} {:>10} {:>9} {:>8} {:>6}", "", "bytes", "us", "GB/s", "copy");
    let run = |case: Case| {
        let case = case.time(&device, REPETITIONS)?;
        let best = timed.first().unwrap_or(&case).gb_per_second;
        let Timed { name, bytes, microseconds, gb_per_second, is_cold } = &case;
        let share = format!("{:.0}%", 100.0 * gb_per_second / best);
        let share = if *is_cold { share.as_str() } else { "cached" };
        println!("{name:58} {bytes:10} {microseconds:9.2} {gb_per_second:8.1} {share:>6}");
        timed.push(case);
        Ok(())
    };
    each_case(&device, &Sizes::REAL_06B, run)?;
    if let Some(file) = file {
        let text = serde_json::to_string_pretty(&timed)? + "\n";
        std::fs::write(&file, text).with_context(|| format!("cannot write {file}"))?;
    }
    Ok(())
}
