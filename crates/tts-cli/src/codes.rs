//! The codec alone: audio to codes and back.

use serde_json::{Value, json};
use tts::Audio;
use tts_audio::{Limits, read_audio_file, resample, write_file_atomically};

use crate::args::{DecodeArgs, EncodeArgs};
use crate::error::CliError;
use crate::{model, output};

/// Longest audio that is encoded, in seconds.
const MAX_SECONDS: f64 = 3600.0;

pub(crate) fn encode(args: &EncodeArgs) -> Result<(), CliError> {
    let audio = read_audio_file(&args.audio, Limits { max_seconds: MAX_SECONDS })
        .map_err(CliError::InputAudio)?;
    let model = model::load(&args.model)?;
    let encoder = model.codec_encoder()?;
    let audio = resample(&audio, encoder.sample_rate()).map_err(CliError::InputAudio)?;
    let codes = encoder.encode(&audio.samples).map_err(tts::TtsError::from)?;
    let text = json!({
        "sample_rate": encoder.sample_rate(),
        "samples": audio.samples.len(),
        "codes": codes,
    });
    let text = format!("{text}\n");
    if output::is_stdout(&args.output) {
        return crate::print(text.as_bytes());
    }
    write_file_atomically(&args.output, |file| file.write_all(text.as_bytes()))
        .map_err(CliError::OutputAudio)
}

pub(crate) fn decode(args: &DecodeArgs) -> Result<(), CliError> {
    let path = || args.codes.clone();
    let text =
        std::fs::read(&args.codes).map_err(|source| CliError::Input { path: path(), source })?;
    let broken = |problem: String| CliError::InputCodes { path: path(), problem };
    let value: Value = serde_json::from_slice(&text).map_err(|e| broken(e.to_string()))?;
    let codes: Vec<Vec<u32>> = serde_json::from_value(value["codes"].clone())
        .map_err(|e| broken(format!("`codes`: {e}")))?;
    let model = model::load(&args.model)?;
    let codec = model.codec();
    let mut samples = codec
        .new_state()
        .and_then(|mut state| codec.push(&codes, &mut state))
        .map_err(|e| broken(e.to_string()))?;
    if let Some(length) = value["samples"].as_u64() {
        samples.truncate(usize::try_from(length).unwrap_or(usize::MAX));
    }
    let audio = Audio { samples, sample_rate: codec.sample_rate() };
    output::write(&args.output, output::format(&args.output, None), &audio)
}
