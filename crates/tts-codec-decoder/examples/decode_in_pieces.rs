//! Decodes the same frames whole and one by one and compares the samples.

use candle_core::Device;
use tts_checkpoint::{Checkpoint, ModelFiles};
use tts_codec_decoder::CodecDecoder;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let checkpoint = Checkpoint::open(ModelFiles::Embedded(tts_fixture::FILES))?;
    let codec = CodecDecoder::load(&checkpoint.codec, &checkpoint.codec_weights(&Device::Cpu))?;
    let frames: Vec<Vec<u32>> =
        (0..20).map(|f| (0..16).map(|k| (f * 7 + k * 3) % 32).collect()).collect();

    let whole = codec.push(&frames, &mut codec.new_state()?)?;
    let mut state = codec.new_state()?;
    let mut pieces = Vec::new();
    for frame in &frames {
        pieces.extend(codec.push(std::slice::from_ref(frame), &mut state)?);
    }
    let worst = whole.iter().zip(&pieces).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("{} samples, largest difference {worst:e}", whole.len());
    if worst > 1e-5 {
        return Err(format!("pieces differ from the whole by {worst}").into());
    }
    Ok(())
}
