//! The sums of a convolution with AVX2: those of the portable kernels, in the same order.

use std::arch::x86_64::{
    __m256, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT, _MM_HINT_T0, _mm_prefetch,
    _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_load_ps, _mm256_mul_ps, _mm256_round_ps,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_store_ps,
};

use crate::signal::Lanes;
use crate::window::{PI_PARTS, SERIES, Window};

/// Weights between the one in use and the one that is asked for: the next run of them comes
/// while this one is used for the other times.
pub(super) const AHEAD: usize = 256;

/// [`crate::window::accumulate`].
#[target_feature(enable = "avx2,fma")]
pub(super) fn accumulate(window: Window<'_>, start: usize, sums: &mut [Lanes]) {
    match sums.len() {
        1 => block::<1>(window, start, sums),
        2 => block::<2>(window, start, sums),
        3 => block::<3>(window, start, sums),
        4 => block::<4>(window, start, sums),
        5 => block::<5>(window, start, sums),
        _ => block::<6>(window, start, sums),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(Lanes(lanes): &Lanes) -> [__m256; 2] {
    let start = lanes.as_ptr();
    // SAFETY: twice 32 bytes are read of 64, which are aligned.
    unsafe { [_mm256_load_ps(start), _mm256_load_ps(start.add(8))] }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(Lanes(lanes): &mut Lanes, [low, high]: [__m256; 2]) {
    let start = lanes.as_mut_ptr();
    // SAFETY: twice 32 bytes are written of 64, which are aligned.
    unsafe {
        _mm256_store_ps(start, low);
        _mm256_store_ps(start.add(8), high);
    }
}

/// Twice `N` sums, two weights and an input fit into the 16 registers if `N` is at most 6.
#[target_feature(enable = "avx2,fma")]
fn block<const N: usize>(window: Window<'_>, start: usize, stored: &mut [Lanes]) {
    let Some(stored) = stored.first_chunk_mut::<N>() else { return };
    let mut sums = [[_mm256_setzero_ps(); 2]; N];
    for (sum, stored) in sums.iter_mut().zip(&*stored) {
        *sum = load(stored);
    }
    for (weights, rows) in window.products::<N>(start) {
        for (input, weights) in weights.iter().enumerate() {
            // Past the last weights it has no effect.
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(weights).wrapping_add(AHEAD).cast());
            let [low, high] = load(weights);
            for (sum, row) in sums.iter_mut().zip(rows) {
                let input = _mm256_set1_ps(row.0[input]);
                sum[0] = _mm256_fmadd_ps(input, low, sum[0]);
                sum[1] = _mm256_fmadd_ps(input, high, sum[1]);
            }
        }
    }
    for (sum, stored) in sums.into_iter().zip(stored) {
        store(stored, sum);
    }
}

/// [`crate::window::snake`].
#[target_feature(enable = "avx2,fma")]
pub(super) fn snake(rows: &mut [Lanes], frequency: &Lanes, gain: &Lanes) {
    let (frequency, gain) = (load(frequency), load(gain));
    for row in rows {
        let mut halves = load(row);
        for ((x, frequency), gain) in halves.iter_mut().zip(frequency).zip(gain) {
            let sine = sine(_mm256_mul_ps(frequency, *x));
            *x = _mm256_fmadd_ps(gain, _mm256_mul_ps(sine, sine), *x);
        }
        store(row, halves);
    }
}

/// The sine but for its sign.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn sine(x: __m256) -> __m256 {
    const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    let turns = _mm256_mul_ps(x, _mm256_set1_ps(std::f32::consts::FRAC_1_PI));
    let turns = _mm256_round_ps::<NEAREST>(turns);
    let mut r = x;
    for part in PI_PARTS {
        r = _mm256_fnmadd_ps(turns, _mm256_set1_ps(part), r);
    }
    let r2 = _mm256_mul_ps(r, r);
    let [first, rest @ ..] = SERIES;
    let mut series = _mm256_set1_ps(first);
    for term in rest {
        series = _mm256_fmadd_ps(series, r2, _mm256_set1_ps(term));
    }
    _mm256_fmadd_ps(_mm256_mul_ps(r, r2), series, r)
}
