//! Embeds a synthetic vowel with a small random checkpoint and prints the norm of
//! the x-vector.

use std::f32::consts::TAU;

use candle_core::{DType, Device};
use tts_checkpoint::{Checkpoint, ModelFiles};
use tts_speaker::SpeakerEncoder;

const CHECKPOINT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/checkpoints/base_b");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let checkpoint = Checkpoint::open(ModelFiles::Directory(CHECKPOINT.into()))?;
    let config = checkpoint.config.speaker_encoder_config.as_ref().ok_or("no speaker encoder")?;
    let weights = checkpoint.model_weights(DType::F32, &Device::Cpu);
    let encoder = SpeakerEncoder::load(config, &weights)?;

    let rate = encoder.sample_rate();
    let samples: Vec<f32> = (0..2 * rate)
        .map(|i| {
            let turns = 120.0 * i as f32 / rate as f32;
            (1..=20_u8).map(|k| (TAU * f32::from(k) * turns).sin() / f32::from(k)).sum::<f32>()
                * 0.2
        })
        .collect();
    let x_vector = encoder.embed(&samples)?;
    let norm = x_vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    println!("x-vector of {} values, norm {norm:.4}", x_vector.len());
    Ok(())
}
