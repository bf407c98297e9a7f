//! The time in which no kernel runs.

use std::cmp::Reverse;

use serde::Serialize;

use crate::range_tree::RangeTree;
use crate::trace::{GpuWork, Trace, length, total};
use crate::window::Windows;

/// How many gaps are listed.
const LISTED: usize = 10;

/// A gap from this length on is work of the CPU; shorter ones are the price of launches.
pub(crate) const LONG_GAP_NS: u64 = 50_000;

/// The gaps between kernels: stretches of the analysed time in which no kernel and no
/// graph runs on any stream.
#[derive(Debug, Clone, Default, Serialize)]
pub struct GapSummary {
    /// How many there are.
    pub count: usize,
    /// Their sum. With [`Report::busy_ns`](crate::Report::busy_ns) it makes the whole.
    pub total_ns: u64,
    /// Sum of those of 50 µs and more.
    pub long_ns: u64,
    /// Half of the gaps are no longer.
    pub p50_ns: u64,
    /// 95 of 100 gaps are no longer.
    pub p95_ns: u64,
    /// The longest.
    pub max_ns: u64,
    /// The longest ones, the longest first.
    pub longest: Vec<Gap>,
}

/// One gap.
#[derive(Debug, Clone, Serialize)]
pub struct Gap {
    /// Begin, from the begin of the analysed time.
    pub at_ns: u64,
    /// Length.
    pub length_ns: u64,
    /// The span in which the launching thread was for most of it.
    pub span: Option<String>,
    /// The kernel that ends it; none at the end of a window.
    pub next: Option<String>,
}

/// The gaps, and the time that each span was innermost during one, by span.
pub(crate) struct Gaps {
    pub(crate) summary: GapSummary,
    pub(crate) in_span: Vec<u64>,
}

impl Gaps {
    pub(crate) fn new(trace: &Trace, tree: &RangeTree, windows: &Windows, thread: i64) -> Self {
        let mut kernels: Vec<&GpuWork> =
            trace.work.iter().filter(|work| work.kind.computes()).collect();
        kernels.sort_by_key(|work| work.start);
        let mut found = between(&kernels, windows);
        let mut in_span = vec![0_u64; tree.spans.len()];
        for gap in &found {
            for (span, spent) in tree.split(thread, gap.interval) {
                in_span[span] = in_span[span].saturating_add(spent);
            }
        }
        found.sort_by_key(|gap| (Reverse(gap.length()), gap.interval));
        let lengths: Vec<u64> = found.iter().rev().map(Found::length).collect();
        let longest = found.iter().take(LISTED).map(|gap| Gap {
            at_ns: length(windows.intervals.first().map_or(0, |first| first.0), gap.interval.0),
            length_ns: gap.length(),
            span: mostly_in(tree, thread, gap.interval),
            next: gap.next.map(|work| work.name.to_string()),
        });
        let summary = GapSummary {
            count: lengths.len(),
            total_ns: total(lengths.iter().copied()),
            long_ns: total(lengths.iter().copied().filter(|&gap| gap >= LONG_GAP_NS)),
            p50_ns: percentile(&lengths, 50),
            p95_ns: percentile(&lengths, 95),
            max_ns: lengths.last().copied().unwrap_or(0),
            longest: longest.collect(),
        };
        Self { summary, in_span }
    }
}

struct Found<'a> {
    interval: (i64, i64),
    next: Option<&'a GpuWork>,
}

impl Found<'_> {
    fn length(&self) -> u64 {
        length(self.interval.0, self.interval.1)
    }
}

/// What the kernels, in order of their begin, leave of the windows.
fn between<'a>(kernels: &[&'a GpuWork], windows: &Windows) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    let mut kernels = kernels.iter().peekable();
    // The GPU is busy until then with kernels that began before.
    let mut busy = i64::MIN;
    for &(start, end) in &windows.intervals {
        let mut at = start;
        while let Some(&work) = kernels.next_if(|work| work.start < end) {
            at = at.max(busy);
            if work.start > at {
                found.push(Found { interval: (at, work.start), next: Some(work) });
            }
            busy = busy.max(work.end);
        }
        at = at.max(busy);
        if at < end {
            found.push(Found { interval: (at, end), next: None });
        }
    }
    found
}

fn mostly_in(tree: &RangeTree, thread: i64, interval: (i64, i64)) -> Option<String> {
    let mut spent: Vec<(usize, u64)> = Vec::new();
    for (span, part) in tree.split(thread, interval) {
        match spent.iter_mut().find(|(known, _)| *known == span) {
            Some((_, sum)) => *sum = sum.saturating_add(part),
            None => spent.push((span, part)),
        }
    }
    let outside = length(interval.0, interval.1).saturating_sub(total(spent.iter().map(|s| s.1)));
    let (span, most) = spent.into_iter().max_by_key(|&(_, sum)| sum)?;
    (most >= outside).then(|| tree.path(span))
}

/// The value that `percent` of 100 do not exceed (nearest rank); 0 of none.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::trace::{CallId, WorkKind};

    fn kernel(start: i64, end: i64) -> GpuWork {
        let id = CallId { process: 0, correlation: 0 };
        GpuWork { kind: WorkKind::Kernel, name: Arc::from("k"), start, end, bytes: 0, id }
    }

    fn gaps(kernels: &[GpuWork], intervals: &[(i64, i64)]) -> Vec<(i64, i64)> {
        let windows = Windows { intervals: intervals.to_vec(), ..Windows::default() };
        let kernels: Vec<_> = kernels.iter().collect();
        between(&kernels, &windows).iter().map(|gap| gap.interval).collect()
    }

    #[test]
    fn gaps_are_what_the_kernels_leave_of_the_window() {
        assert_eq!(gaps(&[kernel(2, 4), kernel(7, 9)], &[(0, 10)]), [(0, 2), (4, 7), (9, 10)]);
        assert_eq!(gaps(&[kernel(0, 5), kernel(5, 10)], &[(0, 10)]), []);
        assert_eq!(gaps(&[], &[(3, 8)]), [(3, 8)]);
    }

    #[test]
    fn kernels_that_run_at_once_leave_one_gap() {
        let kernels = [kernel(0, 6), kernel(1, 3), kernel(8, 10)];
        assert_eq!(gaps(&kernels, &[(0, 10)]), [(6, 8)]);
    }

    #[test]
    fn a_kernel_reaches_from_one_window_into_the_next() {
        let kernels = [kernel(5, 25), kernel(27, 30)];
        assert_eq!(gaps(&kernels, &[(0, 10), (20, 30)]), [(0, 5), (25, 27)]);
    }

    #[test]
    fn kernels_outside_the_windows_count_for_nothing() {
        let kernels = [kernel(0, 5), kernel(12, 14), kernel(40, 50)];
        assert_eq!(gaps(&kernels, &[(10, 20)]), [(10, 12), (14, 20)]);
    }

    #[test]
    fn percentiles_are_values_that_occur() {
        let lengths: Vec<u64> = (1..=100).collect();
        assert_eq!((percentile(&lengths, 50), percentile(&lengths, 95)), (50, 95));
        assert_eq!((percentile(&[7], 50), percentile(&[7], 95), percentile(&[], 50)), (7, 7, 0));
    }
}
