//! The fixture checkpoints and what the tests of this crate need of them.

use std::path::PathBuf;

use serde_json::Value;
use tts_checkpoint::{ModelConfig, ModelFiles, ModelKind};
use tts_text::{CodecInput, Prompt, SplitRule, Tokenizer};

pub(crate) fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden").join(name)
}

pub(crate) fn json(name: &str) -> Value {
    let text = std::fs::read_to_string(golden(name)).expect(name);
    serde_json::from_str(&text).expect(name)
}

pub(crate) fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).expect("a list of ids")
}

/// A tokenizer and the configuration it belongs to.
pub(crate) struct Model {
    pub(crate) tokenizer: Tokenizer,
    pub(crate) config: ModelConfig,
}

impl Model {
    pub(crate) fn open(checkpoint: &str) -> Self {
        Self::with_rule(checkpoint, SplitRule::Qwen2)
    }

    pub(crate) fn with_rule(checkpoint: &str, rule: SplitRule) -> Self {
        let directory = format!("checkpoints/{checkpoint}");
        let config = config(checkpoint);
        let files = ModelFiles::directory(golden(&directory)).expect("a fixture");
        let tokenizer = Tokenizer::load(&files, &config, rule).expect("a tokenizer");
        Self { tokenizer, config }
    }

    /// The same model as if it were of another kind.
    pub(crate) fn of_kind(kind: ModelKind) -> Self {
        let mut model = Self::open("custom_voice_a");
        model.config.tts_model_type = kind;
        if kind != ModelKind::CustomVoice {
            model.config.talker_config.spk_id.clear();
            model.config.talker_config.spk_is_dialect.clear();
        }
        model
    }
}

pub(crate) fn config(checkpoint: &str) -> ModelConfig {
    let value = json(&format!("checkpoints/{checkpoint}/config.json"));
    serde_json::from_value(value).expect("a configuration")
}

/// The rows of a prompt from `at` on.
pub(crate) fn rows(prompt: &Prompt, at: usize) -> Vec<(u32, CodecInput)> {
    prompt.positions[at..].iter().map(|p| (p.text.expect("a text"), p.codec)).collect()
}
