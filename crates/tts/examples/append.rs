//! Speaks a text that arrives word by word, as from a language model.

use candle_core::Device;
use tts::{ChunkSchedule, Event, Model, ModelFiles, Session, TtsError, Voice};

fn main() -> Result<(), TtsError> {
    let model = Model::load(ModelFiles::Embedded(tts_demo_voice::FILES), &Device::Cpu)?;
    let mut request = model.request("", Voice::Speaker("rms".to_owned()));
    request.options.max_new_tokens = 40;
    let mut session = model.open(&request, ChunkSchedule::constant(2))?;
    for word in ["Words ", "come ", "one ", "by ", "one."] {
        session.append(word)?;
        println!("{word:6} {} samples", spoken(&mut session)?);
    }
    session.finish()?;
    println!("{:6} {} samples", "end", spoken(&mut session)?);
    Ok(())
}

/// Takes everything that can be spoken by now.
fn spoken(session: &mut Session<&Model>) -> Result<usize, TtsError> {
    let mut samples = 0;
    while let Event::Audio(chunk) = session.next_event()? {
        samples += chunk.samples.len();
    }
    Ok(samples)
}
