//! The products, for all instruction sets that have kernels of their own. The sums are those of the
//! portable kernels, in the same order where they are not of integers.

#![allow(clippy::inline_always)] // compiled once for each instruction set

use std::hint::black_box;

use crate::inputs::{GROUP, InputGroup};
use crate::matrix::{Scheme, TILE};
use crate::strip::Strip;
use crate::{q4, q8};

/// A group of a tile of 8-bit weights.
pub(crate) type Q8Group = [u8; q8::GROUP_BYTES];
/// A group of a tile of 4-bit weights.
pub(crate) type Q4Group = [u8; q4::GROUP_BYTES];
/// How far ahead weights are asked for with several vectors, in bytes, at least.
const AHEAD: usize = 2048;
/// Registers of 8-bit codes from one of 4-bit weights.
pub(crate) const CODES: usize = 2;

/// Registers of 32-bit sums, or of pairs of 16-bit or fours of 8-bit numbers: a tile's eight rows
/// side by side, once or more.
///
/// # Safety
/// The functions need the instructions that they are compiled for. They are inlined into one
/// that is compiled for the same.
pub(crate) trait Registers {
    type Register: Copy;
    /// A sum of every row.
    type Rows: Copy;
    /// A scale of every row.
    type Scales: Copy;
    /// Steps of a group in one register.
    const STEPS: usize;

    /// Asks for the line of memory at an address, which need not be there.
    unsafe fn ask_for(address: *const u8);

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
    unsafe fn rows(sums: Self::Register) -> Self::Rows;

    /// The sums of fours over all steps, less `offset`.
    unsafe fn rows_of_fours(sums: Self::Register, offset: i32) -> Self::Rows;

    /// Eight scales in bf16: each is the upper half of a float.
    unsafe fn scales(bytes: &[u8; 16]) -> Self::Scales;

    /// `sums * (own * scale)` added, not fused, as the portable kernels have it.
    unsafe fn add_scaled(
        outputs: &mut [f32; TILE],
        sums: Self::Rows,
        own: Self::Scales,
        scale: f32,
    );
}

/// The products of `T` tiles with `N` vectors; the sums of `B` tiles are in registers at once.
///
/// # Safety
/// It is inlined into a function that is compiled for the instructions of `R`.
#[inline(always)]
pub(crate) unsafe fn multiply<R: Registers, const N: usize, const T: usize, const B: usize>(
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
    // SAFETY: the caller has the instructions.
    unsafe {
        let mut outputs = Outputs::ZEROS;
        for (groups, inputs) in turns::<R, { q8::GROUP_BYTES }, N, T>(tiles, vectors) {
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
                    let own = R::scales(&groups[b].as_chunks().0[0]);
                    for n in 0..N {
                        let outputs = &mut outputs[n][block * B + b];
                        R::add_scaled(outputs, R::rows(sums[n][b]), own, inputs[n].scale);
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
    // SAFETY: the caller has the instructions.
    unsafe {
        let mut outputs = Outputs::ZEROS;
        for (groups, inputs) in turns::<R, { q4::GROUP_BYTES }, N, T>(tiles, vectors) {
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
                    let own = R::scales(&groups[b].as_chunks().0[0]);
                    for n in 0..N {
                        let offset = q4::OFFSET * inputs[n].byte_sum;
                        let sums = R::rows_of_fours(sums[n][b], offset);
                        let outputs = &mut outputs[n][block * B + b];
                        R::add_scaled(outputs, sums, own, inputs[n].scale);
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
///
/// # Safety
/// As [`multiply`].
#[inline]
unsafe fn turns<'a, R: Registers, const BYTES: usize, const N: usize, const T: usize>(
    tiles: Strip<'a>,
    vectors: [&'a [InputGroup]; N],
) -> impl Iterator<Item = (&'a [[u8; BYTES]; T], [&'a InputGroup; N])> {
    let count = vectors.iter().map(|vector| vector.len()).min().unwrap_or(0);
    let turn = BYTES * tiles.tiles;
    let ahead = if N > 1 { AHEAD.next_multiple_of(turn.max(1)) } else { 0 };
    tiles.groups().zip(0..count).map(move |(groups, index)| {
        for line in groups.as_flattened().chunks(64) {
            // SAFETY: the caller has the instructions.
            unsafe { R::ask_for(line.as_ptr().wrapping_add(ahead)) };
        }
        // SAFETY: every vector has so many groups.
        (groups, vectors.map(|vector| unsafe { vector.get_unchecked(index) }))
    })
}
