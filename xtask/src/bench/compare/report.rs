//! What is printed.

use std::fmt::Write;

use serde_json::{Value, json};

use super::verdict::{Compared, Verdict};

/// A comparison, to be printed.
pub(super) struct Report<'a> {
    pub(super) a: &'a str,
    pub(super) b: &'a str,
    /// How it was measured.
    pub(super) method: &'a str,
    /// Smallest change that matters, as a share.
    pub(super) threshold: f64,
    pub(super) warnings: &'a [String],
    pub(super) rows: &'a [Compared],
}

impl Report<'_> {
    /// Whether B is not slower anywhere.
    pub(super) fn passed(&self) -> bool {
        self.rows.iter().all(|row| row.verdict != Verdict::Slower)
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("A: {}\nB: {}\n{}\n", self.a, self.b, self.method);
        if !self.warnings.is_empty() {
            text += "A and B differ:\n";
            for warning in self.warnings {
                _ = writeln!(text, "  {warning}");
            }
        }
        text.push('\n');
        text + &aligned(&self.cells())
    }

    fn cells(&self) -> Vec<[String; 7]> {
        let header = ["Label", "Metric", "A (ms)", "B (ms)", "B/A", "95 % interval", "Verdict"];
        let header = header.map(str::to_owned);
        let rows = self.rows.iter().map(|row| {
            let ratio = row.ratio;
            [
                row.label.clone(),
                row.metric.to_owned(),
                format!("{:.2}", row.a_ms),
                format!("{:.2}", row.b_ms),
                format!("{:.3}", ratio.value),
                format!("{:.3} to {:.3}", ratio.low, ratio.high),
                row.verdict.to_string(),
            ]
        });
        std::iter::once(header).chain(rows).collect()
    }

    pub(super) fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({
                "label": row.label,
                "metric": row.metric,
                "a_ms": row.a_ms,
                "b_ms": row.b_ms,
                "samples": row.samples,
                "ratio": row.ratio.value,
                "low": row.ratio.low,
                "high": row.ratio.high,
                "verdict": row.verdict.words(),
            })
        });
        json!({
            "a": self.a,
            "b": self.b,
            "method": self.method,
            "threshold": self.threshold,
            "differences": self.warnings,
            "rows": rows.collect::<Vec<_>>(),
            "passed": self.passed(),
        })
    }
}

/// `rows`, a line each, in columns as wide as their widest cell.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let widths = rows.iter().filter_map(|row| row.get(column)).map(String::len);
            let width = widths.max().unwrap_or(0);
            _ = write!(line, "{cell:width$}  ");
        }
        _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::bootstrap::Ratio;
    use super::*;

    fn row(verdict: Verdict) -> Compared {
        Compared {
            label: "short".into(),
            metric: "wall",
            a_ms: 100.0,
            b_ms: 110.0,
            samples: [5, 5],
            ratio: Ratio { value: 1.1, low: 1.05, high: 1.15 },
            verdict,
        }
    }

    fn report(rows: &[Compared]) -> Report<'_> {
        Report { a: "one", b: "two", method: "by hand", threshold: 0.02, warnings: &[], rows }
    }

    #[test]
    fn rows_are_aligned_below_their_names() {
        let text = report(&[row(Verdict::Slower)]).text();
        let expected = "A: one\nB: two\nby hand\n\n\
            Label  Metric  A (ms)  B (ms)  B/A    95 % interval   Verdict\n\
            short  wall    100.00  110.00  1.100  1.050 to 1.150  slower\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn only_something_slower_fails() {
        assert!(report(&[row(Verdict::Faster), row(Verdict::NoDifferenceShown)]).passed());
        assert!(!report(&[row(Verdict::Faster), row(Verdict::Slower)]).passed());
    }

    #[test]
    fn json_has_everything() {
        let json = report(&[row(Verdict::Slower)]).json();
        assert_eq!(json["passed"], false);
        assert_eq!(json["rows"][0]["verdict"], "slower");
        assert_eq!(json["rows"][0]["samples"], json!([5, 5]));
    }
}
