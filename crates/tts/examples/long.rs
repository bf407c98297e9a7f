//! Speaks a long text sentence by sentence, with pauses between them.

use candle_core::Device;
use tts::{Delivery, LongSpeech, Model, ModelFiles, SplitLimits, TtsError, Voice};

const TEXT: &str =
    "The first paragraph has one sentence.\n\nThe second has two. This is the other.";

fn main() -> Result<(), TtsError> {
    let model = Model::load(ModelFiles::Embedded(tts_demo_voice::FILES), &Device::Cpu)?;
    let mut request = model.request(TEXT, Voice::Speaker("rms".to_owned()));
    request.options.max_new_tokens = 12;
    let limits = Some(SplitLimits::default());
    let mut speech = LongSpeech::new(&model, &request, Delivery::Whole, limits);
    let mut samples = 0;
    for piece in speech.by_ref() {
        samples += piece?.len();
    }
    println!("{} pieces, {samples} samples", speech.spoken().len());
    Ok(())
}
