use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use tts_gpu_trace::WorkKind;

use super::allocations::Allocations;
use super::gpu_summary::GpuSummary;
use super::stats::Stats;
use super::trace::Trace;
use crate::{Stage, SyncClass};

/// A frame is 80 ms of speech; one that takes longer cannot be played as it is made.
pub const FRAME_BUDGET_MS: f64 = 80.0;

/// A trace, counted together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The time in outermost spans, in milliseconds: what shares are of.
    pub total_ms: f64,
    /// A row for every stage that occurs, in the order of [`Stage::ALL`].
    pub stages: Vec<StageRow>,
    /// The frames.
    pub frames: Frames,
    /// A row for every sync site that occurs.
    pub syncs: Vec<SyncRow>,
    /// What a GPU did, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuSummary>,
}

/// All spans of a stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageRow {
    /// The name of the stage.
    pub stage: &'static str,
    /// Their durations.
    #[serde(flatten)]
    pub time: Stats,
    /// The part of the whole time that they take, the spans inside included.
    pub share: f64,
    /// Time in them and in no span inside, in milliseconds.
    pub self_ms: f64,
    /// Time that a GPU took for what they asked of it, the spans inside included, in
    /// milliseconds.
    pub gpu_ms: f64,
    /// Times that memory was asked for.
    pub allocations: u64,
    /// Bytes asked for.
    pub allocated_bytes: u64,
}

/// Frames of speech, from the first span to the last one of the same frame.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Frames {
    /// Their durations.
    #[serde(flatten)]
    pub time: Stats,
    /// Frames that took longer than [`FRAME_BUDGET_MS`].
    pub over_budget: usize,
    /// The duration of each in the order of generation, in milliseconds.
    pub each_ms: Vec<f64>,
}

/// A place where the host waits for the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncRow {
    /// The place.
    pub site: &'static str,
    /// How often it should occur.
    pub class: &'static str,
    /// How often it occurred.
    pub count: usize,
}

impl Summary {
    /// Counts a trace together.
    pub fn of(trace: &Trace) -> Self {
        let roots = trace.spans.iter().filter(|span| span.parent.is_none());
        let total_ns: u64 = roots.map(super::SpanRecord::duration_ns).sum();
        let self_times = trace.self_times_ns();
        let gpu_times = gpu_times_ns(trace);
        let stages = Stage::ALL.into_iter().filter_map(|stage| {
            let spans =
                || trace.spans.iter().zip(&self_times).filter(|(s, _)| s.name == stage.name());
            let time = Stats::of(spans().map(|(span, _)| span.duration_ns()).collect());
            let memory = spans().fold(Allocations::default(), |sum, (s, _)| sum + s.allocations);
            (time.count > 0).then(|| StageRow {
                stage: stage.name(),
                time,
                share: time.total_ms * 1e6 / (total_ns.max(1)) as f64,
                self_ms: spans().map(|(_, &ns)| ns).sum::<u64>() as f64 / 1e6,
                gpu_ms: gpu_times.get(stage.name()).map_or(0.0, |&ns| ns as f64 / 1e6),
                allocations: memory.count,
                allocated_bytes: memory.bytes,
            })
        });
        Self {
            total_ms: total_ns as f64 / 1e6,
            stages: stages.collect(),
            frames: frames(trace),
            syncs: syncs(trace),
            gpu: GpuSummary::of(trace, total_ns),
        }
    }

    /// How often the host waits for the device in a frame, on average.
    pub fn syncs_per_frame(&self) -> f64 {
        let per_frame = self.syncs.iter().filter(|row| row.class == SyncClass::PerFrame.name());
        let count: usize = per_frame.map(|row| row.count).sum();
        if self.frames.time.count == 0 { 0.0 } else { count as f64 / self.frames.time.count as f64 }
    }

    /// Copies from a GPU to the host, more than there were marks of a wait: somebody waits and does
    /// not say so. Not known without a recording of what the GPU did.
    pub fn unmarked_reads(&self) -> Option<usize> {
        let marked = self.syncs.iter().map(|row| row.count).sum();
        Some(self.gpu.as_ref()?.reads?.saturating_sub(marked))
    }

    /// Other waits for a GPU ([`GpuSummary::waits`]) than there were marks in the same span.
    /// Not known without a recording of what the GPU did.
    pub fn unmarked_waits(&self) -> Option<usize> {
        self.gpu.as_ref()?.unmarked_waits
    }
}

/// For every stage, the time of a GPU, in nanoseconds.
fn gpu_times_ns(trace: &Trace) -> BTreeMap<&'static str, u64> {
    let mut times = BTreeMap::new();
    for work in &trace.gpu.work {
        let Some(span) = work.span else { continue };
        let path = trace.path(span);
        // Of sections, those around have their own.
        let from = if work.kind == WorkKind::Section { path.len().saturating_sub(1) } else { 0 };
        for &name in &path[from..] {
            *times.entry(name).or_insert(0) += work.duration_ns();
        }
    }
    times
}

fn frames(trace: &Trace) -> Frames {
    // Frames with the same number belong to different loops over frames.
    let mut bounds: BTreeMap<(usize, u64), (u64, u64)> = BTreeMap::new();
    for span in &trace.spans {
        if let (Some(frame), Some(parent)) = (span.frame, span.parent) {
            let bound = bounds.entry((parent, frame)).or_insert((span.start_ns, span.end_ns));
            bound.1 = bound.1.max(span.end_ns);
        }
    }
    let durations: Vec<u64> = bounds.into_values().map(|(start, end)| end - start).collect();
    let each_ms: Vec<f64> = durations.iter().map(|&ns| ns as f64 / 1e6).collect();
    Frames {
        time: Stats::of(durations),
        over_budget: each_ms.iter().filter(|&&ms| ms > FRAME_BUDGET_MS).count(),
        each_ms,
    }
}

fn syncs(trace: &Trace) -> Vec<SyncRow> {
    let mut counts: BTreeMap<(&str, &str), (&'static str, &'static str, usize)> = BTreeMap::new();
    for sync in &trace.syncs {
        let class = sync.class.name();
        counts.entry((class, sync.site)).or_insert((sync.site, class, 0)).2 += 1;
    }
    let rows = counts.into_values();
    rows.map(|(site, class, count)| SyncRow { site, class, count }).collect()
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let allocations = self.stages.iter().any(|row| row.allocations > 0);
        write!(
            f,
            "{:<16} {:>7} {:>11} {:>9} {:>9} {:>9} {:>9} {:>7} {:>11}",
            "stage", "count", "total ms", "mean", "p50", "p95", "max", "share", "self ms"
        )?;
        if self.gpu.is_some() {
            write!(f, " {:>11}", "GPU ms")?;
        }
        if allocations {
            write!(f, " {:>12} {:>12}", "allocations", "kB")?;
        }
        writeln!(f)?;
        for row in &self.stages {
            let Stats { count, total_ms, mean_ms, p50_ms, p95_ms, max_ms } = row.time;
            write!(
                f,
                "{:<16} {count:>7} {total_ms:>11.1} {mean_ms:>9.3} {p50_ms:>9.3} {p95_ms:>9.3} \
                 {max_ms:>9.3} {:>6.1}% {:>11.1}",
                row.stage,
                row.share * 100.0,
                row.self_ms
            )?;
            if self.gpu.is_some() {
                write!(f, " {:>11.1}", row.gpu_ms)?;
            }
            if allocations {
                write!(f, " {:>12} {:>12}", row.allocations, row.allocated_bytes / 1000)?;
            }
            writeln!(f)?;
        }
        let Frames { time, over_budget, .. } = &self.frames;
        if time.count > 0 {
            writeln!(
                f,
                "\n{} frames: mean {:.2} ms, p50 {:.2}, p95 {:.2}, max {:.2}; \
                 {over_budget} over the budget of {FRAME_BUDGET_MS} ms",
                time.count, time.mean_ms, time.p50_ms, time.p95_ms, time.max_ms
            )?;
        }
        writeln!(f, "\nsyncs of the host with a device (counted on the CPU as well):")?;
        for row in &self.syncs {
            writeln!(f, "  {:<30} {:<14} {:>7}", row.site, row.class, row.count)?;
        }
        writeln!(f, "  {:.2} per frame", self.syncs_per_frame())?;
        if let (Some(gpu), Some(unmarked)) = (&self.gpu, self.unmarked_reads()) {
            let reads = gpu.reads.unwrap_or_default();
            writeln!(f, "  {reads} copies from a GPU, {unmarked} of them without a mark")?;
        }
        if let (Some(gpu), Some(unmarked)) = (&self.gpu, self.unmarked_waits()) {
            let waits = gpu.waits.unwrap_or_default();
            writeln!(f, "  {waits} waits for a GPU, {unmarked} of them without a mark")?;
        }
        self.gpu.as_ref().map_or(Ok(()), |gpu| gpu.fmt(f))
    }
}
