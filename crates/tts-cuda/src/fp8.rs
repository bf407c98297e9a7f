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
    use crate::WEIGHT_GROUP;

    /// The number that bits are of, as the format says.
    fn number(bits: u8) -> f64 {
        let (exponent, mantissa) = (i32::from(bits >> 3 & 15), f64::from(bits & 7));
        let size = match exponent {
            0 => mantissa / 8.0 * 2_f64.powi(-6),
            _ => (1.0 + mantissa / 8.0) * 2_f64.powi(exponent - 7),
        };
        if bits < 0x80 { size } else { -size }
    }

    /// Between -1 and 1.
    fn values(count: usize) -> Vec<f32> {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(0x915f_77f5).wrapping_add(1);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..count).map(|_| next()).collect()
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
        for width in [1, 100, 127, 128, 129, 256, 300] {
            // Groups of very different sizes.
            let sizes = (0..3 * width).map(|at| 10_f32.powi((at / WEIGHT_GROUP) as i32 % 7 - 3));
            let weights: Vec<f32> =
                values(3 * width).iter().zip(sizes).map(|(weight, size)| weight * size).collect();
            let (numbers, scales) = quantize_fp8(&weights, width);
            let groups = width.div_ceil(WEIGHT_GROUP);
            assert_eq!((numbers.len(), scales.len()), (weights.len(), 3 * groups), "{width}");
            for (at, (weight, bits)) in weights.iter().zip(&numbers).enumerate() {
                let scale = f64::from(scales[at / width * groups + at % width / WEIGHT_GROUP]);
                let weight = f64::from(*weight);
                let error = (number(*bits) * scale - weight).abs();
                // Half of a last bit, or of the smallest number; quotients are rounded, too.
                let bound = (weight.abs() / 16.0).max(scale / 1024.0) * (1.0 + 1e-5);
                assert!(error <= bound, "{width} {at}: {weight}");
            }
            for (at, scale) in scales.iter().enumerate() {
                let row = &weights[at / groups * width..][..width];
                let group = row.chunks(WEIGHT_GROUP).nth(at % groups).expect("a group");
                let largest = group.iter().map(|weight| weight.abs()).fold(0.0, f32::max);
                assert_eq!(*scale, largest / 448.0, "{width} {at}");
            }
        }
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
