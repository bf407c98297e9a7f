//! The products. The sums are those of the portable kernels, in the same order where they are
//! not of integers.

#![allow(clippy::inline_always)] // compiled once for each instruction set

use std::arch::asm;
use std::arch::x86_64::{
    __m128i, __m256, __m256i, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm256_add_epi16,
    _mm256_add_epi32, _mm256_add_ps, _mm256_and_si256, _mm256_castsi256_ps, _mm256_cvtepi8_epi16,
    _mm256_cvtepi32_ps, _mm256_cvtepu16_epi32, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_si256, _mm256_slli_epi32, _mm256_srli_epi16,
    _mm256_storeu_ps, _mm256_sub_epi32,
};
use std::hint::black_box;

use crate::inputs::{GROUP, InputGroup};
use crate::matrix::{Scheme, TILE};
use crate::strip::Strip;
use crate::{q4, q8};

/// A group of a tile of 8-bit weights.
pub(super) type Q8Group = [u8; q8::GROUP_BYTES];
/// A group of a tile of 4-bit weights.
pub(super) type Q4Group = [u8; q4::GROUP_BYTES];
/// How far ahead weights are asked for, in bytes, at least.
const AHEAD: usize = 2048;
/// Registers of 8-bit codes from one of 4-bit weights.
pub(super) const CODES: usize = 2;

/// Registers of 32-bit sums, or of pairs of 16-bit or fours of 8-bit numbers: a tile's eight rows
/// side by side, once or more.
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

    /// The codes of some steps, columns 0 to 3 and 4 to 7 of each.
    unsafe fn codes(group: &Q4Group, index: usize) -> [Self::Register; CODES];

    /// Pair `first` of the inputs for every row, in a second step the one `apart` from it.
    unsafe fn pairs(inputs: &InputGroup, first: usize, apart: usize) -> Self::Register;

    /// Four `first` of the inputs for every row, in a second step the one `apart` from it.
    unsafe fn fours(inputs: &InputGroup, first: usize, apart: usize) -> Self::Register;

    /// `sums` and the sums of the products of every pair.
    unsafe fn add_pairs(
        sums: Self::Register,
        weights: Self::Register,
        inputs: Self::Register,
    ) -> Self::Register;

    /// `sums` and the sums of the products of every four, which are added up by
    /// [`Registers::rows_of_fours`] only; for one group at most.
    unsafe fn add_fours(
        sums: Self::Register,
        codes: Self::Register,
        inputs: Self::Register,
    ) -> Self::Register;

    /// The sums over all steps.
    unsafe fn rows(sums: Self::Register) -> __m256i;

    /// The sums of fours over all steps.
    unsafe fn rows_of_fours(sums: Self::Register) -> __m256i;
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
    unsafe fn rows_of_fours(sums: __m256i) -> __m256i {
        if VNNI { sums } else { _mm256_madd_epi16(sums, _mm256_set1_epi16(1)) }
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

/// The products of `T` tiles with `N` vectors; the sums of `B` tiles are in registers at once.
///
/// # Safety
/// It is inlined into a function that is compiled for the instructions of `R`.
#[inline(always)]
pub(super) unsafe fn multiply<R: Registers, const N: usize, const T: usize, const B: usize>(
    scheme: Scheme,
    tiles: Strip<'_>,
    vectors: [&[InputGroup]; N],
) -> [[[f32; TILE]; T]; N] {
    // SAFETY: the caller has the instructions.
    unsafe {
        match scheme {
            Scheme::Q8 => q8::<R, N, T, B>(tiles, vectors),
            Scheme::Q4 => q4::<R, N, T, B>(tiles, vectors),
        }
    }
}

/// What the groups add up to. It is aligned, and the stack with it, so that no register that is
/// put there lies across two cache lines: such a one takes many times as long to come back.
#[repr(align(64))]
struct Outputs<const N: usize, const T: usize>([[[f32; TILE]; T]; N]);

impl<const N: usize, const T: usize> Outputs<N, T> {
    const ZEROS: Self = Self([[[0.0; TILE]; T]; N]);

    /// To add the groups of a turn to. Those of several vectors are in memory meanwhile: the sums
    /// of a group need the registers.
    #[inline(always)]
    fn for_a_turn(&mut self) -> &mut [[[f32; TILE]; T]; N] {
        &mut if N > 1 { black_box(self) } else { self }.0
    }
}

/// The products of `T` tiles of 8-bit weights with `N` vectors. A sum of 32 products of 8 with
/// 16 bits fits into 32.
///
/// # Safety
/// As [`multiply`].
#[inline(always)]
unsafe fn q8<R: Registers, const N: usize, const T: usize, const B: usize>(
    tiles: Strip<'_>,
    vectors: [&[InputGroup]; N],
) -> [[[f32; TILE]; T]; N] {
    // SAFETY: the caller has the instructions, AVX2 among them.
    unsafe {
        let mut outputs = Outputs::ZEROS;
        for (groups, inputs) in turns::<{ q8::GROUP_BYTES }, N, T>(tiles, vectors) {
            let outputs = outputs.for_a_turn();
            for (block, groups) in groups.as_chunks::<B>().0.iter().enumerate() {
                let mut sums = [[R::zeros(); B]; N];
                for step in 0..GROUP / q8::RUN / R::STEPS {
                    let mut weights = [R::zeros(); B];
                    for b in 0..B {
                        weights[b] = R::bytes(&groups[b], step);
                    }
                    for n in 0..N {
                        let pairs = R::pairs(inputs[n], step * R::STEPS, 1);
                        for b in 0..B {
                            sums[n][b] = R::add_pairs(sums[n][b], weights[b], pairs);
                        }
                    }
                }
                for b in 0..B {
                    let own = scales(&groups[b].as_chunks().0[0]);
                    for n in 0..N {
                        let outputs = &mut outputs[n][block * B + b];
                        add_scaled(outputs, R::rows(sums[n][b]), own, inputs[n].scale);
                    }
                }
            }
        }
        outputs.0
    }
}

/// The products of `T` tiles of 4-bit weights with `N` vectors.
///
/// # Safety
/// As [`multiply`].
#[inline(always)]
unsafe fn q4<R: Registers, const N: usize, const T: usize, const B: usize>(
    tiles: Strip<'_>,
    vectors: [&[InputGroup]; N],
) -> [[[f32; TILE]; T]; N] {
    // SAFETY: the caller has the instructions, AVX2 among them.
    unsafe {
        let mut outputs = Outputs::ZEROS;
        for (groups, inputs) in turns::<{ q4::GROUP_BYTES }, N, T>(tiles, vectors) {
            let outputs = outputs.for_a_turn();
            for (block, groups) in groups.as_chunks::<B>().0.iter().enumerate() {
                let mut sums = [[R::zeros(); B]; N];
                for step in 0..GROUP / q4::RUN / R::STEPS {
                    for half in 0..CODES {
                        let mut codes = [R::zeros(); B];
                        for b in 0..B {
                            codes[b] = R::codes(&groups[b], step)[half];
                        }
                        for n in 0..N {
                            let fours = R::fours(inputs[n], step * R::STEPS * CODES + half, CODES);
                            for b in 0..B {
                                sums[n][b] = R::add_fours(sums[n][b], codes[b], fours);
                            }
                        }
                    }
                }
                for b in 0..B {
                    let own = scales(&groups[b].as_chunks().0[0]);
                    for n in 0..N {
                        let offset = _mm256_set1_epi32(q4::OFFSET * inputs[n].byte_sum);
                        let sums = _mm256_sub_epi32(R::rows_of_fours(sums[n][b]), offset);
                        let outputs = &mut outputs[n][block * B + b];
                        add_scaled(outputs, sums, own, inputs[n].scale);
                    }
                }
            }
        }
        outputs.0
    }
}

/// The groups of the first `T` tiles and of every vector, turn by turn, as many as all have. Weights
/// are asked for in the order in which they lie, which is not that in which they are used. Several
/// vectors keep the processor from running ahead itself, so it is done [`AHEAD`].
#[inline]
fn turns<'a, const BYTES: usize, const N: usize, const T: usize>(
    tiles: Strip<'a>,
    vectors: [&'a [InputGroup]; N],
) -> impl Iterator<Item = (&'a [[u8; BYTES]; T], [&'a InputGroup; N])> {
    let count = vectors.iter().map(|vector| vector.len()).min().unwrap_or(0);
    let turn = BYTES * tiles.tiles;
    let ahead = if N > 1 { AHEAD.next_multiple_of(turn.max(1)) } else { 0 };
    tiles.groups().zip(0..count).map(move |(groups, index)| {
        for line in groups.as_flattened().chunks(64) {
            // SAFETY: every x86-64 has it; past the last weights it has no effect.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().wrapping_add(ahead).cast()) };
        }
        // SAFETY: every vector has so many groups.
        (groups, vectors.map(|vector| unsafe { vector.get_unchecked(index) }))
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

/// `sums * (own * scale)` added, not fused, as the portable kernels have it.
#[inline]
#[target_feature(enable = "avx2")]
fn add_scaled(outputs: &mut [f32; TILE], sums: __m256i, own: __m256, scale: f32) {
    let scale = _mm256_mul_ps(own, _mm256_set1_ps(scale));
    let products = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), scale);
    // SAFETY: 32 bytes are read and written.
    unsafe {
        let outputs = outputs.as_mut_ptr();
        _mm256_storeu_ps(outputs, _mm256_add_ps(_mm256_loadu_ps(outputs), products));
    }
}
