//! What `e2e_bench -o json` reports.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

/// What is compared: its name, and where a sample has it, in milliseconds.
pub(super) const METRICS: [(&str, &str); 5] = [
    ("wall", "/wall_ms"),
    ("first byte", "/playback/first_byte_ms"),
    ("prefill", "/prefill_ms"),
    ("generate", "/generate_ms"),
    ("decode", "/decode_ms"),
];

/// Samples of some texts.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Results {
    /// What the figures depend on.
    pub(super) environment: Map<String, Value>,
    pub(super) rows: Vec<Row>,
}

/// Samples of a text.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Row {
    pub(super) label: String,
    /// Length of what was spoken.
    pub(super) frames: Vec<f64>,
    /// Of each of [`METRICS`], the values of all samples that have it.
    pub(super) metrics: [Vec<f64>; METRICS.len()],
}

impl Results {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        let results = Self::parse(&text);
        results.with_context(|| format!("{} is no result of `e2e_bench -o json`", path.display()))
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(text)?;
        let environment = report.get("environment").and_then(Value::as_object).cloned();
        let rows = report.get("rows").and_then(Value::as_array).context("no `rows`")?;
        let rows: Vec<Row> = rows.iter().map(Row::parse).collect::<Result<_>>()?;
        ensure!(!rows.is_empty(), "no rows");
        Ok(Self { environment: environment.unwrap_or_default(), rows })
    }

    /// Adds the samples of another run.
    pub(super) fn absorb(&mut self, run: Self) {
        self.environment = run.environment;
        for new in run.rows {
            match self.rows.iter_mut().find(|row| row.label == new.label) {
                Some(row) => row.absorb(new),
                None => self.rows.push(new),
            }
        }
    }
}

impl Row {
    fn parse(row: &Value) -> Result<Self> {
        let label = row.get("label").and_then(Value::as_str).context("a row without `label`")?;
        let samples = row.get("samples").and_then(Value::as_array);
        let samples = samples.with_context(|| format!("row {label} has no `samples`"))?;
        let values = |pointer: &str| -> Vec<f64> {
            samples.iter().filter_map(|sample| sample.pointer(pointer)?.as_f64()).collect()
        };
        let row = Self {
            label: label.to_owned(),
            frames: values("/frames"),
            metrics: METRICS.map(|(_, pointer)| values(pointer)),
        };
        let [wall, ..] = &row.metrics;
        ensure!(!wall.is_empty(), "row {label} has no sample with `wall_ms`");
        Ok(row)
    }

    fn absorb(&mut self, new: Self) {
        self.frames.extend(new.frames);
        for (values, more) in self.metrics.iter_mut().zip(new.metrics) {
            values.extend(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULT: &str = r#"{
        "environment": {"cpu": "Z80", "threads": 1},
        "rows": [{"label": "short", "words": 13, "samples": [
            {"wall_ms": 10.0, "frames": 25, "prefill_ms": 1.0, "generate_ms": 5, "decode_ms": 3.5},
            {"wall_ms": 11.0, "frames": 25, "prefill_ms": 1.5, "generate_ms": 6, "decode_ms": 3.0,
             "playback": {"first_byte_ms": 2.0}}
        ]}]
    }"#;

    #[test]
    fn samples_become_columns() {
        let results = Results::parse(RESULT).unwrap();
        assert_eq!(results.environment["cpu"], "Z80");
        let [row] = &results.rows[..] else { panic!("{results:?}") };
        assert_eq!((row.label.as_str(), &row.frames[..]), ("short", &[25.0, 25.0][..]));
        let expected: [&[f64]; 5] = [&[10.0, 11.0], &[2.0], &[1.0, 1.5], &[5.0, 6.0], &[3.5, 3.0]];
        assert_eq!(row.metrics, expected.map(<[f64]>::to_vec));
    }

    #[test]
    fn runs_of_one_program_are_put_together() {
        let mut results = Results::default();
        results.absorb(Results::parse(RESULT).unwrap());
        results.absorb(Results::parse(RESULT).unwrap());
        results.absorb(Results::parse(&RESULT.replace("short", "long")).unwrap());
        let sizes: Vec<_> = results.rows.iter().map(|row| row.metrics[0].len()).collect();
        assert_eq!(sizes, [4, 2]);
    }

    #[test]
    fn other_files_are_refused() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"rows": []}"#,
            r#"{"rows": [{"samples": []}]}"#,
            r#"{"rows": [{"label": "short"}]}"#,
            r#"{"rows": [{"label": "short", "samples": []}]}"#,
            r#"{"rows": [{"label": "short", "samples": [{"wall_ms": null}]}]}"#,
        ] {
            assert!(Results::parse(text).is_err(), "{text}");
        }
    }
}
