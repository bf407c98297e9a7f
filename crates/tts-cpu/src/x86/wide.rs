//! Registers of 512 bits: two steps of a tile, or sixteen channels.

use std::arch::asm;
use std::arch::x86_64::{
    __m256, __m256i, __m512, __m512i, _MM_HINT_T0, _mm_prefetch, _mm256_add_epi32,
    _mm256_loadu_si256, _mm256_set1_epi32, _mm256_sub_epi32, _mm512_and_si512,
    _mm512_castsi256_si512, _mm512_castsi512_si256, _mm512_cvtepi8_epi16,
    _mm512_extracti64x4_epi64, _mm512_fmadd_ps, _mm512_load_ps, _mm512_loadu_si512,
    _mm512_mask_set1_epi32, _mm512_permutexvar_epi32, _mm512_set1_epi8, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_srli_epi16, _mm512_store_ps,
};

use super::conv::AHEAD;
use super::products::{self, Narrow, load};
use crate::inputs::InputGroup;
use crate::matrix::{Scheme, TILE};
use crate::products::{CODES, Q4Group, Q8Group, Registers};
use crate::signal::Lanes;
use crate::strip::Strip;
use crate::window::{self, Window};

/// AVX-512 with VNNI: the first step of a tile in the lower half, the second in the upper one.
pub(super) struct Wide;

impl Registers for Wide {
    type Register = __m512i;
    type Rows = __m256i;
    type Scales = __m256;
    const STEPS: usize = 2;

    #[inline]
    unsafe fn ask_for(address: *const u8) {
        // SAFETY: every x86-64 has it.
        unsafe { Narrow::<false>::ask_for(address) };
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn zeros() -> __m512i {
        _mm512_setzero_si512()
    }

    #[inline]
    #[target_feature(enable = "avx512bw")]
    unsafe fn bytes(group: &Q8Group, index: usize) -> __m512i {
        _mm512_cvtepi8_epi16(load(&group.as_rchunks().1[index]))
    }

    #[inline]
    #[target_feature(enable = "avx512bw")]
    unsafe fn codes(group: &Q4Group, index: usize) -> [__m512i; CODES] {
        let codes: &[u8; 64] = &group.as_rchunks().1[index];
        // SAFETY: 64 bytes are read.
        let codes = unsafe { _mm512_loadu_si512(codes.as_ptr().cast()) };
        let low_bits = _mm512_set1_epi8(15);
        [
            _mm512_and_si512(codes, low_bits),
            _mm512_and_si512(_mm512_srli_epi16::<4>(codes), low_bits),
        ]
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn pairs(inputs: &InputGroup, first: usize, apart: usize) -> __m512i {
        // SAFETY: 64 bytes are read.
        let words = unsafe { _mm512_loadu_si512(inputs.words.as_ptr().cast()) };
        _mm512_permutexvar_epi32(two(first, apart), words)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn fours(inputs: &InputGroup, first: usize, apart: usize) -> __m512i {
        // SAFETY: 32 bytes are read.
        let bytes = unsafe { _mm256_loadu_si256(inputs.bytes.as_ptr().cast()) };
        _mm512_permutexvar_epi32(two(first, apart), _mm512_castsi256_si512(bytes))
    }

    #[inline]
    #[target_feature(enable = "avx512vnni")]
    unsafe fn add_pairs(sums: __m512i, weights: __m512i, inputs: __m512i) -> __m512i {
        let mut sums = sums;
        // SAFETY: the caller has VNNI. Compilers split the intrinsic into two instructions.
        unsafe {
            asm!(
                "vpdpwssd {}, {}, {}",
                inlateout(zmm_reg) sums,
                in(zmm_reg) weights,
                in(zmm_reg) inputs,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        sums
    }

    #[inline]
    #[target_feature(enable = "avx512vnni")]
    unsafe fn add_fours(sums: __m512i, codes: __m512i, inputs: __m512i) -> __m512i {
        let mut sums = sums;
        // SAFETY: the caller has VNNI.
        unsafe {
            asm!(
                "vpdpbusd {}, {}, {}",
                inlateout(zmm_reg) sums,
                in(zmm_reg) codes,
                in(zmm_reg) inputs,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        sums
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn rows(sums: __m512i) -> __m256i {
        _mm256_add_epi32(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64::<1>(sums))
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn rows_of_fours(sums: __m512i, offset: i32) -> __m256i {
        // SAFETY: the caller has the instructions.
        let sums = unsafe { Self::rows(sums) };
        _mm256_sub_epi32(sums, _mm256_set1_epi32(offset))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn scales(bytes: &[u8; 16]) -> __m256 {
        products::scales(bytes)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn add_scaled(outputs: &mut [f32; TILE], sums: __m256i, own: __m256, scale: f32) {
        products::add_scaled(outputs, sums, own, scale);
    }
}

/// Place `first` for the eight lanes of the first step, `apart` from it for those of the second.
#[inline]
#[target_feature(enable = "avx512f")]
fn two(first: usize, apart: usize) -> __m512i {
    _mm512_mask_set1_epi32(_mm512_set1_epi32(first as i32), 0xff00, (first + apart) as i32)
}

/// The products with AVX-512 and VNNI.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn multiply<const N: usize, const T: usize, const B: usize>(
    scheme: Scheme,
    tiles: Strip<'_>,
    vectors: [&[InputGroup]; N],
) -> [[[f32; TILE]; T]; N] {
    // SAFETY: this is compiled for the same instructions.
    unsafe { crate::products::multiply::<Wide, N, T, B>(scheme, tiles, vectors) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_lanes(Lanes(lanes): &Lanes) -> __m512 {
    // SAFETY: 64 bytes are read, which are aligned.
    unsafe { _mm512_load_ps(lanes.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_lanes(Lanes(lanes): &mut Lanes, values: __m512) {
    // SAFETY: 64 bytes are written, which are aligned.
    unsafe { _mm512_store_ps(lanes.as_mut_ptr(), values) }
}

/// [`window::accumulate`].
#[target_feature(enable = "avx512f")]
pub(super) fn accumulate(window: Window<'_>, start: usize, sums: &mut [Lanes]) {
    match sums.len() {
        1 => block::<1>(window, start, sums),
        2 => block::<2>(window, start, sums),
        3 => block::<3>(window, start, sums),
        4 => block::<4>(window, start, sums),
        5 => block::<5>(window, start, sums),
        6 => block::<6>(window, start, sums),
        7 => block::<7>(window, start, sums),
        _ => block::<8>(window, start, sums),
    }
}

/// Two additions start in a cycle and take four: so many sums keep them busy.
#[target_feature(enable = "avx512f")]
fn block<const N: usize>(window: Window<'_>, start: usize, stored: &mut [Lanes]) {
    let Some(stored) = stored.first_chunk_mut::<N>() else { return };
    let mut sums = [_mm512_setzero_ps(); N];
    for (sum, stored) in sums.iter_mut().zip(&*stored) {
        *sum = load_lanes(stored);
    }
    for (weights, rows) in window.products::<N>(start) {
        for (input, weights) in weights.iter().enumerate() {
            // Past the last weights it has no effect.
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(weights).wrapping_add(AHEAD).cast());
            let weights = load_lanes(weights);
            for (sum, row) in sums.iter_mut().zip(rows) {
                *sum = _mm512_fmadd_ps(_mm512_set1_ps(row.0[input]), weights, *sum);
            }
        }
    }
    for (sum, stored) in sums.into_iter().zip(stored) {
        store_lanes(stored, sum);
    }
}

/// [`window::snake`], compiled for wider registers.
#[target_feature(enable = "avx512f")]
pub(super) fn snake(rows: &mut [Lanes], frequency: &Lanes, gain: &Lanes) {
    window::snake(rows, frequency, gain);
}
