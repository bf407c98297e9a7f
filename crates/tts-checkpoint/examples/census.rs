//! Opens a model directory, or the embedded model, and prints its census.
//!
//! `cargo run -p tts-checkpoint --example census -- [MODEL_DIR]`

use tts_checkpoint::{Checkpoint, CheckpointError, ModelFiles};

fn main() -> Result<(), CheckpointError> {
    let files = match std::env::args_os().nth(1) {
        Some(path) => ModelFiles::directory(path)?,
        None => ModelFiles::Embedded(tts_fixture::FILES),
    };
    let checkpoint = Checkpoint::open(files)?;
    for (part, count) in &checkpoint.census.parts {
        println!("{:16} {:4} tensors {:12} values", part.name(), count.tensors, count.values);
    }
    println!("{} unknown tensors", checkpoint.census.unknown.len());
    Ok(())
}
