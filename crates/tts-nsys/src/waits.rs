//! The calls in which the CPU waits for the GPU or copies.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use crate::range_tree::RangeTree;
use crate::trace::{ApiCall, CallId, Direction, Trace, WorkKind, length};
use crate::window::Windows;

/// The waits and copies of one function in one span.
#[derive(Debug, Clone, Serialize)]
pub struct WaitRow {
    /// CUDA function, without its version suffix.
    pub call: String,
    /// Direction of the copy; none for a wait, or if the GPU recorded no copy.
    pub direction: Option<Direction>,
    /// The span it was called in.
    pub span: Option<String>,
    /// Calls.
    pub count: usize,
    /// Time of the CPU in them.
    pub total_ns: u64,
    /// The longest one.
    pub max_ns: u64,
    /// Bytes copied.
    pub bytes: u64,
}

/// A copy that the GPU recorded.
#[derive(Debug, Clone, Copy)]
struct Copied {
    direction: Direction,
    bytes: u64,
}

/// The rows of all calls in the windows, the most time first.
pub(crate) fn rows(trace: &Trace, tree: &RangeTree, windows: &Windows) -> Vec<WaitRow> {
    let mut copies: HashMap<CallId, Copied> = HashMap::new();
    for work in trace.work.iter().filter(|work| work.id.is_known()) {
        if let WorkKind::Copy(direction) = work.kind {
            copies.insert(work.id, Copied { direction, bytes: work.bytes });
        }
    }
    let recorded: HashSet<CallId> =
        trace.waits.iter().copied().filter(|id| id.is_known()).collect();
    let mut rows: BTreeMap<(&str, Option<Direction>, Option<usize>), WaitRow> = BTreeMap::new();
    for call in trace.calls.iter().filter(|call| windows.contain(call.start)) {
        let name = base_name(&call.name);
        if !(waits_or_copies(name) || recorded.contains(&call.id)) {
            continue;
        }
        let copied = copies.get(&call.id).copied();
        let direction = copied.map(|copy| copy.direction);
        let span = tree.innermost(call.thread, call.start);
        let row = rows.entry((name, direction, span)).or_insert_with(|| WaitRow {
            call: name.to_string(),
            direction,
            span: span.map(|span| tree.path(span)),
            count: 0,
            total_ns: 0,
            max_ns: 0,
            bytes: 0,
        });
        row.add(call, copied.map_or(0, |copy| copy.bytes));
    }
    let mut rows: Vec<_> = rows.into_values().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.total_ns));
    rows
}

impl WaitRow {
    fn add(&mut self, call: &ApiCall, bytes: u64) {
        let spent = length(call.start, call.end);
        self.count += 1;
        self.total_ns = self.total_ns.saturating_add(spent);
        self.max_ns = self.max_ns.max(spent);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// `cudaMemcpyAsync` of `cudaMemcpyAsync_v3020`, `cuMemFree` of `cuMemFree_v2_ptsz`.
fn base_name(name: &str) -> &str {
    let name = name.strip_suffix("_ptsz").or_else(|| name.strip_suffix("_ptds")).unwrap_or(name);
    match name.rsplit_once("_v") {
        Some((base, version)) if version.bytes().all(|byte| byte.is_ascii_digit()) => base,
        _ => name,
    }
}

/// Whether a function waits for the GPU by its contract, or copies memory, for which it
/// waits unless the memory of the host is pinned.
fn waits_or_copies(name: &str) -> bool {
    const FREES: [&str; 2] = ["cudaFree", "cuMemFree"];
    name.ends_with("Synchronize")
        || name.starts_with("cudaMemcpy")
        || name.starts_with("cuMemcpy")
        || FREES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_suffixes_are_left_out() {
        assert_eq!(base_name("cudaMemcpyAsync_v3020"), "cudaMemcpyAsync");
        assert_eq!(base_name("cuMemcpyDtoHAsync_v2"), "cuMemcpyDtoHAsync");
        assert_eq!(base_name("cudaStreamSynchronize_v3020_ptsz"), "cudaStreamSynchronize");
        assert_eq!(base_name("cuStreamSynchronize"), "cuStreamSynchronize");
        assert_eq!(base_name("cuda_vector"), "cuda_vector");
    }

    #[test]
    fn waits_are_told_from_launches() {
        for name in [
            "cudaStreamSynchronize",
            "cuEventSynchronize",
            "cuCtxSynchronize",
            "cudaMemcpy",
            "cudaMemcpyAsync",
            "cuMemcpyDtoHAsync",
            "cudaFree",
            "cuMemFree",
        ] {
            assert!(waits_or_copies(name), "{name}");
        }
        for name in ["cudaLaunchKernel", "cuStreamWaitEvent", "cuMemFreeAsync", "cuMemsetD8Async"] {
            assert!(!waits_or_copies(name), "{name}");
        }
    }
}
