//! The products. The sums are those of the portable kernels, in the same order where they are
//! not of integers.

#![allow(clippy::inline_always)] // compiled once for each instruction set

use std::arch::asm;
use std::arch::x86_64::{
    __m128i, __m256, __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_add_ps, _mm256_and_si256,
    _mm256_castsi256_ps, _mm256_cvtepi8_epi16, _mm256_cvtepi32_ps, _mm256_cvtepu16_epi32,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_mul_ps, _mm256_set1_epi16, _mm256_set1_epi32,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256, _mm256_slli_epi32, _mm256_srli_epi16,
    _mm256_storeu_ps, _mm256_sub_epi32,
};

use crate::inputs::{GROUP, InputGroup};
use crate::matrix::{Scheme, TILE};
use crate::{q4, q8};

/// A group of a tile of 8-bit weights.
pub(super) type Q8Group = [u8; q8::GROUP_BYTES];
/// A group of a tile of 4-bit weights.
pub(super) type Q4Group = [u8; q4::GROUP_BYTES];
/// Four 4-bit weights of each word.
pub(super) const CODES: usize = 4;

/// Registers of 32-bit sums, or of pairs of 16-bit numbers: a tile's eight rows side by side,
/// once or more.
///
/// # Safety
/// The functions need the instructions that they are compiled for. They are inlined into one
/// that is compiled for the same.
pub(super) trait Registers {
    type Register: Copy;
    /// Steps of a group in one register.
    const STEPS: usize;

    unsafe fn zeros() -> Self::Register;

    /// The weights of some steps; `index` counts registers.
    unsafe fn bytes(group: &Q8Group, index: usize) -> Self::Register;

    /// The codes of some steps, columns 0 and 1 of each, 2 and 3, 4 and 5, 6 and 7.
    unsafe fn codes(group: &Q4Group, index: usize) -> [Self::Register; CODES];

    /// Pair `first` of the inputs for every row, in a second step the one `apart` from it.
    unsafe fn columns(inputs: &InputGroup, first: usize, apart: usize) -> Self::Register;

    /// `sums` and the sums of the products of every pair.
    unsafe fn multiply_add(
        sums: Self::Register,
        weights: Self::Register,
        inputs: Self::Register,
    ) -> Self::Register;

    /// The sums over all steps.
    unsafe fn rows(sums: Self::Register) -> __m256i;
}

/// AVX2, and AVX-VNNI if `VNNI`.
pub(super) struct Narrow<const VNNI: bool>;

impl<const VNNI: bool> Registers for Narrow<VNNI> {
    type Register = __m256i;
    const STEPS: usize = 1;

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
        let low_bits = _mm256_set1_epi16(15);
        [
            _mm256_and_si256(codes, low_bits),
            _mm256_and_si256(_mm256_srli_epi16::<4>(codes), low_bits),
            _mm256_and_si256(_mm256_srli_epi16::<8>(codes), low_bits),
            _mm256_srli_epi16::<12>(codes),
        ]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn columns(inputs: &InputGroup, first: usize, _: usize) -> __m256i {
        let pair: [i16; 2] = inputs.values.as_chunks().0[first];
        // SAFETY: both have 32 bits.
        _mm256_set1_epi32(unsafe { std::mem::transmute::<[i16; 2], i32>(pair) })
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn multiply_add(sums: __m256i, weights: __m256i, inputs: __m256i) -> __m256i {
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

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn rows(sums: __m256i) -> __m256i {
        sums
    }
}

/// The products with AVX2.
#[target_feature(enable = "avx2")]
pub(super) fn avx2<const N: usize, const T: usize>(
    scheme: Scheme,
    tiles: [&[u8]; T],
    vectors: [&[InputGroup]; N],
) -> [[[f32; TILE]; T]; N] {
    // SAFETY: this is compiled for the same instructions.
    unsafe { multiply::<Narrow<false>, N, T>(scheme, tiles, vectors) }
}

/// The products with AVX-VNNI.
#[target_feature(enable = "avx2,avxvnni")]
pub(super) fn avx_vnni<const N: usize, const T: usize>(
    scheme: Scheme,
    tiles: [&[u8]; T],
    vectors: [&[InputGroup]; N],
) -> [[[f32; TILE]; T]; N] {
    // SAFETY: this is compiled for the same instructions.
    unsafe { multiply::<Narrow<true>, N, T>(scheme, tiles, vectors) }
}

/// The products of `T` tiles with `N` vectors.
///
/// # Safety
/// It is inlined into a function that is compiled for the instructions of `R`.
#[inline(always)]
pub(super) unsafe fn multiply<R: Registers, const N: usize, const T: usize>(
    scheme: Scheme,
    tiles: [&[u8]; T],
    vectors: [&[InputGroup]; N],
) -> [[[f32; TILE]; T]; N] {
    // SAFETY: the caller has the instructions.
    unsafe {
        match scheme {
            Scheme::Q8 => q8::<R, N, T>(tiles, vectors),
            Scheme::Q4 => q4::<R, N, T>(tiles, vectors),
        }
    }
}

/// The products of `T` tiles of 8-bit weights with `N` vectors. A sum of 32 products of 8 with
/// 16 bits fits into 32.
///
/// # Safety
/// As [`multiply`].
#[inline(always)]
unsafe fn q8<R: Registers, const N: usize, const T: usize>(
    tiles: [&[u8]; T],
    vectors: [&[InputGroup]; N],
) -> [[[f32; TILE]; T]; N] {
    // SAFETY: the caller has the instructions, AVX2 among them.
    unsafe {
        let mut outputs = [[_mm256_setzero_ps(); T]; N];
        for (tiles, inputs) in groups::<{ q8::GROUP_BYTES }, N, T>(tiles, vectors) {
            let mut sums = [[R::zeros(); T]; N];
            for step in 0..GROUP / q8::RUN / R::STEPS {
                let mut weights = [R::zeros(); T];
                for t in 0..T {
                    weights[t] = R::bytes(tiles[t], step);
                }
                for n in 0..N {
                    let columns = R::columns(inputs[n], step * R::STEPS, 1);
                    for t in 0..T {
                        sums[n][t] = R::multiply_add(sums[n][t], weights[t], columns);
                    }
                }
            }
            for t in 0..T {
                let own = scales(&tiles[t].as_chunks().0[0]);
                for n in 0..N {
                    let sums = R::rows(sums[n][t]);
                    outputs[n][t] = scaled(outputs[n][t], sums, own, inputs[n].scale);
                }
            }
        }
        store(outputs)
    }
}

/// The products of `T` tiles of 4-bit weights with `N` vectors. A sum of 32 products of 4 with
/// 16 bits fits into 32.
///
/// # Safety
/// As [`multiply`].
#[inline(always)]
unsafe fn q4<R: Registers, const N: usize, const T: usize>(
    tiles: [&[u8]; T],
    vectors: [&[InputGroup]; N],
) -> [[[f32; TILE]; T]; N] {
    // SAFETY: the caller has the instructions, AVX2 among them.
    unsafe {
        let mut outputs = [[_mm256_setzero_ps(); T]; N];
        for (tiles, inputs) in groups::<{ q4::GROUP_BYTES }, N, T>(tiles, vectors) {
            let mut sums = [[R::zeros(); T]; N];
            for step in 0..GROUP / q4::RUN / R::STEPS {
                let mut columns = [[R::zeros(); CODES]; N];
                for n in 0..N {
                    for (pair, columns) in columns[n].iter_mut().enumerate() {
                        let first = step * R::STEPS * CODES + pair;
                        *columns = R::columns(inputs[n], first, CODES);
                    }
                }
                for t in 0..T {
                    let codes = R::codes(tiles[t], step);
                    for n in 0..N {
                        for pair in 0..CODES {
                            sums[n][t] = R::multiply_add(sums[n][t], codes[pair], columns[n][pair]);
                        }
                    }
                }
            }
            for t in 0..T {
                let own = scales(&tiles[t].as_chunks().0[0]);
                for n in 0..N {
                    let offset = _mm256_set1_epi32(q4::OFFSET * inputs[n].sum);
                    let sums = _mm256_sub_epi32(R::rows(sums[n][t]), offset);
                    outputs[n][t] = scaled(outputs[n][t], sums, own, inputs[n].scale);
                }
            }
        }
        store(outputs)
    }
}

/// The groups of every tile and vector, as many as all have.
#[inline]
fn groups<'a, const BYTES: usize, const N: usize, const T: usize>(
    tiles: [&'a [u8]; T],
    vectors: [&'a [InputGroup]; N],
) -> impl Iterator<Item = ([&'a [u8; BYTES]; T], [&'a InputGroup; N])> {
    let tiles = tiles.map(|tile| tile.as_chunks::<BYTES>().0);
    let counts = tiles.iter().map(|tile| tile.len()).chain(vectors.iter().map(|v| v.len()));
    (0..counts.min().unwrap_or(0)).map(move |index| {
        // SAFETY: every tile and every vector has so many groups.
        (
            tiles.map(|t| unsafe { t.get_unchecked(index) }),
            vectors.map(|v| unsafe { v.get_unchecked(index) }),
        )
    })
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

/// Eight scales: a bf16 is the upper half of a float.
#[inline]
#[target_feature(enable = "avx2")]
fn scales(bytes: &[u8; 16]) -> __m256 {
    let halves = _mm256_cvtepu16_epi32(load_half(bytes));
    _mm256_castsi256_ps(_mm256_slli_epi32::<16>(halves))
}

/// `outputs + sums * (own * scale)`, not fused, as the portable kernels have it.
#[inline]
#[target_feature(enable = "avx2")]
fn scaled(outputs: __m256, sums: __m256i, own: __m256, scale: f32) -> __m256 {
    let scale = _mm256_mul_ps(own, _mm256_set1_ps(scale));
    _mm256_add_ps(outputs, _mm256_mul_ps(_mm256_cvtepi32_ps(sums), scale))
}

#[inline]
#[target_feature(enable = "avx2")]
fn store<const N: usize, const T: usize>(outputs: [[__m256; T]; N]) -> [[[f32; TILE]; T]; N] {
    let mut stored = [[[0.0; TILE]; T]; N];
    for (stored, output) in stored.as_flattened_mut().iter_mut().zip(outputs.as_flattened()) {
        // SAFETY: 32 bytes are written.
        unsafe { _mm256_storeu_ps(stored.as_mut_ptr(), *output) };
    }
    stored
}
