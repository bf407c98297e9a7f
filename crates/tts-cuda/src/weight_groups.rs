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
