//! Checkpoints with the speaker encoder of a test.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use serde_json::Value;
use tempfile::TempDir;
use tts_checkpoint::{Checkpoint, ModelConfig, ModelFiles, Part, model_tensors};
use tts_speaker::SpeakerEncoder;

const WEIGHTS: &str = "model.safetensors";
const CONFIG: &str = "config.json";

/// A small random Base checkpoint of the released structure.
pub(crate) fn base_b() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/checkpoints/base_b")
}

pub(crate) fn open(directory: PathBuf) -> Checkpoint {
    Checkpoint::open(ModelFiles::Directory(directory)).unwrap()
}

pub(crate) fn encoder(checkpoint: &Checkpoint, dtype: DType) -> SpeakerEncoder {
    let config = checkpoint.config.speaker_encoder_config.as_ref().unwrap();
    SpeakerEncoder::load(config, &checkpoint.model_weights(dtype, &Device::Cpu)).unwrap()
}

/// The small checkpoint with another speaker encoder of random weights.
pub(crate) struct Variant {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) tensors: HashMap<String, Tensor>,
    _directory: TempDir,
}

impl Variant {
    pub(crate) fn new(speaker_encoder_config: &Value) -> Self {
        let source = base_b();
        let directory = tempfile::tempdir().unwrap();
        let codec = Path::new("speech_tokenizer");
        std::fs::create_dir(directory.path().join(codec)).unwrap();
        let files = ["config.json", WEIGHTS].map(|file| codec.join(file));
        for file in files.iter().map(PathBuf::as_path).chain([Path::new("generation_config.json")])
        {
            std::fs::copy(source.join(file), directory.path().join(file)).unwrap();
        }

        let mut config: Value =
            serde_json::from_slice(&std::fs::read(source.join(CONFIG)).unwrap()).unwrap();
        config["speaker_encoder_config"] = speaker_encoder_config.clone();
        std::fs::write(directory.path().join(CONFIG), config.to_string()).unwrap();

        let config: ModelConfig = serde_json::from_value(config).unwrap();
        let mut tensors =
            candle_core::safetensors::load(source.join(WEIGHTS), &Device::Cpu).unwrap();
        tensors.retain(|name, _| !name.starts_with("speaker_encoder."));
        let speaker = model_tensors(&config).into_iter().filter(|t| t.part == Part::SpeakerEncoder);
        for (seed, spec) in speaker.enumerate() {
            tensors.insert(spec.name, random(&spec.shape, seed));
        }
        candle_core::safetensors::save(&tensors, directory.path().join(WEIGHTS)).unwrap();
        let checkpoint = open(directory.path().to_owned());
        Self { checkpoint, tensors, _directory: directory }
    }
}

/// Values without a pattern that a mixed-up axis could hide behind, of unit
/// variance at the output of a convolution.
fn random(shape: &[usize], seed: usize) -> Tensor {
    let count: usize = shape.iter().product();
    let inputs: usize = shape[1..].iter().product();
    let scale = (3.0 / inputs as f32).sqrt();
    let values = (0..count).map(|i| {
        let hash = (i * 7_919 + seed * 104_729 + 12_345).wrapping_mul(2_654_435_761) >> 8;
        scale * ((hash % 10_007) as f32 / 5_003.0 - 1.0)
    });
    Tensor::from_iter(values, &Device::Cpu).unwrap().reshape(shape).unwrap()
}
