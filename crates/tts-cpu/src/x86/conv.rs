//! The sums of a convolution with AVX2: those of the portable kernels, in the same order.

use std::arch::x86_64::{
    __m256, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT, _MM_HINT_T0, _mm_prefetch,
    _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_load_ps, _mm256_mul_ps, _mm256_round_ps,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_store_ps,
};
use std::array;
use std::ops::Range;

use crate::signal::Lanes;
use crate::window::{PI_PARTS, SERIES, Window};
use crate::winograd::{self, SLOTS, Tiles, Tiling};

/// Weights between the one in use and the one that is asked for: time enough to read it from
/// memory, and so few that the first cache still has them.
pub(super) const AHEAD: usize = 64;

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
fn load(lanes: &Lanes) -> [__m256; 2] {
    [load_half::<0>(lanes), load_half::<1>(lanes)]
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_half<const HALF: usize>(Lanes(lanes): &Lanes) -> __m256 {
    const { assert!(HALF < 2) }
    // SAFETY: 32 bytes are read of a half of 64, which are aligned.
    unsafe { _mm256_load_ps(lanes.as_ptr().add(8 * HALF)) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(lanes: &mut Lanes, [low, high]: [__m256; 2]) {
    store_half::<0>(lanes, low);
    store_half::<1>(lanes, high);
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_half<const HALF: usize>(Lanes(lanes): &mut Lanes, half: __m256) {
    const { assert!(HALF < 2) }
    // SAFETY: 32 bytes are written of a half of 64, which are aligned.
    unsafe { _mm256_store_ps(lanes.as_mut_ptr().add(8 * HALF), half) }
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

/// [`winograd::spread_part`].
#[target_feature(enable = "avx2,fma")]
pub(super) fn spread(tiling: Tiling, times: Range<usize>, rows: &[Lanes], tiles: &mut Tiles) {
    for (slot, x) in (0..SLOTS).zip(tiling.inputs(times, rows)) {
        // One half after the other: ten inputs and what is made of them fit into the registers.
        let v = winograd::spread(x.map(|x| load_half::<0>(x)), |x, k, sum| fma(x, k, sum));
        tiles.iter_mut().zip(v).for_each(|(tiles, v)| store_half::<0>(&mut tiles[slot], v));
        let v = winograd::spread(x.map(|x| load_half::<1>(x)), |x, k, sum| fma(x, k, sum));
        tiles.iter_mut().zip(v).for_each(|(tiles, v)| store_half::<1>(&mut tiles[slot], v));
    }
}

/// [`winograd::gather_part`].
#[target_feature(enable = "avx2,fma")]
pub(super) fn gather(
    tiling: Tiling,
    times: Range<usize>,
    tiles: &Tiles,
    bias: &Lanes,
    outputs: &mut [Lanes],
) {
    let [low, high] = load(bias);
    for (slot, tile) in (0..SLOTS).zip(tiling.tiles(times.clone())) {
        let v = array::from_fn(|point| load_half::<0>(&tiles[point][slot]));
        let y = winograd::gather(v, low, |x, k, sum| fma(x, k, sum));
        tiling.outputs(&times, tile, outputs).zip(y).for_each(|(row, y)| store_half::<0>(row, y));
        let v = array::from_fn(|point| load_half::<1>(&tiles[point][slot]));
        let y = winograd::gather(v, high, |x, k, sum| fma(x, k, sum));
        tiling.outputs(&times, tile, outputs).zip(y).for_each(|(row, y)| store_half::<1>(row, y));
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn fma(x: __m256, factor: f32, sum: __m256) -> __m256 {
    _mm256_fmadd_ps(x, _mm256_set1_ps(factor), sum)
}
