//! The products with AVX2. The sums are those of the portable kernels, in the same order.

use std::arch::x86_64::{
    __m128i, __m256, __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_add_ps, _mm256_and_si256,
    _mm256_castsi256_ps, _mm256_cvtepi8_epi16, _mm256_cvtepi32_ps, _mm256_cvtepu16_epi32,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_mul_ps, _mm256_set1_epi16, _mm256_set1_epi32,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256, _mm256_slli_epi32, _mm256_srli_epi16,
    _mm256_storeu_ps, _mm256_sub_epi32,
};

use crate::inputs::{GROUP, InputGroup};
use crate::matrix::TILE;
use crate::{math, q4, q8};

/// Proof that the processor has AVX2 and FMA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        let features = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        features.then_some(Self(()))
    }
}

/// The products of `T` tiles of 8-bit weights with `N` vectors.
pub(crate) fn q8<const N: usize, const T: usize>(
    Avx2(()): Avx2,
    tiles: [&[u8]; T],
    vectors: [&[InputGroup]; N],
) -> [[[f32; TILE]; T]; N] {
    // SAFETY: an `Avx2` proves the features.
    unsafe { q8_avx2(tiles, vectors) }
}

/// The products of `T` tiles of 4-bit weights with `N` vectors.
pub(crate) fn q4<const N: usize, const T: usize>(
    Avx2(()): Avx2,
    tiles: [&[u8]; T],
    vectors: [&[InputGroup]; N],
) -> [[[f32; TILE]; T]; N] {
    // SAFETY: an `Avx2` proves the features.
    unsafe { q4_avx2(tiles, vectors) }
}

/// [`InputGroup::round`], compiled for wider registers.
pub(crate) fn round(Avx2(()): Avx2, groups: &mut [InputGroup], vector: &[f32]) {
    #[target_feature(enable = "avx2")]
    fn wide(groups: &mut [InputGroup], vector: &[f32]) {
        InputGroup::round(groups, vector);
    }
    // SAFETY: an `Avx2` proves the features.
    unsafe { wide(groups, vector) }
}

/// [`q8::pack`], compiled for wider registers.
pub(crate) fn pack_q8(Avx2(()): Avx2, rows: &[[f32; GROUP]; TILE], out: &mut Vec<u8>) {
    #[target_feature(enable = "avx2")]
    fn wide(rows: &[[f32; GROUP]; TILE], out: &mut Vec<u8>) {
        q8::pack(rows, out);
    }
    // SAFETY: an `Avx2` proves the features.
    unsafe { wide(rows, out) }
}

/// [`q4::pack`], compiled for wider registers.
pub(crate) fn pack_q4(Avx2(()): Avx2, rows: &[[f32; GROUP]; TILE], out: &mut Vec<u8>) {
    #[target_feature(enable = "avx2")]
    fn wide(rows: &[[f32; GROUP]; TILE], out: &mut Vec<u8>) {
        q4::pack(rows, out);
    }
    // SAFETY: an `Avx2` proves the features.
    unsafe { wide(rows, out) }
}

/// [`math::rms_norm`], compiled for wider registers.
pub(crate) fn rms_norm(Avx2(()): Avx2, x: &mut [f32], weight: &[f32], eps: f32) {
    #[target_feature(enable = "avx2")]
    fn wide(x: &mut [f32], weight: &[f32], eps: f32) {
        math::rms_norm(x, weight, eps);
    }
    // SAFETY: an `Avx2` proves the features.
    unsafe { wide(x, weight, eps) }
}

/// [`math::attend`], compiled for wider registers.
pub(crate) fn attend(
    Avx2(()): Avx2,
    query: &[f32],
    keys: &[f32],
    values: &[f32],
    scores: &mut [f32],
    mixed: &mut [f32],
) {
    #[target_feature(enable = "avx2")]
    fn wide(q: &[f32], keys: &[f32], values: &[f32], scores: &mut [f32], mixed: &mut [f32]) {
        math::attend(q, keys, values, scores, mixed);
    }
    // SAFETY: an `Avx2` proves the features.
    unsafe { wide(query, keys, values, scores, mixed) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; 32]) -> __m256i {
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

/// The inputs of two columns in every lane.
#[inline]
#[target_feature(enable = "avx2")]
fn broadcast([even, odd]: [i16; 2]) -> __m256i {
    _mm256_set1_epi32(i32::from(odd) << 16 | i32::from(even.cast_unsigned()))
}

/// `outputs + sums * (own * scale)`, not fused, as the portable kernels have it.
#[inline]
#[target_feature(enable = "avx2")]
fn scaled(outputs: __m256, sums: __m256i, own: __m256, scale: f32) -> __m256 {
    let scale = _mm256_mul_ps(own, _mm256_set1_ps(scale));
    _mm256_add_ps(outputs, _mm256_mul_ps(_mm256_cvtepi32_ps(sums), scale))
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

/// A sum of 32 products of 8 with 16 bits fits into 32.
#[target_feature(enable = "avx2")]
fn q8_avx2<const N: usize, const T: usize>(
    tiles: [&[u8]; T],
    vectors: [&[InputGroup]; N],
) -> [[[f32; TILE]; T]; N] {
    let mut outputs = [[_mm256_setzero_ps(); T]; N];
    for (tiles, inputs) in groups::<{ q8::GROUP_BYTES }, N, T>(tiles, vectors) {
        let mut sums = [[_mm256_setzero_si256(); T]; N];
        for step in 0..GROUP / q8::RUN {
            let mut weights = [_mm256_setzero_si256(); T];
            for t in 0..T {
                weights[t] = _mm256_cvtepi8_epi16(load_half(&tiles[t].as_chunks().0[step + 1]));
            }
            for n in 0..N {
                let inputs = broadcast(inputs[n].values.as_chunks().0[step]);
                for t in 0..T {
                    let products = _mm256_madd_epi16(weights[t], inputs);
                    sums[n][t] = _mm256_add_epi32(sums[n][t], products);
                }
            }
        }
        for t in 0..T {
            let own = scales(&tiles[t].as_chunks().0[0]);
            for n in 0..N {
                outputs[n][t] = scaled(outputs[n][t], sums[n][t], own, inputs[n].scale);
            }
        }
    }
    store(outputs)
}

/// A sum of 32 products of 4 with 16 bits fits into 32.
#[target_feature(enable = "avx2")]
fn q4_avx2<const N: usize, const T: usize>(
    tiles: [&[u8]; T],
    vectors: [&[InputGroup]; N],
) -> [[[f32; TILE]; T]; N] {
    let low_bits = _mm256_set1_epi16(15);
    let mut outputs = [[_mm256_setzero_ps(); T]; N];
    for (tiles, inputs) in groups::<{ q4::GROUP_BYTES }, N, T>(tiles, vectors) {
        let mut sums = [[_mm256_setzero_si256(); T]; N];
        for step in 0..GROUP / q4::RUN {
            let mut columns = [[_mm256_setzero_si256(); q4::RUN / 2]; N];
            for n in 0..N {
                let inputs = inputs[n].values.as_chunks::<{ q4::RUN }>().0[step];
                for (column, inputs) in columns[n].iter_mut().zip(inputs.as_chunks().0) {
                    *column = broadcast(*inputs);
                }
            }
            for t in 0..T {
                let codes = tiles[t].as_chunks::<16>().0.split_at(1).1;
                let codes = load(&codes.as_flattened().as_chunks().0[step]);
                let pairs = [
                    _mm256_and_si256(codes, low_bits),
                    _mm256_and_si256(_mm256_srli_epi16::<4>(codes), low_bits),
                    _mm256_and_si256(_mm256_srli_epi16::<8>(codes), low_bits),
                    _mm256_srli_epi16::<12>(codes),
                ];
                for n in 0..N {
                    for pair in 0..q4::RUN / 2 {
                        let products = _mm256_madd_epi16(pairs[pair], columns[n][pair]);
                        sums[n][t] = _mm256_add_epi32(sums[n][t], products);
                    }
                }
            }
        }
        for t in 0..T {
            let own = scales(&tiles[t].as_chunks().0[0]);
            for n in 0..N {
                let offset = _mm256_set1_epi32(q4::OFFSET * inputs[n].sum);
                let sums = _mm256_sub_epi32(sums[n][t], offset);
                outputs[n][t] = scaled(outputs[n][t], sums, own, inputs[n].scale);
            }
        }
    }
    store(outputs)
}
