//! Models of any size with random weights, made in memory.
//!
//! A benchmark needs the shapes of a model, not its weights. [`RandomModel`]
//! lays out the files of a model directory as its configuration asks for them
//! and fills the weights of the parts that are used; the other parts stay zeros,
//! in pages that the system does not provide before somebody reads them.
//!
//! The files are made for one process: they are never freed.

mod vocabulary;
mod weights;

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tts_checkpoint::{CodecConfig, ModelConfig, ModelFiles, Part, codec_tensors, model_tensors};

use self::weights::Stored;

const CONFIG: &str = include_str!("../data/0.6b/config.json");
const CODEC_CONFIG: &str = include_str!("../data/0.6b/speech_tokenizer/config.json");
const GENERATION_CONFIG: &str = include_str!("../data/0.6b/generation_config.json");

/// What takes part in an utterance of a built-in voice. The text embedding is
/// left out: a prompt reads a few dozen of its rows.
pub const SPEAKING: [Part; 3] = [Part::Talker, Part::CodePredictor, Part::CodecDecoder];

/// The files of a model with random weights, alive until the process ends.
#[derive(Debug, Clone, Copy)]
pub struct RandomModel {
    files: &'static [(&'static str, &'static [u8])],
}

impl RandomModel {
    /// The shapes of the released 0.6B CustomVoice model; `parts` get random
    /// weights, the others zeros.
    ///
    /// # Errors
    /// None but of this program: the configuration is part of it.
    pub fn real_06b(parts: &[Part]) -> Result<Self> {
        Self::new(CONFIG, CODEC_CONFIG, parts)
    }

    /// The shapes of the released 1.7B CustomVoice model.
    ///
    /// # Errors
    /// As [`RandomModel::real_06b`].
    pub fn real_17b(parts: &[Part]) -> Result<Self> {
        let mut config: Value = serde_json::from_str(CONFIG)?;
        config["tts_model_size"] = json!("1b7");
        config["talker_config"]["hidden_size"] = json!(2048);
        config["talker_config"]["intermediate_size"] = json!(6144);
        Self::new(&config.to_string(), CODEC_CONFIG, parts)
    }

    /// The shapes of the released 0.6B Base model, which has a speaker encoder.
    ///
    /// # Errors
    /// As [`RandomModel::real_06b`].
    pub fn base_06b(parts: &[Part]) -> Result<Self> {
        let mut config: Value = serde_json::from_str(CONFIG)?;
        config["tts_model_type"] = json!("base");
        config["speaker_encoder_config"] = json!({ "enc_dim": 1024, "sample_rate": 24000 });
        for map in ["spk_id", "spk_is_dialect"] {
            config["talker_config"][map] = json!({});
        }
        Self::new(&config.to_string(), CODEC_CONFIG, parts)
    }

    /// A model of the given `config.json` and `speech_tokenizer/config.json`. Weights
    /// are stored as in the released files: bf16, those of the codec f32.
    ///
    /// # Errors
    /// If a configuration is not of the released form.
    pub fn new(config: &str, codec_config: &str, parts: &[Part]) -> Result<Self> {
        let model: ModelConfig = serde_json::from_str(config).context("config.json")?;
        let codec: CodecConfig =
            serde_json::from_str(codec_config).context("speech_tokenizer/config.json")?;
        let vocabulary = vocabulary::files(&model)?;
        let model = weights::file(&model_tensors(&model), Stored::Bf16, parts)?;
        let codec = weights::file(&codec_tensors(&codec), Stored::F32, parts)?;
        let files = vec![
            ("config.json", leak(config.as_bytes().to_vec())),
            ("generation_config.json", GENERATION_CONFIG.as_bytes()),
            ("vocab.json", leak(vocabulary.tokens)),
            ("merges.txt", leak(vocabulary.merges)),
            ("tokenizer_config.json", leak(vocabulary.config)),
            ("model.safetensors", leak(model)),
            ("speech_tokenizer/config.json", leak(codec_config.as_bytes().to_vec())),
            ("speech_tokenizer/model.safetensors", leak(codec)),
        ];
        Ok(Self { files: Vec::leak(files) })
    }

    /// The files, for [`tts_checkpoint::Checkpoint::open`] or `tts::Model::load`.
    pub fn files(&self) -> ModelFiles {
        ModelFiles::Embedded(self.files)
    }

    /// Writes the model as a directory in the layout of the released checkpoints.
    ///
    /// # Errors
    /// If `directory` cannot be written.
    pub fn write_to(&self, directory: impl AsRef<Path>) -> std::io::Result<()> {
        for (name, content) in self.files {
            let path = directory.as_ref().join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(path, content)?;
        }
        Ok(())
    }
}

/// `bytes` have no spare capacity, so that nothing is copied.
fn leak(bytes: Vec<u8>) -> &'static [u8] {
    Vec::leak(bytes)
}

#[cfg(test)]
mod tests;
