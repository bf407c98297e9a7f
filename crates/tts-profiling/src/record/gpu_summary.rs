use std::collections::HashMap;
use std::fmt;

use serde::Serialize;
use tts_gpu_trace::{Work, WorkKind};

use super::trace::Trace;

/// Kernels in the table; the others are counted together.
const TOP: usize = 12;
/// Letters of the name of a kernel that are printed.
const NAME_WIDTH: usize = 60;

/// What the GPU did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GpuSummary {
    /// Time in which it did anything, in milliseconds. Not known without kernels: between
    /// the marks of spans in its queue it may have waited.
    pub busy_ms: Option<f64>,
    /// The part of the time in outermost spans.
    pub busy_share: Option<f64>,
    /// Copies to the host, which waits for them. Not known without kernels.
    pub reads: Option<usize>,
    /// Calls in which the host waited for it and did nothing else. Only those in spans: a
    /// program may wait where it is not profiled, as at the end of loading. Not known without
    /// kernels.
    pub waits: Option<usize>,
    /// Those of them that are more than the marks of their span. A mark stands for a copy and
    /// for such a call, as a read can have both.
    pub unmarked_waits: Option<usize>,
    /// What it did, most expensive first: kernels, copies and fills, or the spans.
    pub work: Vec<GpuRow>,
    /// Records of work that were lost.
    pub lost: u64,
    /// What cannot be told, and why.
    pub unknown: Vec<String>,
}

/// All work of one name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GpuRow {
    /// The name of the kernel, or what was done.
    pub name: String,
    /// How often.
    pub count: usize,
    /// Its time together, in milliseconds.
    pub total_ms: f64,
}

impl GpuSummary {
    /// Of a trace with work of a GPU or waits for one, whose outermost spans take `total_ns`.
    pub(super) fn of(trace: &Trace, total_ns: u64) -> Option<Self> {
        if trace.gpu.work.is_empty() && trace.gpu.waits.is_empty() {
            return None;
        }
        let mut rows: HashMap<&str, (usize, u64)> = HashMap::new();
        for work in &trace.gpu.work {
            let (count, ns) = rows.entry(work.name).or_default();
            *count += 1;
            *ns += work.duration_ns();
        }
        let mut work: Vec<GpuRow> = rows
            .into_iter()
            .map(|(name, (count, ns))| GpuRow {
                name: name.to_owned(),
                count,
                total_ms: ns as f64 / 1e6,
            })
            .collect();
        work.sort_by(|a, b| b.total_ms.total_cmp(&a.total_ms).then_with(|| a.name.cmp(&b.name)));
        let reads = trace.gpu.work.iter().filter(|work| work.name == Work::READ).count();
        let waits = trace.gpu.waits.iter().filter(|wait| wait.span.is_some()).count();
        let is_marked = trace.gpu.work.iter().any(|work| work.kind == WorkKind::Section);
        let busy_ns = (!is_marked).then(|| busy_ns(trace) as f64);
        Some(Self {
            busy_ms: busy_ns.map(|ns| ns / 1e6),
            reads: (!is_marked).then_some(reads),
            waits: (!is_marked).then_some(waits),
            unmarked_waits: (!is_marked).then(|| unmarked_waits(trace)),
            busy_share: busy_ns.map(|ns| ns / total_ns.max(1) as f64),
            work,
            lost: trace.gpu.lost,
            unknown: trace.gpu.unknown.clone(),
        })
    }
}

/// The waits in each span, more than it has marks.
fn unmarked_waits(trace: &Trace) -> usize {
    let mut marks: HashMap<usize, usize> = HashMap::new();
    for span in trace.syncs.iter().filter_map(|sync| sync.parent) {
        *marks.entry(span).or_default() += 1;
    }
    let is_unmarked = |span: &usize| match marks.get_mut(span) {
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        _ => true,
    };
    trace.gpu.waits.iter().filter_map(|wait| wait.span).filter(is_unmarked).count()
}

/// The time in which there was any work, in nanoseconds.
fn busy_ns(trace: &Trace) -> u64 {
    let mut times: Vec<_> =
        trace.gpu.work.iter().map(|work| (work.start_ns, work.end_ns)).collect();
    times.sort_unstable();
    let mut busy = 0;
    let mut until = 0;
    for (start, end) in times {
        busy += end.saturating_sub(start.max(until));
        until = until.max(end);
    }
    busy
}

impl fmt::Display for GpuSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for unknown in &self.unknown {
            write!(f, "\nGPU: no {unknown}")?;
        }
        if self.lost > 0 {
            write!(f, "\nGPU: {} records were lost", self.lost)?;
        }
        writeln!(f)?;
        // The time of spans is in the table of stages.
        let (Some(busy_ms), Some(share)) = (self.busy_ms, self.busy_share) else { return Ok(()) };
        writeln!(f, "GPU busy for {busy_ms:.1} ms, {:.1}% of the time:", share * 100.0)?;
        writeln!(f, "  {:>7} {:>11} {:>9}  work", "count", "total ms", "mean µs")?;
        let mut row = |name: &str, count: usize, total_ms: f64| {
            let mean = total_ms * 1e3 / count as f64;
            let name: String = name.chars().take(NAME_WIDTH).collect();
            writeln!(f, "  {count:>7} {total_ms:>11.1} {mean:>9.2}  {name}")
        };
        let (top, others) = self.work.split_at(TOP.min(self.work.len()));
        for GpuRow { name, count, total_ms } in top {
            row(name, *count, *total_ms)?;
        }
        if !others.is_empty() {
            let count = others.iter().map(|row| row.count).sum();
            row("(others)", count, others.iter().map(|row| row.total_ms).sum())?;
        }
        Ok(())
    }
}
