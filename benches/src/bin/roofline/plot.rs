//! The roofs and the stages below them, on logarithmic axes.

use std::fmt::Write;

use crate::peaks::Peaks;
use crate::rows::Row;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const MARGIN: f64 = 56.0;
/// Operations for a byte, as powers of ten.
const INTENSITY: (f64, f64) = (-1.0, 4.0);

/// Positions in the picture.
struct Scale {
    /// GFLOP/s at the bottom and at the top, as powers of ten.
    rate: (f64, f64),
}

impl Scale {
    fn x(intensity: f64) -> f64 {
        let (low, high) = INTENSITY;
        let share = (intensity.max(1e-9).log10() - low) / (high - low);
        MARGIN + share.clamp(0.0, 1.0) * (WIDTH - 2.0 * MARGIN)
    }

    fn y(&self, gflop_s: f64) -> f64 {
        let (low, high) = self.rate;
        let share = (gflop_s.max(1e-9).log10() - low) / (high - low);
        HEIGHT - MARGIN - share.clamp(0.0, 1.0) * (HEIGHT - 2.0 * MARGIN)
    }
}

/// An SVG document.
pub(crate) fn svg(peaks: &Peaks, rows: &[Row]) -> String {
    let top = peaks.fma_gflop_s.log10().ceil();
    let scale = Scale { rate: (top - 4.0, top) };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n"
    );
    axes(&mut svg, &scale);
    // From the left edge up the slope of the memory, then along the roof of the arithmetic.
    let ridge = peaks.fma_gflop_s / peaks.bandwidth_gb_s;
    let left = 10_f64.powf(INTENSITY.0);
    let points = [
        (left, left * peaks.bandwidth_gb_s),
        (ridge, peaks.fma_gflop_s),
        (10_f64.powf(INTENSITY.1), peaks.fma_gflop_s),
    ];
    let points: Vec<String> =
        points.map(|(x, y)| format!("{:.1},{:.1}", Scale::x(x), scale.y(y))).into();
    line(
        &mut svg,
        format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#333\" stroke-width=\"2\"/>",
            points.join(" ")
        ),
    );
    line(
        &mut svg,
        format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\">{:.0} GB/s, {:.0} GFLOP/s</text>",
            Scale::x(ridge) + 6.0,
            scale.y(peaks.fma_gflop_s) - 8.0,
            peaks.bandwidth_gb_s,
            peaks.fma_gflop_s
        ),
    );
    for row in rows {
        let (x, y) = (Scale::x(row.flops / row.bytes.max(1.0)), scale.y(row.gflop_s));
        line(
            &mut svg,
            format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"#c2410c\"/>"),
        );
        line(
            &mut svg,
            format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\">{} {:.0}%</text>",
                x + 9.0,
                y + 4.0,
                row.stage,
                row.share_of_roof * 100.0
            ),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn axes(svg: &mut String, scale: &Scale) {
    let (bottom, right) = (HEIGHT - MARGIN, WIDTH - MARGIN);
    for power in INTENSITY.0 as i32..=INTENSITY.1 as i32 {
        let value = 10_f64.powi(power);
        let x = Scale::x(value);
        line(svg, format_args!("<path d=\"M{x:.1} {MARGIN}V{bottom}\" stroke=\"#ddd\"/>"));
        line(
            svg,
            format_args!(
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{value}</text>",
                bottom + 18.0
            ),
        );
    }
    for power in scale.rate.0 as i32..=scale.rate.1 as i32 {
        let value = 10_f64.powi(power);
        let y = scale.y(value);
        line(svg, format_args!("<path d=\"M{MARGIN} {y:.1}H{right}\" stroke=\"#ddd\"/>"));
        line(
            svg,
            format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
                MARGIN - 6.0,
                y + 4.0
            ),
        );
    }
    line(
        svg,
        format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">operations for a byte that is read</text>",
            WIDTH / 2.0,
            HEIGHT - 14.0
        ),
    );
    line(svg, format_args!("<text x=\"{MARGIN}\" y=\"{:.1}\">GFLOP/s</text>", MARGIN - 16.0));
}

fn line(svg: &mut String, element: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(svg, "{element}");
}
