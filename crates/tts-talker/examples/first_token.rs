//! Reads a short prompt with the embedded model and prints the likeliest token.

use candle_core::{DType, Device};
use tts_checkpoint::{Checkpoint, ModelFiles};
use tts_talker::Talker;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let checkpoint = Checkpoint::open(ModelFiles::Embedded(tts_fixture::FILES))?;
    let weights = checkpoint.model_weights(DType::F32, &Device::Cpu);
    let talker = Talker::load(&checkpoint.config.talker_config, &weights, None)?;
    let prompt = (talker.text(&[40, 41, 42])? + talker.codec(&[7, 8, 9])?)?;
    let mut state = talker.new_state(8)?;
    let output = talker.prefill(&prompt, 0, &mut state)?;
    let best = output.logits.argmax(1)?.to_vec1::<u32>()?;
    println!("after {} positions: token {best:?}", state.position());
    Ok(())
}
