use std::collections::HashMap;

use serde::Serialize;

use crate::error::NsysError;
use crate::gaps::{GapSummary, Gaps};
use crate::kernels::{self, KernelRow};
use crate::range_tree::RangeTree;
use crate::span_table::{self, Launched, SpanRow};
use crate::trace::{ApiCall, CallId, Trace, length};
use crate::verdict::{Evidence, Verdict};
use crate::waits::{self, WaitRow};
use crate::window::{Selection, Windows};

/// What a recording says. [`Display`](std::fmt::Display) prints it as tables.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// `synthesize` ranges analysed; 0 if none was recorded and the whole recording is.
    pub utterances: usize,
    /// Frames of 80 ms of audio analysed, as far as their ranges were recorded.
    pub frames: usize,
    /// The analysed time.
    pub wall_ns: u64,
    /// The part in which a kernel or graph runs.
    pub busy_ns: u64,
    /// Kernels, graphs, copies and fills launched.
    pub launches: usize,
    /// The part in which none runs.
    pub gaps: GapSummary,
    /// Time by span, each below its parent.
    pub spans: Vec<SpanRow>,
    /// Time of the GPU on work launched outside any span.
    pub gpu_outside_ns: u64,
    /// The kernels that take most of the time, the largest first.
    pub kernels: Vec<KernelRow>,
    /// Waits and copies, the most time first.
    pub waits: Vec<WaitRow>,
    /// What limits the speed.
    pub verdict: Verdict,
}

impl Report {
    /// Kernel gaps as a part of the analysed time, from 0 to 1.
    pub fn gap_share(&self) -> f64 {
        share(self.gaps.total_ns, self.wall_ns)
    }
}

/// `part` of `whole`, 0 of nothing.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Analyses the selected part of a recording.
///
/// # Errors
/// If the selection leaves nothing of it.
pub fn analyse(trace: &Trace, selection: &Selection) -> Result<Report, NsysError> {
    let tree = RangeTree::new(&trace.ranges);
    let windows = Windows::new(trace, &tree, selection)?;
    let known = trace.calls.iter().filter(|call| call.id.is_known());
    let calls: HashMap<CallId, &ApiCall> = known.map(|call| (call.id, call)).collect();

    let mut launched = vec![Launched::default(); tree.spans.len()];
    let mut outside = Launched::default();
    let mut per_thread: HashMap<i64, usize> = HashMap::new();
    let mut selected = Vec::new();
    for work in &trace.work {
        // Work belongs to where it was launched; without its call, to where it ran.
        let call = calls.get(&work.id);
        if !windows.contain(call.map_or(work.start, |call| call.start)) {
            continue;
        }
        selected.push(work);
        let span = call.and_then(|call| tree.innermost(call.thread, call.start));
        let own = span.map_or(&mut outside, |span| &mut launched[span]);
        own.launches += 1;
        own.gpu_ns = own.gpu_ns.saturating_add(length(work.start, work.end));
        if let Some(call) = call {
            *per_thread.entry(call.thread).or_default() += 1;
        }
    }
    let most = per_thread.into_iter().max_by_key(|&(thread, launches)| (launches, thread));
    let gaps = Gaps::new(trace, &tree, &windows, most.map_or(0, |(thread, _)| thread));

    let wall_ns = windows.wall_ns();
    let spans = span_table::rows(&trace.ranges, &tree, &windows, &launched, &gaps.in_span);
    let waits = waits::rows(trace, &tree, &windows);
    let verdict = Verdict::new(&Evidence {
        wall_ns,
        frames: windows.frames,
        calls: trace.calls.iter().filter(|call| windows.contain(call.start)).count(),
        launches: selected.len(),
        gaps: &gaps.summary,
        spans: &spans,
        waits: &waits,
    });
    Ok(Report {
        utterances: windows.utterances,
        frames: windows.frames,
        wall_ns,
        busy_ns: wall_ns.saturating_sub(gaps.summary.total_ns),
        launches: selected.len(),
        gaps: gaps.summary,
        spans,
        gpu_outside_ns: outside.gpu_ns,
        kernels: kernels::rows(selected.into_iter()),
        waits,
        verdict,
    })
}
