//! Loading holds one copy of the weights, whatever their stored type, and leaves
//! the text embedding on disk.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use candle_core::Device;
use serde_json::{Value, json};
use tts::Model;
use tts_checkpoint::{ModelConfig, Part, model_tensors};

/// Writes all tensors of a configuration, all zeros, into a file that takes no
/// room on the disk; returns the number of values that stay in memory.
fn write_zeros(path: &Path, config: &ModelConfig, dtype: &str, width: usize) -> usize {
    let (mut header, mut end, mut values) = (BTreeMap::new(), 0, 0);
    for spec in model_tensors(config) {
        let count: usize = spec.shape.iter().product();
        let offsets = [end, end + count * width];
        header.insert(
            spec.name,
            json!({"dtype": dtype, "shape": spec.shape, "data_offsets": offsets}),
        );
        end += count * width;
        values += if spec.part == Part::TextEmbedding { 0 } else { count };
    }
    let header = serde_json::to_vec(&header).unwrap();
    let mut file = File::create(path).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(&header).unwrap();
    file.set_len((8 + header.len() + end) as u64).unwrap();
    values
}

/// A model directory with a talker of about 50 million values.
fn checkpoint(home: &Path, dtype: &str, width: usize) -> usize {
    tts_fixture::write_to(home).unwrap();
    let path = home.join("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for (field, value) in [
        ("hidden_size", 512),
        ("intermediate_size", 2048),
        ("num_hidden_layers", 16),
        ("num_attention_heads", 8),
        ("num_key_value_heads", 4),
        ("text_vocab_size", 40_000),
        ("text_hidden_size", 512),
    ] {
        config["talker_config"][field] = json!(value);
    }
    std::fs::write(path, config.to_string()).unwrap();
    let config: ModelConfig = serde_json::from_value(config).unwrap();
    write_zeros(&home.join("model.safetensors"), &config, dtype, width)
}

/// A line of `/proc/self/status` in bytes.
fn status(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// Set in the process that measures: the stored type.
const MEASURE: &str = "MEASURE_LOADING_OF";

#[test]
fn loading_holds_one_copy_of_the_weights() {
    if let Ok(dtype) = std::env::var(MEASURE) {
        return measure(&dtype);
    }
    // A process for every type: what an allocator keeps of one model would count as a
    // part of the next.
    for dtype in ["BF16", "F32", "F16"] {
        let measured = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "loading_holds_one_copy_of_the_weights", "--nocapture"])
            .env(MEASURE, dtype)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&measured.stdout);
        assert!(measured.status.success(), "{dtype}: {said}");
        assert!(said.contains("copies of the weights"), "{dtype}: nothing was measured");
    }
}

fn measure(dtype: &str) {
    let width = if dtype == "F32" { 4 } else { 2 };
    let home = tempfile::tempdir().unwrap();
    let values = checkpoint(home.path(), dtype, width);
    let before = status("VmRSS");
    // Forgets the peak so far.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let model = Model::from_pretrained(home.path(), &Device::Cpu).unwrap();
    let growth = status("VmHWM") - before;
    drop(model);
    let weights = values * size_of::<f32>();
    assert!(weights > 180_000_000, "{weights}");
    let copies = growth as f64 / weights as f64;
    println!("{dtype}: {copies:.2} copies of the weights");
    assert!((0.9..1.2).contains(&copies), "{dtype}: {copies:.2}");
}
