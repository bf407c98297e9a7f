//! Axes: round tick values, their marks and their labels.

use embedded_graphics::geometry::Point;
use embedded_graphics::text::Alignment;

use super::canvas::{Canvas, INK};
use super::layout::Panel;

/// Length of a tick mark, in pixels.
const MARK: i32 = 5;
/// From a panel to the labels beside it, in pixels.
const LABEL_GAP: i32 = 9;

/// One tick of an axis.
#[derive(Clone, Debug, PartialEq)]
struct Tick {
    /// Position along the axis, from 0 to 1.
    fraction: f64,
    label: String,
}

/// The ticks of an axis.
pub(super) struct Axis {
    ticks: Vec<Tick>,
}

impl Axis {
    /// An axis from `low` to `high` with ticks at the ends of `steps` equal
    /// integer steps.
    pub(super) fn new(low: f64, high: f64, steps: u32) -> Self {
        let ticks = (0..=steps).map(|i| {
            let fraction = f64::from(i) / f64::from(steps);
            Tick { fraction, label: format!("{:.0}", low + fraction * (high - low)) }
        });
        Self { ticks: ticks.collect() }
    }

    /// An axis from zero to `span` with ticks at round values that are at least
    /// `spacing` pixels apart on a length of `pixels`.
    pub(super) fn fitted(span: f64, pixels: u32, spacing: u32) -> Self {
        if span <= 0.0 {
            let label = "0".to_owned();
            let fraction = 0.0;
            return Self { ticks: vec![Tick { fraction, label }] };
        }
        let (step, decimals) = round_step(span * f64::from(spacing) / f64::from(pixels));
        // The tolerance keeps a last tick that rounding would push off the end.
        let count = (span / step + 1e-9).floor() as u32;
        let ticks = (0..=count).map(|i| {
            let value = f64::from(i) * step;
            Tick { fraction: (value / span).min(1.0), label: format!("{value:.decimals$}") }
        });
        Self { ticks: ticks.collect() }
    }

    /// Draws the axis at the left of a panel, `unit` above it.
    pub(super) fn draw_left(&self, canvas: &mut Canvas, panel: Panel, unit: &str) {
        for Tick { fraction, label } in &self.ticks {
            let y = panel.y_at(*fraction);
            canvas.horizontal(panel.left - MARK, panel.left, y, INK);
            let at = Point::new(panel.left - LABEL_GAP, y);
            canvas.label(label, at, Alignment::Right);
        }
        let at = Point::new(panel.left - LABEL_GAP, panel.top - 16);
        canvas.label(unit, at, Alignment::Right);
    }

    /// Draws the axis at the right of a panel, `unit` above it.
    pub(super) fn draw_right(&self, canvas: &mut Canvas, panel: Panel, unit: &str) {
        for Tick { fraction, label } in &self.ticks {
            let y = panel.y_at(*fraction);
            canvas.horizontal(panel.right(), panel.right() + MARK, y, INK);
            let at = Point::new(panel.right() + LABEL_GAP, y);
            canvas.label(label, at, Alignment::Left);
        }
        let at = Point::new(panel.right() + LABEL_GAP, panel.top - 16);
        canvas.label(unit, at, Alignment::Left);
    }

    /// Draws the axis below a panel, `name` centred under it.
    pub(super) fn draw_below(&self, canvas: &mut Canvas, panel: Panel, name: &str) {
        let bottom = panel.bottom();
        for Tick { fraction, label } in &self.ticks {
            let x = panel.x_at(*fraction);
            canvas.vertical(x, bottom, bottom + MARK, INK);
            canvas.label(label, Point::new(x, bottom + 15), Alignment::Center);
        }
        let middle = Point::new(panel.x_at(0.5), bottom + 35);
        canvas.label(name, middle, Alignment::Center);
    }

    /// Draws marks below a panel that shares its horizontal axis with another.
    pub(super) fn draw_marks(&self, canvas: &mut Canvas, panel: Panel) {
        for Tick { fraction, .. } in &self.ticks {
            let x = panel.x_at(*fraction);
            canvas.vertical(x, panel.bottom(), panel.bottom() + MARK, INK);
        }
    }
}

/// The smallest 1, 2 or 5 times a power of ten that is at least `minimum`, and
/// the decimals that print its multiples exactly.
fn round_step(minimum: f64) -> (f64, usize) {
    let exponent = minimum.log10().floor();
    let unit = 10_f64.powf(exponent);
    let (factor, exponent) = match minimum / unit {
        m if m <= 1.0 => (1.0, exponent),
        m if m <= 2.0 => (2.0, exponent),
        m if m <= 5.0 => (5.0, exponent),
        _ => (1.0, exponent + 1.0),
    };
    (factor * 10_f64.powf(exponent), (-exponent).max(0.0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn steps_are_round_and_large_enough() {
        for minimum in [3e-6, 0.04, 0.1, 0.11, 1.0, 1.3, 2.0, 4.9, 7.0, 60.0, 999.0] {
            let (step, _) = round_step(minimum);
            assert!(step >= minimum * (1.0 - 1e-9), "{step} for {minimum}");
            assert!(step <= minimum * 2.5, "{step} for {minimum}");
        }
    }

    #[test]
    fn ticks_of_one_second() {
        let axis = Axis::fitted(1.0, 1000, 90);
        assert_eq!(
            labels(&axis),
            ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1.0"]
        );
        assert_eq!(axis.ticks[10].fraction, 1.0);
    }

    #[test]
    fn ticks_of_an_empty_span() {
        assert_eq!(labels(&Axis::fitted(0.0, 1000, 90)), ["0"]);
    }

    #[test]
    fn ticks_of_whole_steps() {
        assert_eq!(labels(&Axis::new(-80.0, 0.0, 4)), ["-80", "-60", "-40", "-20", "0"]);
    }
}
