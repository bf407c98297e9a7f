//! Weights in 8 bits that have scales.

/// Neighbouring weights of a row that have a scale, where they are bytes; the last may be fewer.
pub const WEIGHT_GROUP: usize = 128;

/// From rows of `width` weights, makes numbers `[rows, width]` and their scales
/// `[rows, width.div_ceil(WEIGHT_GROUP)]`: `nearest` of a weight divided by the scale, which makes
/// `largest` of the largest weight of a group.
pub(crate) fn quantize_groups<T>(
    weights: &[f32],
    width: usize,
    largest: f32,
    nearest: impl Fn(f32) -> T,
) -> (Vec<T>, Vec<f32>) {
    let mut numbers = Vec::with_capacity(weights.len());
    let mut scales = Vec::with_capacity(weights.len().div_ceil(WEIGHT_GROUP));
    for group in weights.chunks(width.max(1)).flat_map(|row| row.chunks(WEIGHT_GROUP)) {
        let size = group.iter().fold(0.0_f32, |size, weight| size.max(weight.abs()));
        let scale = size / largest;
        // Zeros have no scale to be divided by.
        let unit = if scale > 0.0 { scale } else { 1.0 };
        numbers.extend(group.iter().map(|weight| nearest(weight / unit)));
        scales.push(scale);
    }
    (numbers, scales)
}

/// Checks scales, and that numbers times their scale are within a bound of the weight, which is asked
/// for with the weight and the scale.
#[cfg(test)]
pub(crate) fn check<T: Copy>(
    quantize: impl Fn(&[f32], usize) -> (Vec<T>, Vec<f32>),
    largest: f32,
    number: impl Fn(T) -> f64,
    bound: impl Fn(f64, f64) -> f64,
) {
    let mut state = 7_u32;
    let mut between_ones = || {
        state = state.wrapping_mul(0x915f_77f5).wrapping_add(1);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    for width in [1, 100, 127, 128, 129, 256, 300] {
        // Groups of very different sizes.
        let size = |at: usize| 10_f32.powi((at / WEIGHT_GROUP) as i32 % 7 - 3);
        let weights: Vec<f32> = (0..3 * width).map(|at| between_ones() * size(at)).collect();
        let (numbers, scales) = quantize(&weights, width);
        let groups = width.div_ceil(WEIGHT_GROUP);
        assert_eq!((numbers.len(), scales.len()), (weights.len(), 3 * groups), "{width}");
        for (at, (weight, of)) in weights.iter().zip(&numbers).enumerate() {
            let scale = f64::from(scales[at / width * groups + at % width / WEIGHT_GROUP]);
            let weight = f64::from(*weight);
            let error = (number(*of) * scale - weight).abs();
            assert!(error <= bound(weight, scale), "{width} {at}: {weight}");
        }
        for (at, scale) in scales.iter().enumerate() {
            let row = &weights[at / groups * width..][..width];
            let group = row.chunks(WEIGHT_GROUP).nth(at % groups).expect("a group");
            let most = group.iter().map(|weight| weight.abs()).fold(0.0, f32::max);
            assert_eq!(*scale, most / largest, "{width} {at}");
        }
    }
}
