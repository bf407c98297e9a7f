//! What a GPU did: its time for each stage, and its kernels.

use std::fmt::Write;

use super::data::{Gpu, GpuRow, StageRow};
use super::html::{Cell, Text, grouped, percent, table};

/// Kernels in the table.
const TOP: usize = 20;

pub(super) fn section(gpu: &Gpu, stages: &[StageRow]) -> String {
    let mut html = String::new();
    if let (Some(busy_ms), Some(share)) = (gpu.busy_ms, gpu.busy_share) {
        let share = percent(share);
        _ = writeln!(html, "<p>Busy for <b>{busy_ms:.1} ms</b>, {share} of the time.</p>");
    }
    for unknown in &gpu.unknown {
        _ = writeln!(html, "<p class=\"note\">No {}</p>", Text(unknown));
    }
    if gpu.lost > 0 {
        let lost = grouped(gpu.lost);
        _ = writeln!(html, "<p class=\"note\">Records of work that were lost: {lost}.</p>");
    }
    let asked = stages.iter().filter(|stage| stage.gpu_ms > 0.0);
    let rows: Vec<_> = asked
        .map(|stage| {
            vec![
                Cell::Words(stage.stage.clone()),
                Cell::Number(format!("{:.3}", stage.gpu_ms)),
                Cell::Number(format!("{:.1}", stage.time.total_ms)),
            ]
        })
        .collect();
    html.push_str(&table("Stages on the GPU", &["stage", "GPU ms", "total ms"], &rows));
    if gpu.busy_ms.is_none() {
        html.push_str(
            "<p class=\"note\">By the marks of spans in its queue, pauses included.</p>\n",
        );
        return html;
    }
    let all: f64 = gpu.work.iter().map(|row| row.total_ms).sum();
    let rows: Vec<_> = gpu.work.iter().take(TOP).map(|row| kernel(row, all)).collect();
    html.push_str(&table("Work", &["work", "share", "total ms", "count", "mean µs"], &rows));
    if gpu.work.len() > TOP {
        let all = grouped(gpu.work.len() as u64);
        _ = writeln!(html, "<p class=\"note\">The first {TOP} of {all}.</p>");
    }
    html
}

fn kernel(row: &GpuRow, all_ms: f64) -> Vec<Cell> {
    vec![
        Cell::Words(row.name.clone()),
        Cell::Share(row.total_ms / all_ms.max(f64::MIN_POSITIVE)),
        Cell::Number(format!("{:.3}", row.total_ms)),
        Cell::Number(grouped(row.count as u64)),
        Cell::Number(format!("{:.2}", row.total_ms * 1e3 / row.count.max(1) as f64)),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stages() -> Vec<StageRow> {
        let stage = |stage: &str, gpu_ms: f64| json!({"stage": stage, "count": 1, "total_ms": 9.0, "mean_ms": 9.0, "p50_ms": 9.0, "p95_ms": 9.0, "max_ms": 9.0, "share": 1.0, "self_ms": 9.0, "gpu_ms": gpu_ms, "allocations": 0, "allocated_bytes": 0});
        serde_json::from_value(json!([stage("talker_step", 4.5), stage("load", 0.0)])).unwrap()
    }

    #[test]
    fn kernels_and_the_stages_that_asked_for_them_have_rows() {
        let work: Vec<_> = (0..21)
            .map(|n| json!({"name": format!("k<{n}>"), "count": 2, "total_ms": 1.0}))
            .collect();
        let gpu =
            json!({"busy_ms": 21.0, "busy_share": 0.5, "work": work, "lost": 3, "unknown": []});
        let html = section(&serde_json::from_value(gpu).unwrap(), &stages());
        assert!(html.contains("talker_step</th><td class=\"number\">4.500</td>"), "{html}");
        assert!(!html.contains("load"), "{html}");
        assert!(html.contains("k&lt;19&gt;") && !html.contains("k&lt;20&gt;"), "{html}");
        assert!(
            html.contains("lost: 3.")
                && html.contains("The first 20 of 21.")
                && html.contains("500.00"),
            "{html}"
        );
    }

    #[test]
    fn without_kernels_there_is_no_table_of_them() {
        let gpu = json!({"busy_ms": null, "busy_share": null, "work": [], "lost": 0, "unknown": ["kernels: a < b"]});
        let html = section(&serde_json::from_value(gpu).unwrap(), &stages());
        assert!(html.contains("pauses included") && !html.contains("Busy"), "{html}");
        assert!(html.contains("No kernels: a &lt; b"), "{html}");
    }
}
