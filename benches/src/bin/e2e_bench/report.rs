//! Samples as tables and documents.

use anyhow::Result;
use serde::Serialize;

use crate::args::Format;
use crate::environment::{Environment, peak_memory_mb};
use crate::measure::{Sample, ratio};
use crate::playback::Playback;
use crate::texts::Text;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    environment: Environment,
    rows: Vec<Row>,
}

/// The samples of a text.
#[derive(Debug, Serialize)]
struct Row {
    label: &'static str,
    words: usize,
    /// Medians of the samples.
    median: Median,
    peak_memory_mb: f64,
    samples: Vec<Sample>,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Median {
    wall_ms: f64,
    audio_secs: f64,
    rtf: f64,
    tokens_per_second: f64,
    prefill_ms: f64,
    generate_ms: f64,
    decode_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    playback: Option<Playback>,
}

impl Median {
    fn of(samples: &[Sample]) -> Self {
        let of = |value: fn(&Sample) -> f64| median(samples.iter().map(value).collect());
        let streams: Vec<Playback> = samples.iter().filter_map(|sample| sample.playback).collect();
        let of_streams = |value: fn(&Playback) -> f64| median(streams.iter().map(value).collect());
        Self {
            wall_ms: of(|s| s.wall_ms),
            audio_secs: of(|s| s.audio_secs),
            rtf: of(Sample::rtf),
            tokens_per_second: of(Sample::tokens_per_second),
            prefill_ms: of(|s| s.prefill_ms),
            generate_ms: of(|s| s.generate_ms),
            decode_ms: of(|s| s.decode_ms),
            playback: (!streams.is_empty()).then(|| Playback {
                first_byte_ms: of_streams(|p| p.first_byte_ms),
                playable_ms: of_streams(|p| p.playable_ms),
                audible_ms: of_streams(|p| p.audible_ms),
                underruns: of_streams(|p| p.underruns as f64) as usize,
                dry_ms: of_streams(|p| p.dry_ms),
            }),
        }
    }
}

/// The middle value, or the mean of the two in the middle; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    match (values.get(half), values.len() % 2) {
        (Some(&upper), 0) => {
            values.get(half - 1).map_or(upper, |lower| f64::midpoint(*lower, upper))
        }
        (Some(&middle), _) => middle,
        (None, _) => 0.0,
    }
}

impl Report {
    pub(crate) fn new(environment: Environment) -> Self {
        Self { environment, rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, text: &Text, samples: Vec<Sample>) {
        self.rows.push(Row {
            label: text.label,
            words: text.words(),
            median: Median::of(&samples),
            peak_memory_mb: peak_memory_mb(),
            samples,
        });
    }

    pub(crate) fn print(&self, format: Format, streaming: bool) -> Result<()> {
        let text = match format {
            Format::Table => table(&self.cells(streaming)),
            Format::Md => markdown(&self.cells(streaming)),
            Format::Csv => csv(&self.cells(streaming)),
            Format::Json => serde_json::to_string_pretty(self)? + "\n",
            Format::Jsonl => self.lines()?,
        };
        print!("{text}");
        Ok(())
    }

    /// One line for every sample.
    fn lines(&self) -> Result<String> {
        #[derive(Serialize)]
        struct Line<'a> {
            label: &'a str,
            iteration: usize,
            #[serde(flatten)]
            sample: &'a Sample,
            environment: &'a Environment,
        }
        let mut text = String::new();
        for row in &self.rows {
            for (iteration, sample) in row.samples.iter().enumerate() {
                let line =
                    Line { label: row.label, iteration, sample, environment: &self.environment };
                text += &serde_json::to_string(&line)?;
                text.push('\n');
            }
        }
        Ok(text)
    }

    /// The header and a row of cells for every text.
    fn cells(&self, streaming: bool) -> Vec<Vec<String>> {
        let header: &[&str] = if streaming {
            &[
                "Label",
                "Words",
                "First byte (ms)",
                "Playable (ms)",
                "Audible (ms)",
                "Underruns",
                "Dry (ms)",
                "Wall (ms)",
                "Audio (s)",
                "RTF",
                "Mem (MB)",
            ]
        } else {
            &[
                "Label",
                "Words",
                "Wall (ms)",
                "Audio (s)",
                "RTF",
                "Tok/s",
                "Mem (MB)",
                "Prefill",
                "Generate",
                "Decode",
            ]
        };
        let header = header.iter().map(|&name| name.to_owned()).collect();
        std::iter::once(header).chain(self.rows.iter().map(|row| row.cells(streaming))).collect()
    }
}

impl Row {
    fn cells(&self, streaming: bool) -> Vec<String> {
        let m = &self.median;
        let share = |ms: f64| format!("{ms:.0}ms ({:.0}%)", 100.0 * ratio(ms, m.wall_ms));
        let mut cells = vec![self.label.to_owned(), self.words.to_string()];
        let memory = format!("{:.0}", self.peak_memory_mb);
        if streaming {
            let p = m.playback.unwrap_or_default();
            cells.extend(
                [p.first_byte_ms, p.playable_ms, p.audible_ms].map(|ms| format!("{ms:.1}")),
            );
            cells.extend([p.underruns.to_string(), format!("{:.1}", p.dry_ms)]);
            cells.extend([format!("{:.1}", m.wall_ms), format!("{:.2}", m.audio_secs)]);
            cells.extend([format!("{:.3}", m.rtf), memory]);
        } else {
            cells.extend([format!("{:.1}", m.wall_ms), format!("{:.2}", m.audio_secs)]);
            cells.extend([format!("{:.3}", m.rtf), format!("{:.1}", m.tokens_per_second), memory]);
            cells.extend([m.prefill_ms, m.generate_ms, m.decode_ms].map(share));
        }
        cells
    }
}

/// Columns as wide as their widest cell, the first one to the left.
fn table(cells: &[Vec<String>]) -> String {
    let columns = cells.first().map_or(0, Vec::len);
    let width =
        |column: usize| cells.iter().filter_map(|row| row.get(column)).map(String::len).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for (number, row) in cells.iter().enumerate() {
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(width.saturating_sub(cell.len()));
            let parts =
                if column == 0 { [cell, padding.as_str()] } else { [padding.as_str(), cell] };
            text.push_str(if column == 0 { "" } else { "  " });
            text.extend(parts);
        }
        text += if number == 0 { "\n----\n" } else { "\n" };
    }
    text
}

fn markdown(cells: &[Vec<String>]) -> String {
    let line = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
    let rule = |row: &Vec<String>| format!("|{}\n", " --- |".repeat(row.len()));
    let (header, rows) = (cells.iter().take(1), cells.iter().skip(1));
    header.map(|row| line(row) + &rule(row)).chain(rows.map(line)).collect()
}

/// No cell has a comma or a quotation mark in it.
fn csv(cells: &[Vec<String>]) -> String {
    cells.iter().map(|row| row.join(",") + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(vec![]), 0.0);
    }

    #[test]
    fn tables_align_and_have_a_rule() {
        let cells =
            [["Label", "Words"], ["short", "13"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&cells), "Label  Words\n----\nshort     13\n");
        assert_eq!(markdown(&cells), "| Label | Words |\n| --- | --- |\n| short | 13 |\n");
        assert_eq!(csv(&cells), "Label,Words\nshort,13\n");
    }
}
