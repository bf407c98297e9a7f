//! The figures that everybody asks for first.

use std::fmt::Write;

use super::data::{Row, Summary};
use super::frames::{BUDGET_MS, FRAMES_PER_SECOND};
use super::html::{Cell, Text, table};
use super::syncs;

/// `row`, and all rows if there are more.
pub(super) fn section(row: &Row, rows: &[Row], summary: &Summary) -> String {
    let median = &row.median;
    let mut figures = vec![
        ("Real-time factor", format!("{:.3}", median.rtf), speed(median.rtf)),
        (
            "Audio",
            format!("{:.2} s", median.audio_secs),
            format!("made in {:.2} s", median.wall_ms / 1e3),
        ),
        (
            "Frames a second",
            format!("{:.1}", median.tokens_per_second),
            format!("{FRAMES_PER_SECOND} keep up with playback"),
        ),
    ];
    if let Some(playback) = &median.playback {
        figures.push((
            "First sound",
            format!("{:.0} ms", playback.audible_ms),
            format!("first byte after {:.0} ms", playback.first_byte_ms),
        ));
        figures.push(("Underruns", playback.underruns.to_string(), "of playback".into()));
    }
    if summary.frames.time.count > 0 {
        figures.push((
            "Slowest frame",
            format!("{:.1} ms", summary.frames.time.max_ms),
            format!("{}budget {BUDGET_MS} ms", if rows.len() > 1 { "of all texts; " } else { "" }),
        ));
    }
    figures.push((
        "Waits a frame",
        format!("{:.2}", syncs::per_frame(summary)),
        "of the host for the device".into(),
    ));
    figures.push(("Memory", format!("{:.0} MB", row.peak_memory_mb), "peak of the process".into()));

    let mut html = String::from("<dl class=\"figures\">\n");
    for (name, value, note) in figures {
        let (name, value, note) = (Text(name), Text(value), Text(note));
        _ = writeln!(
            html,
            "<div><dt>{name}</dt><dd>{value}</dd><dd class=\"note\">{note}</dd></div>"
        );
    }
    let runs = match row.samples.len() {
        1 => "one run".into(),
        runs => format!("the median of {runs} runs"),
    };
    _ = writeln!(
        html,
        "</dl>\n<p class=\"note\">Text “{}”, {} words, {runs}.</p>",
        Text(&row.label),
        row.words
    );
    if rows.len() > 1 {
        html.push_str(&all(rows));
    }
    html
}

fn speed(rtf: f64) -> String {
    if rtf <= 0.0 {
        "nothing was said".into()
    } else if rtf <= 1.0 {
        format!("{:.1} × as fast as heard", 1.0 / rtf)
    } else {
        format!("{rtf:.1} × as long as heard")
    }
}

fn all(rows: &[Row]) -> String {
    let header = [
        "text",
        "words",
        "wall ms",
        "audio s",
        "RTF",
        "frames/s",
        "prefill ms",
        "generate ms",
        "decode ms",
        "MB",
    ];
    let cells = |row: &Row| {
        let m = &row.median;
        let mut cells = vec![Cell::Words(row.label.clone()), Cell::Number(row.words.to_string())];
        let numbers = [
            format!("{:.1}", m.wall_ms),
            format!("{:.2}", m.audio_secs),
            format!("{:.3}", m.rtf),
            format!("{:.1}", m.tokens_per_second),
            format!("{:.1}", m.prefill_ms),
            format!("{:.1}", m.generate_ms),
            format!("{:.1}", m.decode_ms),
            format!("{:.0}", row.peak_memory_mb),
        ];
        cells.extend(numbers.map(Cell::Number));
        cells
    };
    table("Texts", &header, &rows.iter().map(cells).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::speed;

    #[test]
    fn speed_is_told_from_the_side_of_the_listener() {
        assert_eq!(speed(0.25), "4.0 × as fast as heard");
        assert_eq!(speed(2.0), "2.0 × as long as heard");
        assert_eq!(speed(0.0), "nothing was said");
    }
}
