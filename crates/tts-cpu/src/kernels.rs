use crate::inputs::{GROUP, InputGroup};
use crate::matrix::{Scheme, TILE};
use crate::signal::Lanes;
use crate::window::{self, Window};
#[cfg(target_arch = "x86_64")]
use crate::x86::{self, Avx2};
#[cfg(target_arch = "x86_64")]
use crate::x86_conv;
use crate::{math, q4, q8};

/// The instructions to compute with. Results do not depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kernels {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
}

impl Kernels {
    /// The fastest that this processor has.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = Avx2::detect() {
            return Self::Avx2(avx2);
        }
        Self::Portable
    }

    /// The products of `T` tiles with `N` vectors.
    #[inline]
    pub(crate) fn multiply<const N: usize, const T: usize>(
        self,
        scheme: Scheme,
        tiles: [&[u8]; T],
        vectors: [&[InputGroup]; N],
    ) -> [[[f32; TILE]; T]; N] {
        match (self, scheme) {
            #[cfg(target_arch = "x86_64")]
            (Self::Avx2(avx2), Scheme::Q8) => x86::q8(avx2, tiles, vectors),
            #[cfg(target_arch = "x86_64")]
            (Self::Avx2(avx2), Scheme::Q4) => x86::q4(avx2, tiles, vectors),
            (Self::Portable, Scheme::Q8) => {
                vectors.map(|inputs| tiles.map(|tile| q8::multiply(tile, inputs)))
            }
            (Self::Portable, Scheme::Q4) => {
                vectors.map(|inputs| tiles.map(|tile| q4::multiply(tile, inputs)))
            }
        }
    }

    /// See [`q8::pack`] and [`q4::pack`].
    pub(crate) fn pack(self, scheme: Scheme, rows: &[[f32; GROUP]; TILE], out: &mut Vec<u8>) {
        match (self, scheme) {
            #[cfg(target_arch = "x86_64")]
            (Self::Avx2(avx2), Scheme::Q8) => x86::pack_q8(avx2, rows, out),
            #[cfg(target_arch = "x86_64")]
            (Self::Avx2(avx2), Scheme::Q4) => x86::pack_q4(avx2, rows, out),
            (Self::Portable, Scheme::Q8) => q8::pack(rows, out),
            (Self::Portable, Scheme::Q4) => q4::pack(rows, out),
        }
    }

    /// See [`InputGroup::round`].
    #[inline]
    pub(crate) fn round(self, groups: &mut [InputGroup], vector: &[f32]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => x86::round(avx2, groups, vector),
            Self::Portable => InputGroup::round(groups, vector),
        }
    }

    /// See [`math::rms_norm`].
    #[inline]
    pub(crate) fn rms_norm(self, x: &mut [f32], weight: &[f32], eps: f32) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => x86::rms_norm(avx2, x, weight, eps),
            Self::Portable => math::rms_norm(x, weight, eps),
        }
    }

    /// See [`math::attend`].
    #[inline]
    pub(crate) fn attend(
        self,
        query: &[f32],
        keys: &[f32],
        values: &[f32],
        scores: &mut [f32],
        mixed: &mut [f32],
    ) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => x86::attend(avx2, query, keys, values, scores, mixed),
            Self::Portable => math::attend(query, keys, values, scores, mixed),
        }
    }

    /// See [`window::accumulate`].
    #[inline]
    pub(crate) fn accumulate(self, window: Window<'_>, start: usize, sums: &mut [Lanes]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => x86_conv::accumulate(avx2, window, start, sums),
            Self::Portable => window::accumulate(window, start, sums),
        }
    }

    /// See [`window::snake`].
    #[inline]
    pub(crate) fn snake(self, rows: &mut [Lanes], frequency: &Lanes, gain: &Lanes) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => x86_conv::snake(avx2, rows, frequency, gain),
            Self::Portable => window::snake(rows, frequency, gain),
        }
    }
}
