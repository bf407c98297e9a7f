//! What a figure depends on.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::process::Command;

use anyhow::Result;
use candle_core::Device;
use ring::digest::{Context, SHA256};
use serde::Serialize;
use tts::{DeviceName, ModelFiles, Precision};

use crate::args::{Args, RandomSize};

/// Files that tell one model from another.
const MODEL_FILES: [&str; 3] =
    ["config.json", "generation_config.json", "speech_tokenizer/config.json"];
const WEIGHT_FILES: [&str; 2] = ["model.safetensors", "speech_tokenizer/model.safetensors"];
/// Bytes at the beginning of a weight file that are part of the fingerprint.
const FINGERPRINT_BYTES: usize = 1 << 20;

/// Where and on what the measurement was made.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Environment {
    pub(crate) commit: &'static str,
    pub(crate) rustc: &'static str,
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) governor: String,
    /// Name and driver of each GPU.
    pub(crate) gpus: Vec<String>,
    pub(crate) model: String,
    /// SHA-256 over the configuration and the first megabyte of each weight file.
    pub(crate) model_fingerprint: String,
    pub(crate) dtype: String,
    pub(crate) device: String,
    pub(crate) threads: usize,
    pub(crate) seed: u64,
    pub(crate) batch: u32,
    /// Where the text stands in the prompt, if not where the model has it.
    pub(crate) layout: Option<String>,
    pub(crate) frames: Option<u32>,
    /// Frames between two reads, if not as the device has it.
    pub(crate) frames_per_read: Option<usize>,
    /// Whether a GPU repeated frames as graphs, if that was asked for.
    pub(crate) graphs: Option<bool>,
    /// Whether spans are compiled in.
    pub(crate) profiling: bool,
}

impl Environment {
    pub(crate) fn read(
        files: &ModelFiles,
        args: &Args,
        device: &Device,
        precision: Precision,
    ) -> Result<Self> {
        let model = match (&args.model_dir, args.random) {
            (Some(path), _) => path.display().to_string(),
            (None, Some(RandomSize::Small)) => "(random 0.6b)".to_owned(),
            (None, Some(RandomSize::Large)) => "(random 1.7b)".to_owned(),
            (None, None) => "(embedded)".to_owned(),
        };
        Ok(Self {
            commit: env!("BUILT_FROM"),
            rustc: env!("BUILT_WITH"),
            cpu: cpu(),
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            governor: file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            gpus: gpus(),
            model,
            model_fingerprint: fingerprint(files)?,
            dtype: precision.to_string(),
            device: DeviceName::from(device).to_string(),
            threads: rayon::current_num_threads(),
            seed: args.seed,
            batch: args.batch.unwrap_or(1),
            layout: args.layout.map(|layout| layout.to_string()),
            frames: args.frames,
            frames_per_read: args.frames_per_read,
            graphs: args.graphs,
            profiling: cfg!(feature = "profiling"),
        })
    }
}

fn fingerprint(files: &ModelFiles) -> Result<String> {
    let mut digest = Context::new(&SHA256);
    for name in MODEL_FILES {
        digest.update(&files.read(name)?.unwrap_or_default());
    }
    for name in WEIGHT_FILES {
        digest.update(&beginning(files, name)?);
    }
    let bytes = digest.finish();
    let mut text = String::new();
    for byte in bytes.as_ref() {
        write!(text, "{byte:02x}")?;
    }
    Ok(text)
}

/// The first bytes of a file; none if there is no such file.
fn beginning(files: &ModelFiles, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(files.path(name)) {
        file.take(FINGERPRINT_BYTES as u64).read_to_end(&mut bytes)?;
    } else {
        // Embedded, or in shards.
        let content = files.read(name)?.unwrap_or_default();
        bytes.extend(content.iter().take(FINGERPRINT_BYTES));
    }
    Ok(bytes)
}

/// The content of a small file, or "unknown".
fn file(path: &str) -> String {
    let content = std::fs::read_to_string(path).unwrap_or_default();
    if content.trim().is_empty() { "unknown".to_owned() } else { content.trim().to_owned() }
}

fn cpu() -> String {
    let info = file("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

fn gpus() -> Vec<String> {
    let query = ["--query-gpu=name,driver_version", "--format=csv,noheader"];
    let output = Command::new("nvidia-smi").args(query).output();
    let text = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
    text.lines().map(str::to_owned).collect()
}

/// The most memory that the process ever had, in megabytes; 0 where the system does not
/// tell.
pub(crate) fn peak_memory_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 =
        line.and_then(|l| l.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0.0);
    kib * 1024.0 / 1e6
}
