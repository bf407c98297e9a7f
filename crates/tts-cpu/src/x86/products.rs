//! The products with AVX2 and AVX-VNNI.

use std::arch::asm;
use std::arch::x86_64::{
    __m128i, __m256, __m256i, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm256_add_epi16,
    _mm256_add_epi32, _mm256_add_ps, _mm256_and_si256, _mm256_castsi256_ps, _mm256_cvtepi8_epi16,
    _mm256_cvtepi32_ps, _mm256_cvtepu16_epi32, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_si256, _mm256_slli_epi32, _mm256_srli_epi16,
    _mm256_storeu_ps, _mm256_sub_epi32,
};

use crate::inputs::InputGroup;
use crate::matrix::{Scheme, TILE};
use crate::products::{CODES, Q4Group, Q8Group, Registers, multiply};
use crate::strip::Strip;

/// AVX2, and AVX-VNNI if `VNNI`.
pub(super) struct Narrow<const VNNI: bool>;

impl<const VNNI: bool> Registers for Narrow<VNNI> {
    type Register = __m256i;
    type Rows = __m256i;
    type Scales = __m256;
    const STEPS: usize = 1;

    #[inline]
    unsafe fn ask_for(address: *const u8) {
        // SAFETY: every x86-64 has it; where there is no memory it has no effect.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn zeros() -> __m256i {
        _mm256_setzero_si256()
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn bytes(group: &Q8Group, index: usize) -> __m256i {
        _mm256_cvtepi8_epi16(load_half(&group.as_chunks().0[index + 1]))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn codes(group: &Q4Group, index: usize) -> [__m256i; CODES] {
        let codes = load(&group.as_rchunks().1[index]);
        let low_bits = _mm256_set1_epi8(15);
        [
            _mm256_and_si256(codes, low_bits),
            _mm256_and_si256(_mm256_srli_epi16::<4>(codes), low_bits),
        ]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn pairs(inputs: &InputGroup, first: usize, _: usize) -> __m256i {
        let pair: [i16; 2] = inputs.words.as_chunks().0[first];
        // SAFETY: both have 32 bits.
        _mm256_set1_epi32(unsafe { std::mem::transmute::<[i16; 2], i32>(pair) })
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn fours(inputs: &InputGroup, first: usize, _: usize) -> __m256i {
        let four: [i8; 4] = inputs.bytes.as_chunks().0[first];
        // SAFETY: both have 32 bits.
        _mm256_set1_epi32(unsafe { std::mem::transmute::<[i8; 4], i32>(four) })
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn add_pairs(sums: __m256i, weights: __m256i, inputs: __m256i) -> __m256i {
        if !VNNI {
            return _mm256_add_epi32(sums, _mm256_madd_epi16(weights, inputs));
        }
        let mut sums = sums;
        // SAFETY: the caller has AVX-VNNI. Compilers split the intrinsic into two instructions.
        unsafe {
            asm!(
                "{{vex}} vpdpwssd {}, {}, {}",
                inlateout(ymm_reg) sums,
                in(ymm_reg) weights,
                in(ymm_reg) inputs,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        sums
    }

    /// Without VNNI the sums have 16 bits: those of eight pairs of a code up to 15 and an input
    /// up to 128 in size, as a group has, fit.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn add_fours(sums: __m256i, codes: __m256i, inputs: __m256i) -> __m256i {
        if !VNNI {
            return _mm256_add_epi16(sums, _mm256_maddubs_epi16(codes, inputs));
        }
        let mut sums = sums;
        // SAFETY: the caller has AVX-VNNI.
        unsafe {
            asm!(
                "{{vex}} vpdpbusd {}, {}, {}",
                inlateout(ymm_reg) sums,
                in(ymm_reg) codes,
                in(ymm_reg) inputs,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        sums
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn rows(sums: __m256i) -> __m256i {
        sums
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn rows_of_fours(sums: __m256i, offset: i32) -> __m256i {
        let sums = if VNNI { sums } else { _mm256_madd_epi16(sums, _mm256_set1_epi16(1)) };
        _mm256_sub_epi32(sums, _mm256_set1_epi32(offset))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn scales(bytes: &[u8; 16]) -> __m256 {
        scales(bytes)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn add_scaled(outputs: &mut [f32; TILE], sums: __m256i, own: __m256, scale: f32) {
        add_scaled(outputs, sums, own, scale);
    }
}

/// The products with AVX2.
#[target_feature(enable = "avx2")]
pub(super) fn avx2<const N: usize, const T: usize, const B: usize>(
    scheme: Scheme,
    tiles: Strip<'_>,
    vectors: [&[InputGroup]; N],
) -> [[[f32; TILE]; T]; N] {
    // SAFETY: this is compiled for the same instructions.
    unsafe { multiply::<Narrow<false>, N, T, B>(scheme, tiles, vectors) }
}

/// The products with AVX-VNNI.
#[target_feature(enable = "avx2,avxvnni")]
pub(super) fn avx_vnni<const N: usize, const T: usize, const B: usize>(
    scheme: Scheme,
    tiles: Strip<'_>,
    vectors: [&[InputGroup]; N],
) -> [[[f32; TILE]; T]; N] {
    // SAFETY: this is compiled for the same instructions.
    unsafe { multiply::<Narrow<true>, N, T, B>(scheme, tiles, vectors) }
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: 32 bytes are read.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_half(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: 16 bytes are read.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

/// [`Registers::scales`].
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn scales(bytes: &[u8; 16]) -> __m256 {
    let halves = _mm256_cvtepu16_epi32(load_half(bytes));
    _mm256_castsi256_ps(_mm256_slli_epi32::<16>(halves))
}

/// [`Registers::add_scaled`].
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn add_scaled(outputs: &mut [f32; TILE], sums: __m256i, own: __m256, scale: f32) {
    let scale = _mm256_mul_ps(own, _mm256_set1_ps(scale));
    let products = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), scale);
    // SAFETY: 32 bytes are read and written.
    unsafe {
        let outputs = outputs.as_mut_ptr();
        _mm256_storeu_ps(outputs, _mm256_add_ps(_mm256_loadu_ps(outputs), products));
    }
}
