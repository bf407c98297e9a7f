//! The kernels for x86-64. Results are those of the portable ones, bit for bit.

#![allow(clippy::unused_self)] // it proves the instructions

mod conv;
mod products;
mod wide;

use std::ops::Range;

use crate::inputs::{GROUP, InputGroup};
use crate::matrix::{Scheme, TILE};
use crate::signal::Lanes;
use crate::strip::Strip;
use crate::window::Window;
use crate::winograd::{Tiles, Tiling};
use crate::{math, q4, q8};

/// Proof that the processor has AVX2 and FMA, and the instructions of the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct X86(Level);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Avx2,
    AvxVnni,
    /// AVX-512 F, BW and VNNI.
    Avx512,
}

impl X86 {
    /// All levels that the processor and its system have, the fastest last.
    pub(crate) fn available() -> impl Iterator<Item = Self> {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx_vnni = is_x86_feature_detected!("avxvnni");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vnni");
        let levels = [(Level::Avx2, true), (Level::AvxVnni, avx_vnni), (Level::Avx512, avx512)];
        levels.into_iter().filter(move |(_, has)| avx2 && *has).map(|(level, _)| Self(level))
    }

    /// Does it compute with registers of 512 bits? There are 32 of them instead of 16.
    #[inline]
    pub(crate) fn wide(self) -> bool {
        self.0 == Level::Avx512
    }

    /// The products of `T` tiles with `N` vectors, the sums of `B` tiles at once.
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
                Level::Avx2 => products::avx2::<N, T, B>(scheme, tiles, vectors),
                Level::AvxVnni => products::avx_vnni::<N, T, B>(scheme, tiles, vectors),
                Level::Avx512 => wide::multiply::<N, T, B>(scheme, tiles, vectors),
            }
        }
    }

    /// [`crate::window::accumulate`].
    pub(crate) fn accumulate(self, window: Window<'_>, start: usize, sums: &mut [Lanes]) {
        // SAFETY: the level proves the instructions.
        unsafe {
            match self.0 {
                Level::Avx2 | Level::AvxVnni => conv::accumulate(window, start, sums),
                Level::Avx512 => wide::accumulate(window, start, sums),
            }
        }
    }

    /// [`crate::window::snake`].
    pub(crate) fn snake(self, rows: &mut [Lanes], frequency: &Lanes, gain: &Lanes) {
        // SAFETY: the level proves the instructions.
        unsafe {
            match self.0 {
                Level::Avx2 | Level::AvxVnni => conv::snake(rows, frequency, gain),
                Level::Avx512 => wide::snake(rows, frequency, gain),
            }
        }
    }

    /// [`crate::winograd::spread_part`].
    pub(crate) fn spread(
        self,
        tiling: Tiling,
        times: Range<usize>,
        rows: &[Lanes],
        tiles: &mut Tiles,
    ) {
        // SAFETY: every level has AVX2 and FMA.
        unsafe { conv::spread(tiling, times, rows, tiles) }
    }

    /// [`crate::winograd::gather_part`].
    pub(crate) fn gather(
        self,
        tiling: Tiling,
        times: Range<usize>,
        tiles: &Tiles,
        bias: &Lanes,
        outputs: &mut [Lanes],
    ) {
        // SAFETY: every level has AVX2 and FMA.
        unsafe { conv::gather(tiling, times, tiles, bias, outputs) }
    }

    /// [`InputGroup::round`], compiled for wider registers.
    pub(crate) fn round(self, scheme: Scheme, groups: &mut [InputGroup], vector: &[f32]) {
        #[target_feature(enable = "avx2")]
        fn wide(scheme: Scheme, groups: &mut [InputGroup], vector: &[f32]) {
            InputGroup::round(scheme, groups, vector);
        }
        // SAFETY: every level has AVX2.
        unsafe { wide(scheme, groups, vector) }
    }

    /// [`q8::pack`] and [`q4::pack`], compiled for wider registers.
    pub(crate) fn pack(self, scheme: Scheme, rows: &[[f32; GROUP]; TILE], out: &mut Vec<u8>) {
        #[target_feature(enable = "avx2")]
        fn wide(scheme: Scheme, rows: &[[f32; GROUP]; TILE], out: &mut Vec<u8>) {
            match scheme {
                Scheme::Q8 => q8::pack(rows, out),
                Scheme::Q4 => q4::pack(rows, out),
            }
        }
        // SAFETY: every level has AVX2.
        unsafe { wide(scheme, rows, out) }
    }

    /// [`math::rms_norm`], compiled for wider registers.
    pub(crate) fn rms_norm(self, x: &mut [f32], weight: &[f32], eps: f32) {
        #[target_feature(enable = "avx2")]
        fn wide(x: &mut [f32], weight: &[f32], eps: f32) {
            math::rms_norm(x, weight, eps);
        }
        // SAFETY: every level has AVX2.
        unsafe { wide(x, weight, eps) }
    }

    /// [`math::gate`], compiled for wider registers.
    pub(crate) fn gate(self, pairs: &[[f32; 2]], gated: &mut [f32]) {
        #[target_feature(enable = "avx2")]
        fn wide(pairs: &[[f32; 2]], gated: &mut [f32]) {
            math::gate(pairs, gated);
        }
        // SAFETY: every level has AVX2.
        unsafe { wide(pairs, gated) }
    }

    /// [`math::attend`], compiled for wider registers.
    pub(crate) fn attend(
        self,
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
        // SAFETY: every level has AVX2.
        unsafe { wide(query, keys, values, scores, mixed) }
    }
}
