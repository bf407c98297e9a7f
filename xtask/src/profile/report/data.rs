//! What the page is made of.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Reads a JSON file.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
    serde_json::from_reader(BufReader::new(file)).with_context(|| format!("cannot read {name}"))
}

/// Everything on the page.
pub(super) struct Data {
    /// What `e2e_bench -o json` prints.
    pub(super) bench: Bench,
    /// What `e2e_bench --summary-json` writes.
    pub(super) summary: Summary,
    /// What `e2e_bench --profile folded=` writes.
    pub(super) stacks: String,
    /// What `audit-gpu-syncs --format json` prints.
    pub(super) audit: Audit,
    pub(super) roofline: Option<Roofline>,
}

#[derive(Deserialize)]
pub(super) struct Bench {
    pub(super) environment: Map<String, Value>,
    pub(super) rows: Vec<Row>,
}

/// The samples of a text.
#[derive(Deserialize)]
pub(super) struct Row {
    pub(super) label: String,
    pub(super) words: usize,
    pub(super) median: Median,
    pub(super) peak_memory_mb: f64,
    pub(super) samples: Vec<Value>,
}

#[derive(Deserialize)]
pub(super) struct Median {
    pub(super) wall_ms: f64,
    pub(super) audio_secs: f64,
    pub(super) rtf: f64,
    /// A frame begins with one token of the talker, so these are frames.
    pub(super) tokens_per_second: f64,
    pub(super) prefill_ms: f64,
    pub(super) generate_ms: f64,
    pub(super) decode_ms: f64,
    /// Of a stream only.
    pub(super) playback: Option<Playback>,
}

#[derive(Deserialize)]
pub(super) struct Playback {
    pub(super) first_byte_ms: f64,
    pub(super) audible_ms: f64,
    pub(super) underruns: usize,
}

#[derive(Deserialize)]
pub(super) struct Summary {
    pub(super) stages: Vec<StageRow>,
    pub(super) frames: Frames,
    pub(super) syncs: Vec<Sync>,
    pub(super) gpu: Option<Gpu>,
}

/// What a GPU did.
#[derive(Deserialize)]
pub(super) struct Gpu {
    /// Not known without kernels.
    pub(super) busy_ms: Option<f64>,
    pub(super) busy_share: Option<f64>,
    pub(super) work: Vec<GpuRow>,
    pub(super) lost: u64,
    pub(super) unknown: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct GpuRow {
    pub(super) name: String,
    pub(super) count: usize,
    pub(super) total_ms: f64,
}

#[derive(Deserialize)]
pub(super) struct Stats {
    pub(super) count: usize,
    pub(super) total_ms: f64,
    pub(super) mean_ms: f64,
    pub(super) p50_ms: f64,
    pub(super) p95_ms: f64,
    pub(super) max_ms: f64,
}

#[derive(Deserialize)]
pub(super) struct StageRow {
    pub(super) stage: String,
    #[serde(flatten)]
    pub(super) time: Stats,
    pub(super) share: f64,
    pub(super) self_ms: f64,
    pub(super) gpu_ms: f64,
    pub(super) allocations: u64,
    pub(super) allocated_bytes: u64,
}

#[derive(Deserialize)]
pub(super) struct Frames {
    #[serde(flatten)]
    pub(super) time: Stats,
    pub(super) each_ms: Vec<f64>,
}

/// A place where the host waited for the device.
#[derive(Deserialize)]
pub(super) struct Sync {
    pub(super) site: String,
    pub(super) class: String,
    pub(super) count: usize,
}

#[derive(Deserialize)]
pub(super) struct Audit {
    pub(super) sites: Vec<AuditedSite>,
    pub(super) findings: Vec<Finding>,
    pub(super) per_frame: f64,
    pub(super) budget: f64,
}

/// A place where the source waits for the device.
#[derive(Deserialize)]
pub(super) struct AuditedSite {
    pub(super) site: Option<String>,
    pub(super) class: Option<String>,
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) function: String,
    pub(super) read: String,
}

#[derive(Deserialize)]
pub(super) struct Finding {
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) message: String,
}

/// What a machine can do, and what the stages make of it.
#[derive(Deserialize)]
pub(super) struct Roofline {
    pub(super) bandwidth_gb_s: f64,
    pub(super) fma_gflop_s: f64,
    pub(super) rows: Vec<RooflineRow>,
}

#[derive(Deserialize)]
pub(super) struct RooflineRow {
    pub(super) stage: String,
    pub(super) bytes: f64,
    pub(super) flops: f64,
    pub(super) ms: f64,
    pub(super) gb_s: f64,
    pub(super) gflop_s: f64,
    pub(super) share_of_roof: f64,
}
