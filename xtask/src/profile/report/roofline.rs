//! What the stages make of the machine: a roofline plot, both axes logarithmic.

use std::fmt::Write;
use std::ops::RangeInclusive;

use super::data::{Roofline, RooflineRow};
use super::html::{Cell, Text, scaled, table};

/// Height of the plot in pixels.
const HEIGHT: f64 = 300.0;
/// Distance of two labels in pixels.
const LINE: f64 = 15.0;
/// Width of the plot on a phone, and of a letter, in pixels.
const NARROW: f64 = 280.0;
const LETTER: f64 = 7.0;

pub(super) fn section(roofline: &Roofline) -> String {
    let Roofline { bandwidth_gb_s: bandwidth, fma_gflop_s: peak, .. } = roofline;
    let mut html = Plot::of(roofline).map_or_else(String::new, |plot| plot.draw());
    _ = writeln!(
        html,
        "<p>The machine reads <b>{bandwidth:.1} GB/s</b> and does <b>{peak:.1} GFLOP/s</b>: \
         below {:.1} FLOP for each byte, memory is the roof.</p>",
        peak / bandwidth
    );
    let header =
        ["stage", "bytes", "computed", "ms", "FLOP/byte", "GB/s", "GFLOP/s", "share of the roof"];
    let cells = |row: &RooflineRow| {
        vec![
            Cell::Words(row.stage.clone()),
            Cell::Number(scaled(row.bytes, "B")),
            Cell::Number(scaled(row.flops, "FLOP")),
            Cell::Number(format!("{:.3}", row.ms)),
            Cell::Number(if row.bytes > 0.0 {
                format!("{:.2}", row.flops / row.bytes)
            } else {
                "–".into()
            }),
            Cell::Number(format!("{:.2}", row.gb_s)),
            Cell::Number(format!("{:.2}", row.gflop_s)),
            Cell::Share(row.share_of_roof),
        ]
    };
    html.push_str(&table(
        "Roofline",
        &header,
        &roofline.rows.iter().map(cells).collect::<Vec<_>>(),
    ));
    html
}

/// What is drawn, with the decades that the axes show.
struct Plot<'a> {
    bandwidth: f64,
    peak: f64,
    points: Vec<Point<'a>>,
    x: RangeInclusive<i32>,
    y: RangeInclusive<i32>,
}

struct Point<'a> {
    row: &'a RooflineRow,
    /// FLOP for each byte.
    intensity: f64,
}

impl<'a> Plot<'a> {
    /// None if there is nothing that a logarithm can place. Stages that read or compute
    /// nothing are left out.
    fn of(roofline: &'a Roofline) -> Option<Self> {
        let &Roofline { bandwidth_gb_s: bandwidth, fma_gflop_s: peak, ref rows } = roofline;
        let points: Vec<_> = rows
            .iter()
            .map(|row| Point { row, intensity: row.flops / row.bytes })
            .filter(|point| point.intensity.is_normal() && point.row.gflop_s > 0.0)
            .collect();
        if points.is_empty() || bandwidth <= 0.0 || peak <= 0.0 {
            return None;
        }
        let ridge = peak / bandwidth;
        let x = decades(points.iter().map(|point| point.intensity).chain([ridge]));
        let y = decades(points.iter().map(|point| point.row.gflop_s).chain([peak]));
        Some(Self { bandwidth, peak, points, x, y })
    }

    /// Percent from the left.
    fn left(&self, intensity: f64) -> f64 {
        100.0 * part(&self.x, intensity)
    }

    /// Pixels from the top.
    fn top(&self, gflop_s: f64) -> f64 {
        HEIGHT * (1.0 - part(&self.y, gflop_s))
    }

    fn draw(&self) -> String {
        let mut html = format!(
            "<div class=\"plot\">\n<svg class=\"roofline\" height=\"{}\" role=\"img\" \
             aria-label=\"Roofline: computation over intensity; the table below has its figures\">\n",
            HEIGHT + 40.0
        );
        self.axes(&mut html);
        self.roof(&mut html);
        self.stages(&mut html);
        _ = writeln!(
            html,
            "<text class=\"tick end\" x=\"100%\" y=\"{}\">FLOP/byte</text>\n\
             <text class=\"tick\" x=\"4\" y=\"12\">GFLOP/s</text>\n</svg>\n</div>",
            HEIGHT + 34.0
        );
        html
    }

    fn axes(&self, html: &mut String) {
        for decade in self.x.clone() {
            let value = 10_f64.powi(decade);
            let x = self.left(value);
            _ = writeln!(
                html,
                "<line class=\"grid\" x1=\"{x:.2}%\" x2=\"{x:.2}%\" y2=\"{HEIGHT}\"/>\
                 <text class=\"tick middle\" x=\"{x:.2}%\" y=\"{}\">{value}</text>",
                HEIGHT + 17.0
            );
        }
        for decade in self.y.clone() {
            let value = 10_f64.powi(decade);
            let y = self.top(value);
            _ = writeln!(
                html,
                "<line class=\"grid\" x2=\"100%\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"tick end\" x=\"-6\" y=\"{:.1}\">{value}</text>",
                y + 4.0
            );
        }
    }

    fn roof(&self, html: &mut String) {
        let ridge = self.peak / self.bandwidth;
        // The roof of the memory begins at the left edge, or where it leaves the bottom.
        let lowest = 10_f64.powi(*self.y.start()) / self.bandwidth;
        let start = 10_f64.powi(*self.x.start()).max(lowest);
        let (x1, y1) = (self.left(start), self.top(start * self.bandwidth));
        let (x2, y2) = (self.left(ridge), self.top(self.peak));
        _ = writeln!(
            html,
            "<line class=\"roof\" x1=\"{x1:.2}%\" y1=\"{y1:.1}\" x2=\"{x2:.2}%\" y2=\"{y2:.1}\"/>\
             <line class=\"roof\" x1=\"{x2:.2}%\" y1=\"{y2:.1}\" x2=\"100%\" y2=\"{y2:.1}\"/>"
        );
    }

    /// Dots with their names; a name that would lie on another one moves down.
    fn stages(&self, html: &mut String) {
        let mut points: Vec<_> = self
            .points
            .iter()
            .map(|point| (self.left(point.intensity), self.top(point.row.gflop_s), point))
            .collect();
        points.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut free = 0.0_f64;
        for (x, y, point) in points {
            let RooflineRow { stage, gb_s, gflop_s, .. } = point.row;
            let end = NARROW * x / 100.0 + LETTER * stage.chars().count() as f64;
            let (dx, class) = if end > NARROW { (-12, "end") } else { (12, "start") };
            let stage = Text(stage);
            let text_y = (y + 4.0).max(free);
            free = text_y + LINE;
            _ = writeln!(
                html,
                "<g><title>{stage}: {intensity:.2} FLOP/byte, {gb_s:.2} GB/s, \
                 {gflop_s:.2} GFLOP/s</title>\
                 <circle cx=\"{x:.2}%\" cy=\"{y:.1}\" r=\"4.5\"/>\
                 <text class=\"label {class}\" x=\"{x:.2}%\" dx=\"{dx}\" y=\"{text_y:.1}\">\
                 {stage}</text></g>",
                intensity = point.intensity
            );
        }
    }
}

/// The powers of ten around some numbers above 0.
fn decades(values: impl Iterator<Item = f64>) -> RangeInclusive<i32> {
    let (mut low, mut high) = (i32::MAX, i32::MIN);
    for value in values {
        let exponent = value.log10();
        low = low.min(exponent.floor() as i32);
        high = high.max(exponent.ceil() as i32);
    }
    low..=high.max(low.saturating_add(1))
}

/// Where a value stands in a range of decades, from 0 to 1.
fn part(decades: &RangeInclusive<i32>, value: f64) -> f64 {
    let (low, high) = (f64::from(*decades.start()), f64::from(*decades.end()));
    (value.log10() - low) / (high - low)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn roofline(bytes: f64, flops: f64) -> Roofline {
        serde_json::from_value(json!({
            "bandwidth_gb_s": 10, "fma_gflop_s": 100,
            "rows": [{"stage": "a<b", "bytes": bytes, "flops": flops, "ms": 1,
                      "gb_s": 5, "gflop_s": 10, "share_of_roof": 0.5}],
        }))
        .unwrap()
    }

    #[test]
    fn a_stage_is_placed_by_its_decades() {
        let roofline = roofline(1e7, 1e7);
        let html = section(&roofline);
        // Intensity 1 of 1 to 10; 10 of 10 to 100 GFLOP/s.
        assert!(html.contains("<circle cx=\"0.00%\" cy=\"300.0\""), "{html}");
        assert!(html.contains("x1=\"0.00%\" y1=\"300.0\" x2=\"100.00%\" y2=\"0.0\""), "{html}");
        assert!(html.contains("below 10.0 FLOP for each byte"), "{html}");
        assert!(html.contains(">a&lt;b</text>"), "{html}");
        assert!(html.contains("50.0\u{a0}%"), "{html}");
    }

    #[test]
    fn what_has_no_logarithm_is_in_the_table_only() {
        for (bytes, flops) in [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0)] {
            let html = section(&roofline(bytes, flops));
            assert!(!html.contains("<svg") && html.contains("a&lt;b"), "{html}");
            assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
        }
    }

    #[test]
    fn decades_surround_their_values() {
        assert_eq!(decades([0.5, 3.0].into_iter()), -1..=1);
        assert_eq!(decades([10.0].into_iter()), 1..=2);
    }
}
