//! Weights in floating point of 8 bits, with a scale for every few of them.
//!
//! The numbers are of the format E4M3FN: a sign, four bits of exponent with a bias of 7 and three of
//! mantissa; numbers without a leading one below 2^-6; no infinities.

use crate::weight_groups::quantize_groups;

/// The largest number, 0x7e; the bits above it are of what is not a number.
const LARGEST: f32 = 448.0;

/// From rows of `width` weights, makes numbers `[rows, width]` in E4M3FN and their scales
/// `[rows, width.div_ceil(WEIGHT_GROUP)]`: what is nearest to a weight, of the numbers times the scale
/// that makes the largest of them the largest of its group.
pub fn quantize_fp8(weights: &[f32], width: usize) -> (Vec<u8>, Vec<f32>) {
    quantize_groups(weights, width, LARGEST, nearest)
}

/// The bits of the nearest number; of two that are as near, of the even one.
fn nearest(value: f32) -> u8 {
    /// The exponent of 2^-6, in the bits of an `f32`.
    const LEAST: u32 = 127 - 6;
    let size = value.abs().min(LARGEST);
    // Numbers up to 2^-5 are as far apart as those from 2^-6 on.
    let exponent = (size.to_bits() >> 23).max(LEAST) - LEAST;
    let distance = (1 << exponent) as f32 / 512.0;
    // From one power of two to the next there are eight.
    let bits = 8 * exponent + (size / distance).round_ties_even() as u32;
    bits as u8 | u8::from(value.is_sign_negative()) << 7
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weight_groups;

    /// The number that bits are of, as the format says.
    fn number(bits: u8) -> f64 {
        let (exponent, mantissa) = (i32::from(bits >> 3 & 15), f64::from(bits & 7));
        let size = match exponent {
            0 => mantissa / 8.0 * 2_f64.powi(-6),
            _ => (1.0 + mantissa / 8.0) * 2_f64.powi(exponent - 7),
        };
        if bits < 0x80 { size } else { -size }
    }

    #[test]
    fn numbers_times_the_scale_are_exact() {
        let expected: Vec<u8> = (0..0x7f).chain(0x80..0xff).collect();
        for scale in [1.0, 0.125, 3.0, 0.75] {
            let weights: Vec<f32> =
                expected.iter().map(|&bits| number(bits) as f32 * scale).collect();
            let (numbers, scales) = quantize_fp8(&weights, 127);
            assert_eq!((numbers, scales), (expected.clone(), vec![scale, scale]), "{scale}");
        }
    }

    #[test]
    fn halves_go_to_even_numbers() {
        for bits in 0..0x7e {
            let half = f64::midpoint(number(bits), number(bits + 1)) as f32;
            let even = bits + bits % 2;
            let expected = [bits, even, bits + 1];
            for (value, bits) in [half.next_down(), half, half.next_up()].into_iter().zip(expected)
            {
                assert_eq!(nearest(value), bits, "{value}");
                assert_eq!(nearest(-value), bits | 0x80, "{value}");
            }
        }
    }

    #[test]
    fn errors_are_small_beside_weights() {
        // Half of a last bit, or of the smallest number; quotients are rounded, too.
        let bound =
            |weight: f64, scale: f64| (weight.abs() / 16.0).max(scale / 1024.0) * (1.0 + 1e-5);
        weight_groups::check(quantize_fp8, 448.0, number, bound);
    }

    #[test]
    fn zeros_stay_zeros() {
        let mut weights = vec![0.0; 2 * 200];
        weights[130] = -0.5;
        let (numbers, scales) = quantize_fp8(&weights, 200);
        let mut expected = vec![0; 400];
        expected[130] = 0xfe;
        assert_eq!((numbers, scales), (expected, vec![0.0, 0.5 / 448.0, 0.0, 0.0]));
        assert_eq!(quantize_fp8(&[], 200), (vec![], vec![]));
        assert_eq!(quantize_fp8(&[], 0), (vec![], vec![]));
    }

    #[test]
    fn the_largest_of_tiny_weights_is_a_number() {
        // The scale is rounded to a third less than it should be.
        let weights = [f32::from_bits(600), f32::from_bits(1), -f32::from_bits(600)];
        let (numbers, scales) = quantize_fp8(&weights, 3);
        assert_eq!((numbers, scales), (vec![0x7e, 0x38, 0xfe], vec![f32::from_bits(1)]));
    }
}
