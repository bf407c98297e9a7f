//! How long a model takes to load, again and again: `load_time MODEL [COUNT]`, a directory or a
//! file of `tts quantize`.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use candle_core::Device;
use tts::{Model, ModelFiles, Precision, SplitRule};

fn main() -> anyhow::Result<()> {
    // SAFETY: this is the main thread, and it has started no other one.
    unsafe { tts::fix_threads(None) };
    let mut arguments = std::env::args_os().skip(1);
    let files = match arguments.next() {
        Some(path) => ModelFiles::open(PathBuf::from(path))?,
        None => ModelFiles::Embedded(tts_demo_voice::FILES),
    };
    let count = match arguments.next() {
        Some(count) => count.to_string_lossy().parse().context("COUNT is a number")?,
        None => 5,
    };
    let precision = Precision::of(&files, &Device::Cpu)?;
    for _ in 0..count {
        let started = Instant::now();
        let model = Model::load_with(files.clone(), &Device::Cpu, precision, SplitRule::default())?;
        let spent = started.elapsed().as_secs_f64();
        println!("{spent:.3} s, {} tensors, {precision}", model.census().total().tensors);
    }
    Ok(())
}
