//! The products with AVX2. The sums are those of the portable kernels, in the same order.

use std::arch::x86_64::{
    __m256, __m256i, _mm_loadu_si128, _mm256_abs_epi8, _mm256_add_epi16, _mm256_add_epi32,
    _mm256_add_ps, _mm256_and_si256, _mm256_cvtepi32_ps, _mm256_cvtph_ps, _mm256_loadu_ps,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps, _mm256_set1_epi8,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256,
    _mm256_sign_epi8, _mm256_srli_epi16, _mm256_storeu_ps, _mm256_sub_epi32,
};

use crate::inputs::{GROUP, InputGroup, SUB_GROUP};
use crate::matrix::TILE;
use crate::{math, q4, q8};

/// Proof that the processor has AVX2, FMA and F16C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        let features = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        features.then_some(Self(()))
    }
}

/// The products of a tile of 8-bit weights with `N` vectors.
pub(crate) fn q8<const N: usize>(
    Avx2(()): Avx2,
    tile: &[u8],
    vectors: [&[InputGroup]; N],
) -> [[f32; TILE]; N] {
    // SAFETY: an `Avx2` proves the features.
    unsafe { q8_avx2(tile, vectors) }
}

/// The products of a tile of 4-bit weights with `N` vectors.
pub(crate) fn q4<const N: usize>(
    Avx2(()): Avx2,
    tile: &[u8],
    vectors: [&[InputGroup]; N],
) -> [[f32; TILE]; N] {
    // SAFETY: an `Avx2` proves the features.
    unsafe { q4_avx2(tile, vectors) }
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
fn load_floats(bytes: &[u8; 32]) -> __m256 {
    // SAFETY: 32 bytes are read.
    unsafe { _mm256_loadu_ps(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
fn load_halves(bytes: &[u8; 16]) -> __m256 {
    // SAFETY: 16 bytes are read.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx2")]
fn store<const N: usize>(outputs: [__m256; N]) -> [[f32; TILE]; N] {
    let mut stored = [[0.0; TILE]; N];
    for (stored, output) in stored.iter_mut().zip(outputs) {
        // SAFETY: 32 bytes are written.
        unsafe { _mm256_storeu_ps(stored.as_mut_ptr(), output) };
    }
    stored
}

/// The inputs of four columns in every lane.
#[inline]
#[target_feature(enable = "avx2")]
fn broadcast(inputs: [i8; 4]) -> __m256i {
    _mm256_set1_epi32(i32::from_le_bytes(inputs.map(i8::cast_unsigned)))
}

/// `outputs + sums * (own * scale)`, not fused, as the portable kernels have it.
#[inline]
#[target_feature(enable = "avx2")]
fn scaled(outputs: __m256, sums: __m256i, own: __m256, scale: f32) -> __m256 {
    let scale = _mm256_mul_ps(own, _mm256_set1_ps(scale));
    _mm256_add_ps(outputs, _mm256_mul_ps(_mm256_cvtepi32_ps(sums), scale))
}

/// As many groups as the tile and every vector have.
#[inline]
fn common<const N: usize>(groups: usize, vectors: &[&[InputGroup]; N]) -> usize {
    vectors.iter().fold(groups, |groups, vector| groups.min(vector.len()))
}

/// The instruction multiplies unsigned with signed bytes: the sign of the weight moves to
/// the input. No weight and no input is -128, so that two products fit into 16 bits.
#[target_feature(enable = "avx2")]
fn q8_avx2<const N: usize>(tile: &[u8], vectors: [&[InputGroup]; N]) -> [[f32; TILE]; N] {
    let ones = _mm256_set1_epi16(1);
    let mut outputs = [_mm256_setzero_ps(); N];
    let groups = tile.as_chunks::<{ q8::GROUP_BYTES }>().0;
    for index in 0..common(groups.len(), &vectors) {
        // SAFETY: there are so many groups.
        let group = unsafe { groups.get_unchecked(index) }.as_chunks::<32>().0;
        let mut sums = [_mm256_setzero_si256(); N];
        for step in 0..GROUP / q8::RUN {
            let weights = load(&group[step + 1]);
            let magnitudes = _mm256_abs_epi8(weights);
            for n in 0..N {
                // SAFETY: every vector has so many groups.
                let inputs = unsafe { vectors[n].get_unchecked(index) };
                let inputs = broadcast(inputs.values.as_chunks::<{ q8::RUN }>().0[step]);
                let inputs = _mm256_sign_epi8(inputs, weights);
                let pairs = _mm256_maddubs_epi16(magnitudes, inputs);
                sums[n] = _mm256_add_epi32(sums[n], _mm256_madd_epi16(pairs, ones));
            }
        }
        let own = load_floats(&group[0]);
        for n in 0..N {
            // SAFETY: every vector has so many groups.
            let scale = unsafe { vectors[n].get_unchecked(index) }.scale;
            outputs[n] = scaled(outputs[n], sums[n], own, scale);
        }
    }
    store(outputs)
}

/// Sixteen products of at most 15 * 127 fit into 16 bits, and a sub-group has no more in a
/// lane.
#[target_feature(enable = "avx2,f16c")]
fn q4_avx2<const N: usize>(tile: &[u8], vectors: [&[InputGroup]; N]) -> [[f32; TILE]; N] {
    const PARTS: usize = GROUP / SUB_GROUP;
    let low_bits = _mm256_set1_epi8(15);
    let ones = _mm256_set1_epi16(1);
    let mut outputs = [_mm256_setzero_ps(); N];
    let groups = tile.as_chunks::<{ PARTS * q4::GROUP_BYTES }>().0;
    for index in 0..common(groups.len(), &vectors) {
        // SAFETY: there are so many groups.
        let parts = unsafe { groups.get_unchecked(index) }.as_chunks::<{ q4::GROUP_BYTES }>().0;
        for (part, bytes) in parts.iter().enumerate().take(PARTS) {
            let (own, codes) = bytes.as_chunks::<16>().0.split_at(1);
            let codes = codes.as_flattened().as_chunks::<32>().0;
            let mut pairs = [_mm256_setzero_si256(); N];
            for step in 0..SUB_GROUP / (2 * q4::RUN) {
                let codes = load(&codes[step]);
                let low = _mm256_and_si256(codes, low_bits);
                let high = _mm256_and_si256(_mm256_srli_epi16::<4>(codes), low_bits);
                for n in 0..N {
                    // SAFETY: every vector has so many groups.
                    let inputs = unsafe { vectors[n].get_unchecked(index) };
                    let inputs = inputs.values.as_chunks::<SUB_GROUP>().0[part];
                    let inputs = inputs.as_chunks::<{ q4::RUN }>().0;
                    let low = _mm256_maddubs_epi16(low, broadcast(inputs[2 * step]));
                    let high = _mm256_maddubs_epi16(high, broadcast(inputs[2 * step + 1]));
                    pairs[n] = _mm256_add_epi16(pairs[n], _mm256_add_epi16(low, high));
                }
            }
            let own = load_halves(&own[0]);
            for n in 0..N {
                // SAFETY: every vector has so many groups.
                let inputs = unsafe { vectors[n].get_unchecked(index) };
                let offset = _mm256_set1_epi32(q4::OFFSET * inputs.sums[part]);
                let sums = _mm256_sub_epi32(_mm256_madd_epi16(pairs[n], ones), offset);
                outputs[n] = scaled(outputs[n], sums, own, inputs.scale);
            }
        }
    }
    store(outputs)
}
