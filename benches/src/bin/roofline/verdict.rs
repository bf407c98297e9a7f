//! The figures as a table, and what they say.

use std::fmt::Write;

use crate::peaks::Peaks;
use crate::rows::Row;

/// The table, and the three costs that matter most.
pub(crate) fn text(peaks: &Peaks, threads: usize, rows: &[Row]) -> String {
    let mut text = format!(
        "{threads} threads read {:.1} GB/s and compute {:.1} GFLOP/s in f32\n\n\
         {:<26} {:>10} {:>10} {:>9} {:>9} {:>8} {:>9} {:>8}\n",
        peaks.bandwidth_gb_s,
        peaks.fma_gflop_s,
        "per frame",
        "MB",
        "MFLOP",
        "ms",
        "least ms",
        "GB/s",
        "GFLOP/s",
        "of roof"
    );
    for row in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<26} {:>10.1} {:>10.1} {:>9.2} {:>9.2} {:>8.1} {:>9.1} {:>7.1}%",
            row.stage,
            row.bytes / 1e6,
            row.flops / 1e6,
            row.ms,
            row.least_ms,
            row.gb_s,
            row.gflop_s,
            row.share_of_roof * 100.0
        );
        for op in &row.ops {
            let _ = writeln!(
                text,
                "  {:<24} {:>10.1} {:>10.1} {:>9} {:>9.2}",
                op.name,
                op.bytes / 1e6,
                op.flops / 1e6,
                "",
                op.least_ms
            );
        }
    }
    text.push('\n');
    for (place, row) in most_to_gain(rows).into_iter().take(3).enumerate() {
        let bound = if row.is_memory_bound(peaks) { "reading weights" } else { "arithmetic" };
        let _ = writeln!(
            text,
            "{}. {} takes {:.1} ms of a frame and needs {:.1}: {:.1} ms to gain; its roof is {bound}.",
            place + 1,
            row.stage,
            row.ms,
            row.least_ms,
            row.ms - row.least_ms
        );
    }
    let (ms, least): (f64, f64) =
        (rows.iter().map(|r| r.ms).sum(), rows.iter().map(|r| r.least_ms).sum());
    let _ = writeln!(
        text,
        "\nA frame takes {ms:.1} ms, {:.2} times its 80 ms of audio; at the roof it would be {least:.1} ms, {:.2} times.",
        ms / 80.0,
        least / 80.0
    );
    text
}

/// The stages with most time above their roof first.
fn most_to_gain(rows: &[Row]) -> Vec<&Row> {
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_by(|a, b| (b.ms - b.least_ms).total_cmp(&(a.ms - a.least_ms)));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(stage: &'static str, ms: f64, least_ms: f64) -> Row {
        Row {
            stage,
            bytes: 1e6,
            flops: 1e6,
            least_ms,
            ms,
            gb_s: 0.0,
            gflop_s: 0.0,
            share_of_roof: least_ms / ms,
            ops: vec![],
        }
    }

    #[test]
    fn what_is_furthest_from_its_roof_comes_first() {
        let rows = [row("talker_step", 50.0, 45.0), row("decode", 60.0, 20.0)];
        let peaks = Peaks { bandwidth_gb_s: 10.0, fma_gflop_s: 100.0 };
        let text = text(&peaks, 2, &rows);
        assert!(
            text.contains("1. decode takes 60.0 ms of a frame and needs 20.0: 40.0 ms to gain")
        );
        assert!(text.contains("A frame takes 110.0 ms, 1.38 times"), "{text}");
    }
}
