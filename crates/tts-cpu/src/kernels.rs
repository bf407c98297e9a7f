use std::ops::Range;

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
use crate::arm::Arm;
use crate::inputs::{GROUP, InputGroup};
use crate::matrix::{Scheme, TILE};
use crate::signal::Lanes;
use crate::strip::Strip;
use crate::window::{self, BLOCK, WIDE_BLOCK, Window};
use crate::winograd::{self, Tiles, Tiling};
#[cfg(target_arch = "x86_64")]
use crate::x86::X86;
use crate::{math, q4, q8};

/// The instructions to compute with. Results do not depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernels(Set);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Portable,
    #[cfg(target_arch = "x86_64")]
    X86(X86),
    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    Arm(Arm),
}

#[allow(clippy::match_wildcard_for_single_variants)] // how many sets there are depends on the target
impl Kernels {
    const PORTABLE: Self = Self(Set::Portable);

    /// All that this processor can compute with: first the portable ones, last the fastest.
    pub fn available() -> impl Iterator<Item = Self> {
        let special = std::iter::empty();
        #[cfg(target_arch = "x86_64")]
        let special = special.chain(X86::available().map(|x86| Self(Set::X86(x86))));
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        let special = special.chain(Arm::available().map(|arm| Self(Set::Arm(arm))));
        std::iter::once(Self::PORTABLE).chain(special)
    }

    /// The fastest that this processor has.
    pub(crate) fn detect() -> Self {
        Self::available().last().unwrap_or(Self::PORTABLE)
    }

    /// The products of the first `T` tiles with `N` vectors, the sums of `B` tiles at once.
    #[inline]
    pub(crate) fn multiply<const N: usize, const T: usize, const B: usize>(
        self,
        scheme: Scheme,
        tiles: Strip<'_>,
        vectors: [&[InputGroup]; N],
    ) -> [[[f32; TILE]; T]; N] {
        match (self.0, scheme) {
            #[cfg(target_arch = "x86_64")]
            (Set::X86(x86), _) => x86.multiply::<N, T, B>(scheme, tiles, vectors),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            (Set::Arm(arm), _) => arm.multiply::<N, T, B>(scheme, tiles, vectors),
            (Set::Portable, Scheme::Q8) => vectors.map(|inputs| q8::multiply(tiles, inputs)),
            (Set::Portable, Scheme::Q4) => vectors.map(|inputs| q4::multiply(tiles, inputs)),
        }
    }

    /// Are there 32 registers of 512 bits, instead of 16 of fewer?
    #[inline]
    pub(crate) fn wide(self) -> bool {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::X86(x86) => x86.wide(),
            _ => false,
        }
    }

    /// See [`q8::pack`] and [`q4::pack`].
    pub(crate) fn pack(self, scheme: Scheme, rows: &[[f32; GROUP]; TILE], out: &mut Vec<u8>) {
        match (self.0, scheme) {
            #[cfg(target_arch = "x86_64")]
            (Set::X86(x86), _) => x86.pack(scheme, rows, out),
            (_, Scheme::Q8) => q8::pack(rows, out),
            (_, Scheme::Q4) => q4::pack(rows, out),
        }
    }

    /// Times of a convolution whose sums are held in registers together, at most.
    #[inline]
    pub(crate) fn block(self) -> usize {
        if self.wide() { WIDE_BLOCK } else { BLOCK }
    }

    /// See [`InputGroup::round`].
    #[inline]
    pub(crate) fn round(self, scheme: Scheme, groups: &mut [InputGroup], vector: &[f32]) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::X86(x86) => x86.round(scheme, groups, vector),
            _ => InputGroup::round(scheme, groups, vector),
        }
    }

    /// See [`math::rms_norm`].
    #[inline]
    pub(crate) fn rms_norm(self, x: &mut [f32], weight: &[f32], eps: f32) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::X86(x86) => x86.rms_norm(x, weight, eps),
            _ => math::rms_norm(x, weight, eps),
        }
    }

    /// See [`math::gate`].
    #[inline]
    pub(crate) fn gate(self, pairs: &[[f32; 2]], gated: &mut [f32]) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::X86(x86) => x86.gate(pairs, gated),
            _ => math::gate(pairs, gated),
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
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::X86(x86) => x86.attend(query, keys, values, scores, mixed),
            _ => math::attend(query, keys, values, scores, mixed),
        }
    }

    /// See [`window::accumulate`].
    #[inline]
    pub(crate) fn accumulate(self, window: Window<'_>, start: usize, sums: &mut [Lanes]) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::X86(x86) => x86.accumulate(window, start, sums),
            _ => window::accumulate(window, start, sums),
        }
    }

    /// See [`window::snake`].
    #[inline]
    pub(crate) fn snake(self, rows: &mut [Lanes], frequency: &Lanes, gain: &Lanes) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::X86(x86) => x86.snake(rows, frequency, gain),
            _ => window::snake(rows, frequency, gain),
        }
    }

    /// See [`winograd::spread_part`].
    #[inline]
    pub(crate) fn spread(
        self,
        tiling: Tiling,
        times: Range<usize>,
        rows: &[Lanes],
        tiles: &mut Tiles,
    ) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::X86(x86) => x86.spread(tiling, times, rows, tiles),
            _ => winograd::spread_part(tiling, times, rows, tiles),
        }
    }

    /// See [`winograd::gather_part`].
    #[inline]
    pub(crate) fn gather(
        self,
        tiling: Tiling,
        times: Range<usize>,
        tiles: &Tiles,
        bias: &Lanes,
        outputs: &mut [Lanes],
    ) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::X86(x86) => x86.gather(tiling, times, tiles, bias, outputs),
            _ => winograd::gather_part(tiling, times, tiles, bias, outputs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of both signs and many sizes.
    fn numbers(count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37) % 101) as f32 - 50.0 + (i % 7) as f32 * 1e-4).collect()
    }

    fn on_all<T: PartialEq + std::fmt::Debug>(compute: impl Fn(Kernels) -> T) {
        let portable = compute(Kernels::PORTABLE);
        for kernels in Kernels::available() {
            assert_eq!(compute(kernels), portable, "{kernels:?}");
        }
    }

    #[test]
    fn the_first_are_portable_and_the_last_the_fastest() {
        assert_eq!(Kernels::available().next(), Some(Kernels::PORTABLE));
        assert_eq!(Kernels::available().last(), Some(Kernels::detect()));
    }

    #[test]
    fn weights_and_inputs_are_rounded_alike() {
        let numbers = numbers(1000);
        let rows = std::array::from_fn(|row| std::array::from_fn(|i| numbers[row * GROUP + i]));
        for scheme in [Scheme::Q8, Scheme::Q4] {
            on_all(|kernels| {
                let mut groups = vec![InputGroup::ZEROS; numbers.len().div_ceil(GROUP)];
                kernels.round(scheme, &mut groups, &numbers);
                let all = groups.iter().map(|g| (g.words, g.bytes, g.byte_sum, g.scale));
                all.collect::<Vec<_>>()
            });
            on_all(|kernels| {
                let mut packed = Vec::new();
                kernels.pack(scheme, &rows, &mut packed);
                packed
            });
        }
    }

    #[test]
    fn norms_gates_and_attention_are_alike() {
        let numbers: Vec<f32> = numbers(40 * 8).iter().map(|x| x * 0.05).collect();
        on_all(|kernels| {
            let mut gated = [0.0; 150];
            kernels.gate(numbers.as_chunks().0, &mut gated);
            gated
        });
        on_all(|kernels| {
            let mut x = numbers.clone();
            kernels.rms_norm(&mut x, &numbers, 1e-6);
            x
        });
        on_all(|kernels| {
            let (mut scores, mut mixed) = ([0.0; 7], [0.0; 40]);
            let values: Vec<f32> = numbers.iter().rev().copied().collect();
            kernels.attend(&numbers[..40], &numbers[40..], &values, &mut scores, &mut mixed);
            (scores, mixed)
        });
    }
}
