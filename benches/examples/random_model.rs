//! Writes a CustomVoice model with random weights in the shapes of a released one; without a
//! directory it says what there would be in it:
//!
//!     cargo run --release -p tts-benches --example random_model -- [DIRECTORY] [0.6b|1.7b]

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use tts_benches::random_model::{RandomModel, SPEAKING};
use tts_checkpoint::{Checkpoint, Part};

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let Some(directory) = arguments.next().map(PathBuf::from) else {
        for size in ["0.6b", "1.7b"] {
            let total = Checkpoint::open(model(size, &[])?.files())?.census.total();
            println!("{size}: {} tensors, {:.2} GB", total.tensors, total.bytes as f64 / 1e9);
        }
        return Ok(());
    };
    let size =
        arguments.next().map_or_else(|| "0.6b".into(), |size| size.to_string_lossy().into_owned());
    let written = model(&size, &SPEAKING)?.write_to(&directory);
    written.with_context(|| format!("cannot write {}", directory.display()))?;
    println!("{}", directory.display());
    Ok(())
}

/// `parts` get random weights, the others zeros.
fn model(size: &str, parts: &[Part]) -> Result<RandomModel> {
    match size {
        "0.6b" => RandomModel::real_06b(parts),
        "1.7b" => RandomModel::real_17b(parts),
        _ => bail!("a model of {size}, expected 0.6b or 1.7b"),
    }
}
