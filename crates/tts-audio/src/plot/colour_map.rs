//! The colours of the spectrogram.

use embedded_graphics::pixelcolor::Rgb888;

/// Nine equidistant points of matplotlib's perceptually uniform "magma".
const MAGMA: [[u8; 3]; 9] = [
    [0, 0, 4],
    [28, 16, 68],
    [79, 18, 123],
    [129, 37, 129],
    [181, 54, 122],
    [229, 80, 100],
    [251, 135, 97],
    [254, 194, 135],
    [252, 253, 191],
];

/// The colour of a level from 0, dark, to 1, bright; clamped outside.
pub(super) fn colour_of(level: f32) -> Rgb888 {
    let position = level.clamp(0.0, 1.0) * (MAGMA.len() - 1) as f32;
    let below = (position as usize).min(MAGMA.len() - 2);
    let fraction = position - below as f32;
    let mix = |channel: usize| {
        let low = f32::from(MAGMA[below][channel]);
        let high = f32::from(MAGMA[below + 1][channel]);
        (low + (high - low) * fraction).round() as u8
    };
    Rgb888::new(mix(0), mix(1), mix(2))
}

#[cfg(test)]
mod tests {
    use embedded_graphics::pixelcolor::RgbColor;

    use super::*;

    /// The perceived brightness of a colour, from 0 to 255 (Rec. 601).
    fn brightness(colour: Rgb888) -> f32 {
        let [r, g, b] = [colour.r(), colour.g(), colour.b()].map(f32::from);
        0.299 * r + 0.587 * g + 0.114 * b
    }

    #[test]
    fn brightness_follows_the_level() {
        let levels: Vec<f32> = (0..=100).map(|i| brightness(colour_of(i as f32 / 100.0))).collect();
        assert!(levels.is_sorted());
        assert!(levels[100] - levels[0] > 200.0);
    }

    #[test]
    fn levels_out_of_range_are_clamped() {
        assert_eq!(colour_of(-3.0), colour_of(0.0));
        assert_eq!(colour_of(3.0), colour_of(1.0));
    }
}
