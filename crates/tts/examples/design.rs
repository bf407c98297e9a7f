//! Speaks with a voice that is described in words.
//!
//! `cargo run -p tts --example design -- MODEL_DIR`; without a directory, a tiny model
//! with random weights.

use std::error::Error;

use candle_core::Device;
use tts::Model;

const FIXTURE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/checkpoints/voice_design_a");

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| FIXTURE.to_owned());
    let model = Model::from_pretrained(path, &Device::Cpu)?;
    let mut options = model.default_options();
    options.max_new_tokens = 20;
    let description = "A calm old man with a deep voice.";
    let spoken = model.design("Good evening.", description, "english", Some(options))?;
    println!("{:.2} s, {}", spoken.audio.duration_secs(), spoken.finish.name());
    Ok(())
}
