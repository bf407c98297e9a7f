//! Completes one frame with the embedded model.

use candle_core::{DType, Device};
use tts_checkpoint::{Checkpoint, ModelFiles};
use tts_code_predictor::CodePredictor;
use tts_sampler::{Draw, DrawKey, DrawRow, SamplingParams};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let checkpoint = Checkpoint::open(ModelFiles::Embedded(tts_fixture::FILES))?;
    let config = &checkpoint.config.talker_config;
    let weights = checkpoint.model_weights(DType::F32, &Device::Cpu);
    let predictor = CodePredictor::load(config, &weights, None)?;

    // The embedding of code 5 stands in for a talker's output as well.
    let table = weights.scope("talker.model").tensor("codec_embedding.weight")?;
    let first = table.narrow(0, 5, 1)?;
    let mut work = predictor.new_work(1)?;
    work.begin(&[DrawRow {
        params: &SamplingParams::default(),
        history: None,
        key: DrawKey { seed: 1, request: 0, step: 0, codebook: 0 },
    }])?;
    work.hidden().set(&first)?;
    work.first().set(&first)?;
    predictor.frame(&mut work, &mut |_, _, _| Ok(()))?;
    let words = work.words().to_vec2::<u32>()?;
    let codes: Vec<u32> = words.iter().step_by(Draw::WORDS).skip(1).map(|codes| codes[0]).collect();
    println!("codes after 5: {codes:?}");
    println!("next input: {:?}", work.embedded().dims());
    Ok(())
}
