//! Weights in 8 bits, with a scale for every few of them.

use crate::weight_groups::quantize_groups;

/// From rows of `width` weights, makes bytes `[rows, width]` and their scales
/// `[rows, width.div_ceil(WEIGHT_GROUP)]`: what is nearest to a weight, of the 255 multiples of the scale
/// that reach as far as the largest of its group.
pub fn quantize(weights: &[f32], width: usize) -> (Vec<i8>, Vec<f32>) {
    quantize_groups(weights, width, 127.0, |weight| weight.round_ties_even() as i8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weight_groups;

    #[test]
    fn weights_are_within_half_a_scale() {
        // Quotients are rounded, too.
        let bound = |_, scale| scale * (0.5 + 1e-5);
        weight_groups::check(quantize, 127.0, f64::from, bound);
    }

    #[test]
    fn zeros_stay_zeros() {
        let mut weights = vec![0.0; 2 * 200];
        weights[130] = -0.5;
        weights[330] = -0.0;
        let (bytes, scales) = quantize(&weights, 200);
        let mut expected = vec![0; 400];
        expected[130] = -127;
        assert_eq!((bytes, scales), (expected, vec![0.0, 0.5 / 127.0, 0.0, 0.0]));
        assert_eq!(quantize(&[], 200), (vec![], vec![]));
        assert_eq!(quantize(&[], 0), (vec![], vec![]));
    }

    #[test]
    fn multiples_of_the_scale_are_exact() {
        let expected: Vec<i8> = (-127..=127).collect();
        for scale in [1.0, 0.125, 3.0, 0.75] {
            let weights: Vec<f32> = expected.iter().map(|byte| f32::from(*byte) * scale).collect();
            let (bytes, scales) = quantize(&weights, 255);
            assert_eq!((bytes, scales), (expected.clone(), vec![scale, scale]), "{scale}");
        }
    }

    #[test]
    fn halves_go_to_even_bytes() {
        let (bytes, scales) = quantize(&[127.0, 0.5, 1.5, 2.5, -0.5, -1.5, -126.5], 7);
        assert_eq!((bytes, scales), (vec![127, 0, 2, 2, 0, -2, -126], vec![1.0]));
    }
}
