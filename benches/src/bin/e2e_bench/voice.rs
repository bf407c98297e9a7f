//! Who speaks: whatever the model offers.

use std::sync::Arc;

use anyhow::Result;
use tts::{Audio, Model, ModelKind, ReferenceOptions, Request, Voice};

use crate::args::Args;

/// The first built-in speaker, a described voice, or one taken from three seconds of a
/// tone.
pub(crate) fn default_voice(model: &Model) -> Result<Voice> {
    Ok(match model.kind() {
        ModelKind::CustomVoice => {
            Voice::Speaker(model.speakers().into_iter().next().unwrap_or_default())
        }
        ModelKind::VoiceDesign => Voice::Unnamed,
        ModelKind::Base => {
            let samples = (0..72_000).map(|i| 0.3 * (i as f32 * 0.04).sin()).collect();
            let audio = Audio { samples, sample_rate: 24_000 };
            let options = ReferenceOptions { x_vector_only: true, ..ReferenceOptions::default() };
            Voice::Cloned(Arc::new(model.voice_prompt(&audio, None, &options)?.0))
        }
    })
}

/// A request for one run.
pub(crate) fn request(model: &Model, voice: &Voice, text: &str, args: &Args) -> Request {
    let mut request = model.request(text, voice.clone());
    if model.kind() == ModelKind::VoiceDesign {
        request.instruct = Some("A calm voice.".to_owned());
    }
    request.options.seed = args.seed;
    request.options.layout = args.layout;
    request.options.frames_per_read = args.frames_per_read;
    request.options.graphs = args.graphs;
    if let Some(frames) = args.frames {
        request.options.fix_length(frames as usize);
    }
    request
}
