//! Speaks a sentence with the embedded model and prints where the time went.

use candle_core::Device;
use tts::{Model, ModelFiles, TtsError};

fn main() -> Result<(), TtsError> {
    let model = Model::load(ModelFiles::Embedded(tts_demo_voice::FILES), &Device::Cpu)?;
    let mut options = model.default_options();
    options.max_new_tokens = 26;
    let (audio, timing) =
        model.synthesize_with_timing("Hello there.", "rms", "english", Some(options))?;
    println!("{:.2} s of audio", audio.duration_secs());
    println!("prefill  {:8.1} ms", timing.prefill_ms);
    println!("generate {:8.1} ms", timing.generate_ms);
    println!("decode   {:8.1} ms", timing.decode_ms);
    println!("RTF      {:8.3}", timing.rtf());
    Ok(())
}
