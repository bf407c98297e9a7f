//! The kernels for 64-bit ARM: the products. Compilers make everything else wide by themselves, as
//! every such processor has NEON. Results are those of the portable ones, bit for bit.

use std::arch::aarch64::{
    float32x4_t, int8x16_t, int32x4_t, vaddq_f32, vaddq_s32, vandq_u8, vcvtq_f32_s32, vdupq_n_f32,
    vdupq_n_s32, vdupq_n_u8, vget_low_s8, vget_low_s16, vget_low_u16, vld1q_f32, vld1q_s8,
    vld1q_u8, vld1q_u16, vmovl_high_s8, vmovl_high_u16, vmovl_s8, vmovl_u16, vmull_high_s8,
    vmull_high_s16, vmull_s8, vmull_s16, vmulq_f32, vpadalq_s16, vpaddq_s16, vpaddq_s32,
    vreinterpretq_f32_u32, vreinterpretq_s8_s32, vreinterpretq_s16_s32, vreinterpretq_s32_s16,
    vreinterpretq_s32_u8, vshlq_n_u32, vshrq_n_u8, vst1q_f32, vsubq_s32,
};
use std::arch::{asm, is_aarch64_feature_detected};

use crate::inputs::InputGroup;
use crate::matrix::{Scheme, TILE};
use crate::products::{self, CODES, Q4Group, Q8Group, Registers};
use crate::strip::Strip;

/// Proof that the processor has the instructions of the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arm(Level);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Neon,
    /// Products of four bytes and their sum at once.
    DotProduct,
}

impl Arm {
    /// All levels that the processor has, the fastest last.
    pub(crate) fn available() -> impl Iterator<Item = Self> {
        let dot_product = is_aarch64_feature_detected!("dotprod");
        let levels = [(Level::Neon, true), (Level::DotProduct, dot_product)];
        levels.into_iter().filter(|(_, has)| *has).map(|(level, _)| Self(level))
    }

    /// The products of the first `T` tiles with `N` vectors, the sums of `B` tiles at once.
    #[inline]
    pub(crate) fn multiply<const N: usize, const T: usize, const B: usize>(
        self,
        scheme: Scheme,
        tiles: Strip<'_>,
        vectors: [&[InputGroup]; N],
    ) -> [[[f32; TILE]; T]; N] {
        // SAFETY: the level proves the instructions.
        unsafe {
            match self.0 {
                Level::Neon => neon::<N, T, B>(scheme, tiles, vectors),
                Level::DotProduct => dot_product::<N, T, B>(scheme, tiles, vectors),
            }
        }
    }
}

#[target_feature(enable = "neon")]
fn neon<const N: usize, const T: usize, const B: usize>(
    scheme: Scheme,
    tiles: Strip<'_>,
    vectors: [&[InputGroup]; N],
) -> [[[f32; TILE]; T]; N] {
    // SAFETY: this is compiled for the same instructions.
    unsafe { products::multiply::<Neon<false>, N, T, B>(scheme, tiles, vectors) }
}

#[target_feature(enable = "neon,dotprod")]
fn dot_product<const N: usize, const T: usize, const B: usize>(
    scheme: Scheme,
    tiles: Strip<'_>,
    vectors: [&[InputGroup]; N],
) -> [[[f32; TILE]; T]; N] {
    // SAFETY: this is compiled for the same instructions.
    unsafe { products::multiply::<Neon<true>, N, T, B>(scheme, tiles, vectors) }
}

/// NEON, with dot products if `DOT`: rows 0 to 3 of a tile, and rows 4 to 7.
struct Neon<const DOT: bool>;

impl<const DOT: bool> Registers for Neon<DOT> {
    type Register = [int32x4_t; 2];
    type Rows = [int32x4_t; 2];
    type Scales = [float32x4_t; 2];
    const STEPS: usize = 1;

    /// Nothing: how far ahead it would help has not been measured.
    #[inline]
    unsafe fn ask_for(_: *const u8) {}

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn zeros() -> [int32x4_t; 2] {
        [vdupq_n_s32(0); 2]
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn bytes(group: &Q8Group, index: usize) -> [int32x4_t; 2] {
        let bytes: &[u8; 16] = &group.as_chunks().0[index + 1];
        // SAFETY: 16 bytes are read.
        let bytes = unsafe { vld1q_s8(bytes.as_ptr().cast()) };
        [vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes)].map(|half| vreinterpretq_s32_s16(half))
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn codes(group: &Q4Group, index: usize) -> [[int32x4_t; 2]; CODES] {
        // Behind the scales, of as many bytes.
        let halves: &[[u8; 16]] = group.as_chunks().0;
        let load = |half: &[u8; 16]| {
            // SAFETY: 16 bytes are read.
            unsafe { vld1q_u8(half.as_ptr()) }
        };
        let codes = [load(&halves[2 * index + 1]), load(&halves[2 * index + 2])];
        let low_bits = vdupq_n_u8(15);
        [
            codes.map(|codes| vreinterpretq_s32_u8(vandq_u8(codes, low_bits))),
            codes.map(|codes| vreinterpretq_s32_u8(vshrq_n_u8::<4>(codes))),
        ]
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn pairs(inputs: &InputGroup, first: usize, _: usize) -> [int32x4_t; 2] {
        let pair: [i16; 2] = inputs.words.as_chunks().0[first];
        // SAFETY: both have 32 bits.
        [vdupq_n_s32(unsafe { std::mem::transmute::<[i16; 2], i32>(pair) }); 2]
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn fours(inputs: &InputGroup, first: usize, _: usize) -> [int32x4_t; 2] {
        let four: [i8; 4] = inputs.bytes.as_chunks().0[first];
        // SAFETY: both have 32 bits.
        [vdupq_n_s32(unsafe { std::mem::transmute::<[i8; 4], i32>(four) }); 2]
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn add_pairs(
        sums: [int32x4_t; 2],
        weights: [int32x4_t; 2],
        inputs: [int32x4_t; 2],
    ) -> [int32x4_t; 2] {
        let mut sums = sums;
        for half in 0..2 {
            let weights = vreinterpretq_s16_s32(weights[half]);
            let inputs = vreinterpretq_s16_s32(inputs[half]);
            let low = vmull_s16(vget_low_s16(weights), vget_low_s16(inputs));
            let products = vpaddq_s32(low, vmull_high_s16(weights, inputs));
            sums[half] = vaddq_s32(sums[half], products);
        }
        sums
    }

    /// Without dot products pairs are added up in 16 bits: a code of up to 15 by an input of up to
    /// 127 in size.
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn add_fours(
        sums: [int32x4_t; 2],
        codes: [int32x4_t; 2],
        inputs: [int32x4_t; 2],
    ) -> [int32x4_t; 2] {
        let mut sums = sums;
        for half in 0..2 {
            let codes = vreinterpretq_s8_s32(codes[half]);
            let inputs = vreinterpretq_s8_s32(inputs[half]);
            if DOT {
                // SAFETY: the caller has dot products.
                sums[half] = unsafe { add_dot_products(sums[half], codes, inputs) };
            } else {
                let low = vmull_s8(vget_low_s8(codes), vget_low_s8(inputs));
                let pairs = vpaddq_s16(low, vmull_high_s8(codes, inputs));
                sums[half] = vpadalq_s16(sums[half], pairs);
            }
        }
        sums
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn rows(sums: [int32x4_t; 2]) -> [int32x4_t; 2] {
        sums
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn rows_of_fours(sums: [int32x4_t; 2], offset: i32) -> [int32x4_t; 2] {
        sums.map(|sums| vsubq_s32(sums, vdupq_n_s32(offset)))
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn scales(bytes: &[u8; 16]) -> [float32x4_t; 2] {
        // SAFETY: 16 bytes are read.
        let halves = unsafe { vld1q_u16(bytes.as_ptr().cast()) };
        [vmovl_u16(vget_low_u16(halves)), vmovl_high_u16(halves)]
            .map(|half| vreinterpretq_f32_u32(vshlq_n_u32::<16>(half)))
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn add_scaled(
        outputs: &mut [f32; TILE],
        sums: [int32x4_t; 2],
        own: [float32x4_t; 2],
        scale: f32,
    ) {
        for (half, outputs) in outputs.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let scale = vmulq_f32(own[half], vdupq_n_f32(scale));
            let products = vmulq_f32(vcvtq_f32_s32(sums[half]), scale);
            // SAFETY: 16 bytes are read and written.
            unsafe {
                let outputs = outputs.as_mut_ptr();
                vst1q_f32(outputs, vaddq_f32(vld1q_f32(outputs), products));
            }
        }
    }
}

/// `sums` and the sums of the products of every four bytes.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn add_dot_products(sums: int32x4_t, codes: int8x16_t, inputs: int8x16_t) -> int32x4_t {
    let mut sums = sums;
    // SAFETY: the caller has dot products; the intrinsic is not stable yet.
    unsafe {
        asm!(
            "sdot {0:v}.4s, {1:v}.16b, {2:v}.16b",
            inlateout(vreg) sums,
            in(vreg) codes,
            in(vreg) inputs,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}
