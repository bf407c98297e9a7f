//! How long each frame took, against what it may take.

use std::fmt::Write;

use super::data::Frames;

/// A frame is so much speech; one that takes longer cannot be played as it is made.
pub(super) const BUDGET_MS: f64 = 80.0;
/// Frames in a second of speech.
pub(super) const FRAMES_PER_SECOND: f64 = 1000.0 / BUDGET_MS;

/// Heights of the charts in pixels.
const HEIGHT: f64 = 200.0;
const CLOSER_HEIGHT: f64 = 110.0;
/// Least width of a frame in pixels; a chart with more than fit scrolls.
const FRAME_WIDTH: usize = 2;
/// Frames below this part of the budget get a second chart: they are flat in the first.
const FLAT: f64 = 0.25;

pub(super) fn section(frames: &Frames) -> String {
    let time = &frames.time;
    if frames.each_ms.is_empty() {
        return "<p>No frame was made.</p>\n".into();
    }
    // A single slow frame does not make all others flat.
    let highest = (time.max_ms * 1.08).min(time.p95_ms * 3.0);
    let top = highest.max(BUDGET_MS * 1.2);
    let mut html = Chart { each_ms: &frames.each_ms, top, height: HEIGHT }.draw();
    let over = frames.each_ms.iter().filter(|&&ms| ms > BUDGET_MS).count();
    _ = write!(
        html,
        "<p>{} frames: mean {:.1} ms, p50 {:.1}, p95 {:.1}, max {:.1}; \
         <b>{over} over the budget of {BUDGET_MS} ms</b>.",
        time.count, time.mean_ms, time.p50_ms, time.p95_ms, time.max_ms,
    );
    let beyond = frames.each_ms.iter().filter(|&&ms| ms > top).count();
    if beyond > 0 {
        _ = write!(html, " {beyond} reach above the chart.");
    }
    html.push_str("</p>\n");
    if highest > 0.0 && time.max_ms < FLAT * BUDGET_MS {
        html.push_str("<h3>Closer, without the budget</h3>\n");
        let closer = Chart { each_ms: &frames.each_ms, top: highest, height: CLOSER_HEIGHT };
        html.push_str(&closer.draw());
    }
    html
}

/// A bar for each frame.
struct Chart<'a> {
    each_ms: &'a [f64],
    /// The end of the scale; higher bars are cut off.
    top: f64,
    /// Pixels.
    height: f64,
}

impl Chart<'_> {
    /// Pixels from the top.
    fn y(&self, ms: f64) -> f64 {
        self.height * (1.0 - ms.min(self.top) / self.top)
    }

    fn draw(&self) -> String {
        let count = self.each_ms.len();
        let mut html = format!(
            "<div class=\"scroll plot\" role=\"region\" aria-label=\"Time of each frame\" \
             tabindex=\"0\">\n<svg class=\"frames\" style=\"min-width:{}px\" height=\"{}\" \
             role=\"img\" aria-label=\"Time of {count} frames\">\n",
            count * FRAME_WIDTH,
            self.height + 22.0
        );
        self.scale(&mut html);
        self.bars(&mut html);
        if BUDGET_MS < self.top {
            let y = self.y(BUDGET_MS);
            _ = writeln!(
                html,
                "<line class=\"budget\" x2=\"100%\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\n\
                 <text class=\"tick budget end\" x=\"-6\" y=\"{:.1}\">{BUDGET_MS} ms</text>",
                y + 4.0
            );
        }
        html.push_str("</svg>\n</div>\n");
        html
    }

    fn scale(&self, html: &mut String) {
        let step = nice_step(self.top * 40.0 / self.height);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        for tick in (0..).map(|n| f64::from(n) * step).take_while(|&tick| tick < self.top) {
            let y = self.y(tick);
            _ = writeln!(html, "<line class=\"grid\" x2=\"100%\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>");
            // The budget has a label of its own.
            if self.top <= BUDGET_MS || (y - self.y(BUDGET_MS)).abs() > 10.0 {
                _ = writeln!(
                    html,
                    "<text class=\"tick end\" x=\"-6\" y=\"{:.1}\">{tick:.decimals$}</text>",
                    y + 4.0
                );
            }
        }
        let count = self.each_ms.len();
        let step = nice_step(count as f64 / 6.0).max(1.0) as usize;
        for frame in (0..count).step_by(step) {
            _ = writeln!(
                html,
                "<text class=\"tick middle\" x=\"{:.3}%\" y=\"{}\">{frame}</text>",
                (frame as f64 + 0.5) * 100.0 / count as f64,
                self.height + 16.0
            );
        }
    }

    fn bars(&self, html: &mut String) {
        let width = 100.0 / self.each_ms.len() as f64;
        for (frame, &ms) in self.each_ms.iter().enumerate() {
            let y = self.y(ms);
            _ = writeln!(
                html,
                "<g class=\"{class}\"><title>frame {frame}: {ms:.2} ms</title>\
                 <rect class=\"hit\" x=\"{left:.3}%\" width=\"{width:.3}%\" height=\"{all}\"/>\
                 <rect x=\"{x:.3}%\" y=\"{y:.1}\" width=\"{bar:.3}%\" height=\"{height:.1}\"/></g>",
                class = if ms > BUDGET_MS { "over" } else { "frame" },
                left = frame as f64 * width,
                all = self.height,
                x = (frame as f64 + 0.1) * width,
                bar = 0.8 * width,
                height = self.height - y
            );
        }
    }
}

/// The next of 1, 2, 5, 10, 20 and so on.
fn nice_step(least: f64) -> f64 {
    let decade = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|digit| digit * decade);
    steps.into_iter().find(|&step| step >= least).unwrap_or(10.0 * decade)
}

#[cfg(test)]
mod tests {
    use super::super::data::Stats;
    use super::*;

    fn frames(each_ms: &[f64]) -> Frames {
        let mut sorted = each_ms.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |part: f64| sorted.get((part * sorted.len() as f64) as usize).copied();
        let time = Stats {
            count: each_ms.len(),
            total_ms: each_ms.iter().sum(),
            mean_ms: 0.0,
            p50_ms: at(0.5).unwrap_or(0.0),
            p95_ms: at(0.95).unwrap_or(0.0),
            max_ms: sorted.last().copied().unwrap_or(0.0),
        };
        Frames { time, each_ms: each_ms.to_vec() }
    }

    #[test]
    fn frames_over_the_budget_stand_out() {
        let html = section(&frames(&[10.0, 80.0, 80.5]));
        assert_eq!(html.matches("<g class=\"frame\">").count(), 2);
        assert_eq!(html.matches("<g class=\"over\">").count(), 1);
        assert!(html.contains("<title>frame 2: 80.50 ms</title>"), "{html}");
        assert!(html.contains("<b>1 over the budget of 80 ms</b>"), "{html}");
        assert!(!html.contains("above the chart"), "{html}");
    }

    #[test]
    fn one_slow_frame_does_not_flatten_the_others() {
        let mut each = vec![40.0; 99];
        each.push(4000.0);
        let html = section(&frames(&each));
        assert!(html.contains("1 reach above the chart."), "{html}");
        // 40 of 120 ms.
        assert!(html.contains("height=\"66.7\"/></g>"), "{html}");
    }

    #[test]
    fn fast_frames_are_drawn_closer_too() {
        let charts = |each: &[f64]| section(&frames(each)).matches("<svg").count();
        assert_eq!(charts(&[1.25, 1.5]), 2);
        assert_eq!(charts(&[1.25, 30.0]), 1);
        assert_eq!(charts(&[0.0]), 1);
        let html = section(&frames(&[0.125, 0.25]));
        assert!(html.contains(">0.0</text>") && html.contains(">0.2</text>"), "{html}");
    }

    #[test]
    fn no_frames_are_said_so() {
        assert_eq!(section(&frames(&[])), "<p>No frame was made.</p>\n");
    }

    #[test]
    fn steps_are_round() {
        assert_eq!([0.7, 1.0, 3.0, 19.2, 60.0].map(nice_step), [1.0, 1.0, 5.0, 20.0, 100.0]);
    }
}
