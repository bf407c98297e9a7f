//! Model directories: any configuration and any header are refused, or load and speak.

use std::cell::LazyCell;
use std::collections::BTreeMap;

use candle_core::Device;
use serde_json::{Value, json};
use tts::{Model, Voice};
use tts_checkpoint::{Checkpoint, CheckpointError, Problem};

use crate::sections::{ModelDirectory, sections};

/// Weights at most, in bytes; larger models only take time.
const MOST_BYTES: u64 = 4 << 20;

thread_local! {
    static DIRECTORY: LazyCell<ModelDirectory> = const { LazyCell::new(ModelDirectory::new) };
}

/// Runs one input: `config.json`, `speech_tokenizer/config.json`,
/// `generation_config.json` and the headers of the two weight files, whose weights are
/// zeros. An empty header is replaced by the one that the configuration asks for.
///
/// # Panics
/// If a promise is broken.
pub fn run(input: &[u8]) {
    let [config, codec, generation, model, codec_model] = sections::<5>(input);
    DIRECTORY.with(|directory| {
        directory.write("config.json", config);
        directory.write("speech_tokenizer/config.json", codec);
        directory.write("generation_config.json", generation);
        let weights =
            [("model.safetensors", model), ("speech_tokenizer/model.safetensors", codec_model)];
        for (name, header) in weights {
            let header = if header.is_empty() { b"{}" } else { header };
            directory.write_weights(name, header, extent(header));
        }
        for (name, _) in weights.into_iter().filter(|(_, header)| header.is_empty()) {
            if let Err(CheckpointError::Tensors { path, problems }) =
                Checkpoint::open(directory.files())
                && path.ends_with(name)
            {
                let header = header(&problems);
                directory.write_weights(name, header.as_bytes(), extent(header.as_bytes()));
            }
        }
        speak(directory);
    });
}

/// Bytes of weights behind a header, none if they are too many.
fn extent(header: &[u8]) -> u64 {
    let tensors: BTreeMap<String, Value> = serde_json::from_slice(header).unwrap_or_default();
    let ends = tensors.values().filter_map(|tensor| tensor["data_offsets"][1].as_u64());
    ends.max().filter(|&bytes| bytes <= MOST_BYTES).unwrap_or(0)
}

/// A header with the tensors that are missing.
fn header(missing: &[Problem]) -> String {
    let mut end = 0;
    let tensors: BTreeMap<_, _> = (missing.iter())
        .map(|Problem { name, expected, .. }| {
            let begin = end;
            let values = expected.iter().map(|&n| n as u64).fold(1, u64::saturating_mul);
            end = values.saturating_mul(4).saturating_add(begin);
            (name, json!({ "dtype": "F32", "shape": expected, "data_offsets": [begin, end] }))
        })
        .collect();
    json!(tensors).to_string()
}

fn speak(directory: &ModelDirectory) {
    let Ok(model) = Model::load(directory.files(), &Device::Cpu) else { return };
    let mut request = model.request("Yes.", Voice::Unnamed);
    request.options.max_new_tokens = request.options.max_new_tokens.min(3);
    if let Ok(spoken) = model.speak(&request) {
        assert_eq!(
            spoken.audio.samples.len(),
            spoken.frames.len() * model.codec().samples_per_frame()
        );
        assert!(spoken.audio.samples.iter().all(|sample| sample.abs() <= 1.0));
    }
}
