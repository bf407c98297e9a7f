//! Writes a CustomVoice model with random weights in the shapes of a released one:
//!
//!     cargo run --release -p tts-benches --example random_model -- DIRECTORY [0.6b|1.7b]

use std::path::PathBuf;

use anyhow::{Context, bail};
use tts_benches::random_model::{RandomModel, SPEAKING};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let directory = PathBuf::from(arguments.next().context("expected a directory")?);
    let model = match arguments.next().as_ref().and_then(|size| size.to_str()) {
        None | Some("0.6b") => RandomModel::real_06b(&SPEAKING)?,
        Some("1.7b") => RandomModel::real_17b(&SPEAKING)?,
        Some(size) => bail!("a model of {size}, expected 0.6b or 1.7b"),
    };
    model.write_to(&directory).with_context(|| format!("cannot write {}", directory.display()))?;
    println!("{}", directory.display());
    Ok(())
}
