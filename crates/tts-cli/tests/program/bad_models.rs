//! Unusable models, requests and disks: a message that names the cause, the
//! documented exit code, and no file left behind.

use std::path::{Path, PathBuf};

use crate::{run, tts};
use serde_json::{Value, json};
use tempfile::TempDir;

const MODEL: &str = "model";
const WEIGHTS: &str = "model.safetensors";

/// Speaks with the model of `home`; no run of these tests may leave a WAV file.
#[track_caller]
fn refused(home: &Path, arguments: &[&str], code: i32, message: &str) {
    let fixed = ["say", "Hi.", "--model", MODEL, "--max-seconds", "1"];
    let output = tts(home, &[&fixed, arguments].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(message), "expected {message:?}, found {stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    let left: Vec<_> = std::fs::read_dir(home).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, [MODEL]);
}

/// A directory with a copy of the embedded model.
fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    tts_fixture::write_to(home.path().join(MODEL)).unwrap();
    home
}

fn weights(home: &TempDir) -> (PathBuf, Vec<u8>) {
    let path = home.path().join(MODEL).join(WEIGHTS);
    let bytes = std::fs::read(&path).unwrap();
    (path, bytes)
}

/// Rewrites the header of the weight file.
fn edit_header(home: &TempDir, change: impl FnOnce(&mut Value)) {
    let (path, bytes) = weights(home);
    let (length, rest) = bytes.split_first_chunk::<8>().unwrap();
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let mut header: Value = serde_json::from_slice(header).unwrap();
    change(&mut header);
    let mut header = header.to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let length = (header.len() as u64).to_le_bytes();
    std::fs::write(path, [&length[..], &header, data].concat()).unwrap();
}

fn edit_config(home: &TempDir, file: &str, change: impl FnOnce(&mut Value)) {
    let path = home.path().join(MODEL).join(file);
    let mut value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut value);
    std::fs::write(path, value.to_string()).unwrap();
}

#[test]
fn truncated_weights() {
    let home = home();
    let (path, bytes) = weights(&home);
    std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    refused(home.path(), &[], 3, "model.safetensors: not a complete safetensors file");
}

#[test]
fn an_overlong_header() {
    let home = home();
    let (path, mut bytes) = weights(&home);
    bytes[..8].copy_from_slice(&(1_u64 << 62).to_le_bytes());
    std::fs::write(path, bytes).unwrap();
    refused(home.path(), &[], 3, "model.safetensors: not a complete safetensors file");
}

#[test]
fn a_header_that_is_not_json() {
    let home = home();
    let (path, mut bytes) = weights(&home);
    bytes[8..40].fill(b'#');
    std::fs::write(path, bytes).unwrap();
    refused(home.path(), &[], 3, "model.safetensors: not a complete safetensors file");
}

#[test]
fn a_missing_tensor() {
    let home = home();
    edit_header(&home, |header| {
        let header = header.as_object_mut().unwrap();
        let tensor = header.remove("talker.model.norm.weight").unwrap();
        header.insert("talker.model.norm.wait".to_owned(), tensor);
    });
    refused(home.path(), &[], 3, "talker.model.norm.weight: missing, expected shape [");
}

#[test]
fn a_tensor_of_another_shape() {
    let home = home();
    edit_header(&home, |header| {
        let shape = header["talker.codec_head.weight"]["shape"].as_array_mut().unwrap();
        shape.reverse();
    });
    refused(home.path(), &[], 3, "talker.codec_head.weight: expected shape [");
}

#[test]
fn weights_that_are_not_numbers() {
    let home = home();
    let (path, mut bytes) = weights(&home);
    let end = bytes.len();
    bytes[end - 2..].copy_from_slice(&0x7fc0_u16.to_le_bytes());
    std::fs::write(path, bytes).unwrap();
    refused(home.path(), &[], 3, "is NaN, expected a finite number");
}

#[test]
fn dimensions_of_zero_and_beyond_reason() {
    for (field, value) in [
        ("hidden_size", json!(0)),
        ("num_attention_heads", json!(0)),
        ("num_code_groups", json!(0)),
        ("num_hidden_layers", json!(u32::MAX)),
        ("text_vocab_size", json!(u64::MAX)),
        ("vocab_size", json!(1_u64 << 40)),
        ("head_dim", json!(-1)),
        ("max_position_embeddings", json!(0)),
    ] {
        let home = home();
        edit_config(&home, "config.json", |config| config["talker_config"][field] = value);
        refused(home.path(), &[], 3, field);
    }
    for (field, value) in [
        ("num_quantizers", json!(0)),
        ("decoder_dim", json!(1_u64 << 50)),
        ("upsample_rates", json!([0, 0, 0, 0])),
        ("num_semantic_quantizers", json!(99)),
    ] {
        let home = home();
        edit_config(&home, "speech_tokenizer/config.json", |config| {
            config["decoder_config"][field] = value;
        });
        refused(home.path(), &[], 3, field);
    }
}

#[test]
fn the_other_codec_family() {
    let home = home();
    edit_config(&home, "speech_tokenizer/config.json", |config| {
        config["model_type"] = json!("qwen3_tts_tokenizer_25hz");
    });
    refused(home.path(), &[], 3, "the 25 Hz codec is a different model");
}

#[test]
fn files_that_are_not_there() {
    for file in ["config.json", "vocab.json", WEIGHTS, "speech_tokenizer/model.safetensors"] {
        let home = home();
        std::fs::remove_file(home.path().join(MODEL).join(file)).unwrap();
        refused(home.path(), &[], 3, file);
    }
}

#[test]
fn a_speaker_for_a_model_without_speakers() {
    let home = tempfile::tempdir().unwrap();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/checkpoints");
    std::os::unix::fs::symlink(Path::new(golden).join("voice_design_a"), home.path().join(MODEL))
        .unwrap();
    refused(home.path(), &["--speaker", "ryan"], 2, "a voice_design model has no built-in");
}

#[test]
fn an_output_that_is_a_directory() {
    let home = home();
    refused(home.path(), &["-o", MODEL], 4, "cannot write model");
    refused(home.path(), &["-o", "model/config.json/out.wav"], 4, "cannot write model/config.json");
}

/// Files may not grow beyond a few kilobytes: the write fails half-way through,
/// as it does on a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up() {
    let home = home();
    let script =
        "trap '' XFSZ; ulimit -f 8; exec \"$0\" say 'Hi there.' --max-seconds 4 -o out.wav";
    let output = run(home.path(), "bash", &["-c", script, env!("CARGO_BIN_EXE_tts")]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    assert!(stderr.contains("cannot write out.wav: File too large"), "{stderr}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
}
