//! What the figures mean.

use serde::Serialize;

use crate::gaps::GapSummary;
use crate::report::share;
use crate::span_table::SpanRow;
use crate::trace::Direction;
use crate::waits::WaitRow;

/// Share of the time without a kernel from which the CPU is the bottleneck.
const CPU_BOUND: f64 = 0.20;
/// Share up to which the GPU is saturated.
const GPU_BOUND: f64 = 0.05;
/// Reads that each frame needs: its token, for the next one.
const READS_PER_FRAME: f64 = 1.0;

/// What limits the speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bottleneck {
    /// Nothing ran on a GPU.
    NoGpuWork,
    /// The GPU waits for the CPU.
    Cpu,
    /// The GPU waits for the CPU now and then.
    Both,
    /// The GPU is saturated.
    Gpu,
}

/// The bottleneck, in one word and in sentences.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// What limits the speed.
    pub bottleneck: Bottleneck,
    /// Why, and what to do; one sentence each.
    pub reasons: Vec<String>,
}

/// What a verdict is found on.
pub(crate) struct Evidence<'a> {
    pub(crate) wall_ns: u64,
    pub(crate) frames: usize,
    pub(crate) calls: usize,
    pub(crate) launches: usize,
    pub(crate) gaps: &'a GapSummary,
    pub(crate) spans: &'a [SpanRow],
    pub(crate) waits: &'a [WaitRow],
}

impl Verdict {
    pub(crate) fn new(evidence: &Evidence<'_>) -> Self {
        if evidence.launches == 0 {
            let reasons = vec![no_work(evidence.calls)];
            return Self { bottleneck: Bottleneck::NoGpuWork, reasons };
        }
        let share = share(evidence.gaps.total_ns, evidence.wall_ns);
        let percent = share * 100.0;
        let (bottleneck, first) = if share >= CPU_BOUND {
            let text = format!(
                "kernel gaps = the CPU is the bottleneck: for {percent:.1} % of the time no kernel runs"
            );
            (Bottleneck::Cpu, text)
        } else if share > GPU_BOUND {
            let text = format!(
                "some kernel gaps: for {percent:.1} % of the time no kernel runs, the rest the GPU is busy"
            );
            (Bottleneck::Both, text)
        } else {
            let text = format!(
                "continuous kernels = the GPU is saturated (good): gaps are {percent:.1} % of the time"
            );
            (Bottleneck::Gpu, text)
        };
        let mut reasons = vec![first];
        if bottleneck != Bottleneck::Gpu {
            reasons.extend(where_idle(evidence));
            reasons.push(kind_of_gaps(evidence.gaps));
        }
        reasons.extend(reads(evidence));
        Self { bottleneck, reasons }
    }
}

fn no_work(calls: usize) -> String {
    if calls == 0 {
        "no GPU work was recorded, and no CUDA call either: the program ran on the CPU".into()
    } else {
        format!("no GPU work was recorded, though {calls} CUDA calls were: nothing was launched")
    }
}

/// The span with the largest part of the gaps.
fn where_idle(evidence: &Evidence<'_>) -> Option<String> {
    let span = evidence.spans.iter().filter(|span| span.gap_ns > 0).max_by_key(|row| row.gap_ns)?;
    let percent = 100.0 * share(span.gap_ns, evidence.gaps.total_ns);
    Some(format!("{percent:.1} % of the gaps fall into `{}`", span.name))
}

fn kind_of_gaps(gaps: &GapSummary) -> String {
    if gaps.long_ns.saturating_mul(2) >= gaps.total_ns {
        "most of it in gaps of 50 us and more: the CPU computes or reads results there \
         (sampling, `to_vec1`)"
            .into()
    } else {
        "most of it in gaps below 50 us: launches do not keep up; fewer, larger kernels or a \
         CUDA graph help"
            .into()
    }
}

/// Reads beyond those that a frame needs.
fn reads(evidence: &Evidence<'_>) -> Option<String> {
    let reads = evidence.waits.iter().filter(|row| row.direction == Some(Direction::DeviceToHost));
    let count: usize = reads.map(|row| row.count).sum();
    let per_frame = count as f64 / evidence.frames as f64;
    (evidence.frames > 0 && per_frame > READS_PER_FRAME).then(|| {
        format!(
            "{per_frame:.1} device-to-host reads a frame, where 1 is needed: \
             `cargo xtask audit-gpu-syncs` lists them"
        )
    })
}
