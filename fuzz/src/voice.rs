//! Voice files: any bytes are refused, or are a voice that can be kept and, if it
//! fits the model, speaks.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use candle_core::Device;
use tts::{Model, TtsError, Voice, VoiceError, VoicePrompt};

const BASE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/golden/checkpoints/base_b");

static MODEL: LazyLock<Model> =
    LazyLock::new(|| Model::from_pretrained(BASE, &Device::Cpu).expect("the fixture loads"));

/// Runs one input.
///
/// # Panics
/// If a promise is broken.
pub fn run(input: &[u8]) {
    let Ok(prompt) = VoicePrompt::parse(Path::new("input"), input) else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("voice.safetensors");
    prompt.save(&path).expect("a voice that was read can be written");
    assert_eq!(VoicePrompt::load(&path).expect("it was just written"), prompt);

    // Prompts longer than a few seconds only take time.
    if prompt.reference.as_ref().is_some_and(|r| r.frames.len() > 16 || r.transcript.len() > 64) {
        return;
    }
    let mut request = MODEL.request("Yes.", Voice::Cloned(Arc::new(prompt)));
    request.options.max_new_tokens = 3;
    match MODEL.speak(&request) {
        Ok(spoken) => {
            assert!(spoken.audio.samples.iter().all(|sample| sample.abs() <= 1.0));
            assert_eq!(spoken.audio.samples.len(), spoken.frames.len() * 1920);
        }
        Err(error) => assert!(
            matches!(error, TtsError::Voice(VoiceError::Mismatch { .. }) | TtsError::Text(_)),
            "{error}"
        ),
    }
}
