//! Draws a few tokens from a small distribution.

use tts_sampler::{
    DrawKey, History, Sampler, SamplerError, SamplingParams, TokenRules, probabilities, process,
};

fn main() -> Result<(), SamplerError> {
    let logits = [1.0, 3.0, 2.5, -1.0, 0.5];
    let params =
        SamplingParams { temperature: 0.9, top_k: 4, top_p: 0.95, ..SamplingParams::default() };
    let (rules, history) = (TokenRules::all(logits.len()), History::new(logits.len()));

    let mut scores = Vec::new();
    process(&logits, &params, &rules, &history, &mut scores)?;
    println!("probabilities {:.3?}", probabilities(&scores));

    let mut sampler = Sampler::new();
    for step in 0..8 {
        let key = DrawKey { seed: 42, request: 0, step, codebook: 0 };
        let draw = sampler.sample(&logits, &params, &rules, &history, key)?;
        println!("step {step}: token {} (log-probability {:.3})", draw.token, draw.log_prob);
    }
    Ok(())
}
