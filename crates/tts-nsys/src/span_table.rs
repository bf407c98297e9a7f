//! Time of CPU and GPU by span.

use serde::Serialize;

use crate::range_tree::RangeTree;
use crate::trace::{Range, length};
use crate::window::Windows;

/// One span: all NVTX ranges of one name below one parent.
#[derive(Debug, Clone, Serialize)]
pub struct SpanRow {
    /// Name of the NVTX range.
    pub name: String,
    /// How many spans are around it.
    pub depth: usize,
    /// Ranges in the analysed time.
    pub count: usize,
    /// Time in the ranges on the CPU, inner spans included.
    pub cpu_ns: u64,
    /// Time of the GPU on what was launched here, inner spans included; work that ran
    /// at once on several streams counts for each.
    pub gpu_ns: u64,
    /// The part of it that was launched outside any inner span.
    pub gpu_self_ns: u64,
    /// Kernels, graphs, copies and fills launched, inner spans included.
    pub launches: usize,
    /// Kernel gaps while the launching thread was here and in no inner span.
    pub gap_ns: u64,
}

/// What one span launched itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Launched {
    pub(crate) gpu_ns: u64,
    pub(crate) launches: usize,
}

/// The spans with ranges in the windows, each below its parent, in order of their begin.
pub(crate) fn rows(
    ranges: &[Range],
    tree: &RangeTree,
    windows: &Windows,
    launched: &[Launched],
    gaps: &[u64],
) -> Vec<SpanRow> {
    let mut rows: Vec<SpanRow> = (tree.spans.iter().enumerate())
        .map(|(at, span)| SpanRow {
            name: span.name.to_string(),
            depth: tree.ancestors(at).count(),
            count: 0,
            cpu_ns: 0,
            gpu_ns: 0,
            gpu_self_ns: launched[at].gpu_ns,
            launches: 0,
            gap_ns: gaps[at],
        })
        .collect();
    for (at, range) in ranges.iter().enumerate() {
        let interval = (range.start, range.end);
        let inside = windows.share(interval);
        let empty = length(range.start, range.end) == 0 && windows.contain(range.start);
        if inside > 0 || empty {
            let row = &mut rows[tree.span(at)];
            row.count += 1;
            row.cpu_ns = row.cpu_ns.saturating_add(inside);
        }
    }
    for (at, own) in launched.iter().enumerate() {
        for span in std::iter::once(at).chain(tree.ancestors(at)) {
            let row = &mut rows[span];
            row.gpu_ns = row.gpu_ns.saturating_add(own.gpu_ns);
            row.launches += own.launches;
        }
    }
    let mut rows: Vec<Option<SpanRow>> = rows.into_iter().map(Some).collect();
    in_order(tree)
        .into_iter()
        .filter_map(|at| rows[at].take())
        .filter(|row| row.count > 0)
        .collect()
}

/// Each span after its parent, children in the order in which they were first seen.
fn in_order(tree: &RangeTree) -> Vec<usize> {
    let mut children = vec![Vec::new(); tree.spans.len()];
    let mut waiting = Vec::new();
    for (at, span) in tree.spans.iter().enumerate().rev() {
        match span.parent {
            Some(parent) => children[parent].push(at),
            None => waiting.push(at),
        }
    }
    let mut order = Vec::new();
    while let Some(at) = waiting.pop() {
        order.push(at);
        waiting.append(&mut children[at]);
    }
    order
}
