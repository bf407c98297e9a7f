//! GPU time by kernel.

use std::collections::HashMap;

use serde::Serialize;

use crate::trace::{GpuWork, length};

/// How many kernels are listed.
const LISTED: usize = 10;

/// All launches of one kernel.
#[derive(Debug, Clone, Serialize)]
pub struct KernelRow {
    /// Name without template arguments.
    pub name: String,
    /// Launches.
    pub count: usize,
    /// Sum of their time on the GPU.
    pub total_ns: u64,
}

/// The kernels that take most of the time, the largest first.
pub(crate) fn rows<'a>(work: impl Iterator<Item = &'a GpuWork>) -> Vec<KernelRow> {
    let mut kernels: HashMap<&str, KernelRow> = HashMap::new();
    for work in work.filter(|work| work.kind.computes()) {
        let row = kernels.entry(&work.name).or_insert_with(|| KernelRow {
            name: work.name.to_string(),
            count: 0,
            total_ns: 0,
        });
        row.count += 1;
        row.total_ns = row.total_ns.saturating_add(length(work.start, work.end));
    }
    let mut rows: Vec<_> = kernels.into_values().collect();
    rows.sort_by(|a, b| b.total_ns.cmp(&a.total_ns).then_with(|| a.name.cmp(&b.name)));
    rows.truncate(LISTED);
    rows
}
