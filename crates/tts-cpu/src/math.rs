//! The arithmetic between the products, written so that compilers vectorise it. Every sum
//! has an order that does not depend on the width of the registers.
//! They are inlined into functions that are compiled once for each instruction set.

#![allow(clippy::inline_always)]

/// Sums that run side by side.
const LANES: usize = 16;

#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0_f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += a * b;
    }
    let mut width = LANES / 2;
    while width > 0 {
        let (low, high) = sums.split_at_mut(width);
        low.iter_mut().zip(high).for_each(|(low, high)| *low += *high);
        width /= 2;
    }
    sums[0]
}

/// Floats of this size have no fraction: adding it rounds, without a call on any processor.
const WHOLE: f32 = 12_582_912.0;

/// The nearest whole number, ties to even, of a number below 2²² in size.
#[inline(always)]
pub(crate) fn round(x: f32) -> f32 {
    (x + WHOLE) - WHOLE
}

/// As [`round`], as an integer, which stands in the last bits of the sum. Conversions test for
/// numbers that do not fit, one by one.
#[inline(always)]
pub(crate) fn whole(x: f32) -> i32 {
    (x + WHOLE).to_bits().wrapping_sub(WHOLE.to_bits()).cast_signed()
}

/// The largest magnitude, 0 of nothing and not a number if one is none. Bits of positive floats
/// are ordered as the floats are, and compilers compare those with wide registers.
#[inline(always)]
pub(crate) fn largest<const N: usize>(x: &[f32; N]) -> f32 {
    f32::from_bits(x.iter().map(|x| x.abs().to_bits()).fold(0, u32::max))
}

/// `x / sqrt(mean(x²) + eps) * weight`, in place.
#[inline(always)]
pub(crate) fn rms_norm(x: &mut [f32], weight: &[f32], eps: f32) {
    let scale = 1.0 / (dot(x, x) / x.len() as f32 + eps).sqrt();
    for (x, weight) in x.iter_mut().zip(weight) {
        *x *= scale * weight;
    }
}

/// Rotates a head: value `j` pairs with `j + head_dim / 2`.
#[inline(always)]
pub(crate) fn rotate(head: &mut [f32], cos: &[f32], sin: &[f32]) {
    let half = head.len() / 2;
    let (first, second) = head.split_at_mut(half);
    for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
        (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
    }
}

/// The exponential function, to 2 units in the last place; 0 below -87.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // x = n ln 2 + r; ln 2 in two parts, the first short enough for exact products.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.4, 88.0);
    let n = round(x * std::f32::consts::LOG2_E);
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let series = 1.984_127e-4;
    let series = series * r + 1.388_889e-3;
    let series = series * r + 8.333_334e-3;
    let series = series * r + 4.166_666_8e-2;
    let series = series * r + 1.666_666_7e-1;
    let series = series * r + 0.5;
    let series = 1.0 + (r + r * r * series);
    let power = f32::from_bits(((n as i32 + 127) << 23) as u32);
    if x < -87.3 { 0.0 } else { series * power }
}

/// `silu(gate) * up` of every pair.
#[inline(always)]
pub(crate) fn gate(pairs: &[[f32; 2]], gated: &mut [f32]) {
    for (gated, [gate, up]) in gated.iter_mut().zip(pairs) {
        *gated = gate / (1.0 + exp(-gate)) * up;
    }
}

/// One query over the keys and values that it may see, `[seen, query.len()]` each. `scores`
/// has room for one number of each.
#[inline(always)]
pub(crate) fn attend(
    query: &[f32],
    keys: &[f32],
    values: &[f32],
    scores: &mut [f32],
    mixed: &mut [f32],
) {
    let width = query.len();
    let scale = 1.0 / (width as f32).sqrt();
    let mut largest = f32::NEG_INFINITY;
    for (score, key) in scores.iter_mut().zip(keys.chunks_exact(width)) {
        *score = dot(query, key) * scale;
        largest = largest.max(*score);
    }
    let mut total = 0.0;
    for score in scores.iter_mut() {
        *score = exp(*score - largest);
        total += *score;
    }
    mixed.fill(0.0);
    for (score, value) in scores.iter().zip(values.chunks_exact(width)) {
        let weight = score / total;
        for (mixed, value) in mixed.iter_mut().zip(value) {
            *mixed += weight * value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_stays_within_its_bound() {
        for i in -870_000..=880_000 {
            let x = i as f32 * 1e-4;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error < 2.4e-7, "{x}: {error:e}");
        }
        assert_eq!((exp(-88.0), exp(f32::NEG_INFINITY), exp(0.0)), (0.0, 0.0, 1.0));
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn sums_have_every_value_once() {
        for length in 0..70 {
            let a: Vec<f32> = (0..length).map(|i| i as f32).collect();
            assert_eq!(dot(&a, &vec![1.0; length]), (0..length).sum::<usize>() as f32);
        }
    }

    #[test]
    fn attention_mixes_values_by_softmax() {
        let (query, keys) = ([2.0, 0.0], [1.0, 5.0, 0.0, -3.0, -1.0, 9.0]);
        let values = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
        let (mut scores, mut mixed) = ([0.0; 3], [f32::NAN; 2]);
        attend(&query, &keys, &values, &mut scores, &mut mixed);
        let weights: Vec<f64> = [1.0_f64, 0.0, -1.0].map(|k| (k * 2_f64.sqrt()).exp()).to_vec();
        let total: f64 = weights.iter().sum();
        assert!((f64::from(mixed[0]) - (weights[0] + weights[2]) / total).abs() < 1e-6);
        assert!((f64::from(mixed[1]) - (weights[1] + weights[2]) / total).abs() < 1e-6);
    }
}
