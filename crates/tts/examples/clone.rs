//! Takes a voice from a recording, keeps it, and speaks with it.
//!
//! `cargo run -p tts --example clone -- MODEL_DIR RECORDING TRANSCRIPT`; without
//! arguments, a tiny model with random weights and a buzz.

use std::error::Error;
use std::sync::Arc;

use candle_core::Device;
use tts::{Audio, Model, ReferenceOptions, Voice, VoicePrompt};
use tts_audio::{Limits, read_audio_file};

const FIXTURE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/checkpoints/base_b");

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (path, audio, transcript) = match arguments.as_slice() {
        [path, recording, transcript] => {
            let limits = Limits { max_seconds: 120.0 };
            (path.as_str(), read_audio_file(recording, limits)?, transcript.as_str())
        }
        _ => (FIXTURE, buzz(), "What is said in it."),
    };
    let model = Model::from_pretrained(path, &Device::Cpu)?;
    let (prompt, warnings) =
        model.voice_prompt(&audio, Some(transcript), &ReferenceOptions::default())?;
    for warning in warnings {
        println!("{warning}");
    }

    // Computed once, kept, used for any number of texts.
    let file = std::env::temp_dir().join(format!("voice-{}.safetensors", std::process::id()));
    prompt.save(&file)?;
    let voice = Voice::Cloned(Arc::new(VoicePrompt::load(&file)?));
    std::fs::remove_file(&file)?;
    for text in ["One.", "Two."] {
        let mut request = model.request(text, voice.clone());
        request.options.max_new_tokens = 12;
        let spoken = model.speak(&request)?;
        println!("{text} {:.2} s", spoken.audio.duration_secs());
    }
    Ok(())
}

/// A second of something.
fn buzz() -> Audio {
    let samples = (0..24_000).map(|i| 0.3 * (i as f32 * 0.04).sin()).collect();
    Audio { samples, sample_rate: 24_000 }
}
