//! Encodes a rising tone and prints the codes of every frame.

use std::f32::consts::TAU;

use candle_core::Device;
use tts_checkpoint::{Checkpoint, ModelFiles};
use tts_codec_encoder::CodecEncoder;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let checkpoint = Checkpoint::open(ModelFiles::Embedded(tts_fixture::FILES))?;
    let codec = CodecEncoder::load(&checkpoint.codec, &checkpoint.codec_weights(&Device::Cpu))?;

    // From 100 Hz up by 200 Hz per second, for one second.
    let rate = codec.sample_rate();
    let tone = |n: u32| {
        let t = n as f32 / rate as f32;
        0.5 * (TAU * (100.0 + 100.0 * t) * t).sin()
    };
    let samples: Vec<f32> = (0..rate).map(tone).collect();

    let frames = codec.encode(&samples)?;
    for (i, frame) in frames.iter().enumerate() {
        println!("{i:3} {frame:?}");
    }
    if frames.len() != codec.frames(samples.len()) {
        return Err(format!("{} frames for {} samples", frames.len(), samples.len()).into());
    }
    Ok(())
}
