//! The upper panel: extremes of the signal per pixel column.

use std::ops::Range;

use embedded_graphics::pixelcolor::Rgb888;

use super::canvas::{Canvas, GRID};
use super::layout::Panel;
use crate::Audio;

const WAVE: Rgb888 = Rgb888::new(46, 94, 170);
const CLIPPED: Rgb888 = Rgb888::new(204, 41, 54);

/// Draws the envelope of the signal between -1 and 1.
pub(super) fn draw(canvas: &mut Canvas, panel: Panel, audio: &Audio) {
    for fraction in [0.25, 0.5, 0.75] {
        canvas.horizontal(panel.left, panel.right(), panel.y_at(fraction), GRID);
    }
    let y_of = |sample: f32| panel.y_at(0.5 + 0.5 * f64::from(sample).clamp(-1.0, 1.0));
    for x in 0..panel.width {
        let range = column_range(x, panel.width, audio.samples.len());
        // The sample before joins the column to its left neighbour.
        let joined = range.start.saturating_sub(1)..range.end;
        let Some((low, high)) = extremes(&audio.samples[joined]) else {
            return;
        };
        let colour = if low <= -1.0 || high >= 1.0 { CLIPPED } else { WAVE };
        canvas.vertical(panel.left + x as i32, y_of(high), y_of(low) + 1, colour);
    }
}

/// The samples that fall into column `x` of `width`: at least one, unless there
/// are none at all.
pub(super) fn column_range(x: u32, width: u32, samples: usize) -> Range<usize> {
    let start_of = |x: u32| (u64::from(x) * samples as u64 / u64::from(width)) as usize;
    let start = start_of(x);
    start..start_of(x + 1).max(start + 1).min(samples)
}

fn extremes(samples: &[f32]) -> Option<(f32, f32)> {
    let low = samples.iter().copied().reduce(f32::min)?;
    let high = samples.iter().copied().reduce(f32::max)?;
    Some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_cover_all_samples() {
        for samples in [1, 7, 100, 101, 12_345] {
            let mut next = 0;
            for x in 0..100 {
                let range = column_range(x, 100, samples);
                assert!(!range.is_empty() && range.start <= next);
                next = next.max(range.end);
            }
            assert_eq!(next, samples);
        }
    }

    #[test]
    fn no_samples_make_empty_columns() {
        assert!(column_range(99, 100, 0).is_empty());
    }
}
