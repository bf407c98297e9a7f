//! Damaged and contradictory checkpoints are typed errors.

use std::path::Path;

use candle_core::{DType, Device};
use serde_json::{Value, json};
use tts_checkpoint::{Checkpoint, CheckpointError, ModelFiles};

fn copy() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    tts_fixture::write_to(home.path()).unwrap();
    home
}

fn open(home: &Path) -> Result<Checkpoint, CheckpointError> {
    Checkpoint::open(ModelFiles::directory(home)?)
}

fn edit(home: &Path, file: &str, change: impl FnOnce(&mut Value)) {
    let path = home.join(file);
    let mut value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut value);
    std::fs::write(path, value.to_string()).unwrap();
}

#[test]
fn an_intact_copy_opens() {
    open(copy().path()).unwrap();
}

#[test]
fn cut_short_and_corrupt_weights_are_refused() {
    let home = copy();
    let path = home.path().join("model.safetensors");
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 4, 8, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = open(home.path()).unwrap_err();
        assert!(matches!(error, CheckpointError::Safetensors { .. }), "{length}: {error}");
    }
    let mut overlong = whole.clone();
    overlong[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    std::fs::write(&path, &overlong).unwrap();
    assert!(matches!(open(home.path()), Err(CheckpointError::Safetensors { .. })));
}

#[test]
fn missing_and_misshapen_tensors_are_listed_together() {
    let home = copy();
    edit(home.path(), "config.json", |config| {
        config["talker_config"]["num_hidden_layers"] = json!(5);
        config["talker_config"]["intermediate_size"] = json!(63);
    });
    match open(home.path()).unwrap_err() {
        CheckpointError::Tensors { problems, .. } => {
            assert!(problems.iter().any(|problem| problem.found.is_none()));
            assert!(problems.iter().any(|problem| problem.found.is_some()));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn values_that_are_not_finite_are_refused() {
    let home = copy();
    let path = home.path().join("model.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end - 2..].copy_from_slice(&0x7fc0_u16.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let checkpoint = open(home.path()).unwrap();
    let weights = checkpoint.model_weights(DType::F32, &Device::Cpu);
    let specs = tts_checkpoint::model_tensors(&checkpoint.config);
    let errors: Vec<_> = specs.iter().filter_map(|s| weights.tensor(&s.name).err()).collect();
    assert!(matches!(errors[..], [CheckpointError::NotFinite { .. }]), "{errors:?}");
}

#[test]
fn configurations_are_checked_field_by_field() {
    let cases: [(&str, &[&str], Value); 12] = [
        ("config.json", &["talker_config", "hidden_size"], json!(0)),
        ("config.json", &["talker_config", "num_hidden_layers"], json!(4_000_000_000_u64)),
        ("config.json", &["talker_config", "head_dim"], json!(15)),
        ("config.json", &["talker_config", "num_attention_heads"], json!(5)),
        ("config.json", &["talker_config", "vocab_size"], json!(1000)),
        ("config.json", &["talker_config", "codec_eos_token_id"], json!(99_999)),
        ("config.json", &["talker_config", "hidden_act"], json!("gelu")),
        ("config.json", &["talker_config", "code_predictor_config", "num_code_groups"], json!(8)),
        ("config.json", &["tokenizer_type"], json!("qwen3_tts_tokenizer_25hz")),
        ("speech_tokenizer/config.json", &["decoder_config", "upsample_rates"], json!([])),
        ("speech_tokenizer/config.json", &["decoder_config", "sliding_window"], json!(0)),
        ("speech_tokenizer/config.json", &["decode_upsample_rate"], json!(2000)),
    ];
    for (file, path, value) in cases {
        let home = copy();
        edit(home.path(), file, |config| {
            *path.iter().fold(config, |node, key| &mut node[key]) = value;
        });
        let error = open(home.path()).unwrap_err();
        let named =
            matches!(error, CheckpointError::Config { .. } | CheckpointError::Unsupported { .. });
        assert!(named, "{path:?}: {error}");
        assert!(error.to_string().contains(path[path.len() - 1]), "{path:?}: {error}");
    }
}

#[test]
fn a_missing_field_is_named() {
    let home = copy();
    edit(home.path(), "config.json", |config| {
        config["talker_config"].as_object_mut().unwrap().remove("head_dim");
    });
    let error = open(home.path()).unwrap_err();
    assert!(matches!(error, CheckpointError::Json { .. }));
    assert!(error.to_string().contains("talker_config"), "{error}");
    assert!(error.to_string().contains("head_dim"), "{error}");
}
