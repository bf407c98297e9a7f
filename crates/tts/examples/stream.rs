//! Receives speech chunk by chunk, the first one as soon as it can be.

use candle_core::Device;
use tts::{ChunkSchedule, Model, ModelFiles, TtsError, Voice};

fn main() -> Result<(), TtsError> {
    let model = Model::load(ModelFiles::Embedded(tts_demo_voice::FILES), &Device::Cpu)?;
    let mut request = model.request("As it is made.", Voice::Speaker("rms".to_owned()));
    request.options.max_new_tokens = 26;
    let mut stream = model.stream(&request, ChunkSchedule::default())?;
    for chunk in stream.by_ref() {
        let chunk = chunk?;
        println!("frame {:3}: {:5} samples", chunk.first_frame, chunk.samples.len());
    }
    println!("first audio after {:.1} ms", stream.session().timing().first_audio_ms);
    Ok(())
}
