//! Eight and a half bits a weight: 32 neighbours of a row share a 16-bit scale.
//!
//! A tile is eight rows. Its groups take turns with those of the other tiles of a
//! [strip](crate::strip); each is eight scales, then the
//! weights, two of every row in turn: a vector register of eight 32-bit sums has a row in
//! each lane.

use half::bf16;

use crate::inputs::{GROUP, InputGroup};
use crate::math;
use crate::matrix::TILE;
use crate::strip::Strip;

/// Weights of a row that lie together.
pub(crate) const RUN: usize = 2;
/// Of a group of a tile.
pub(crate) const GROUP_BYTES: usize = TILE * size_of::<bf16>() + TILE * GROUP;

/// Appends a group of a tile.
#[allow(clippy::inline_always)] // compiled once for each instruction set
#[inline(always)]
pub(crate) fn pack(rows: &[[f32; GROUP]; TILE], out: &mut Vec<u8>) {
    let mut weights = [0_u8; TILE * GROUP];
    for (index, row) in rows.iter().enumerate() {
        let scale = bf16::from_f32(math::largest(row) / 127.0);
        out.extend(scale.to_le_bytes());
        let inverse = if scale > bf16::ZERO { 1.0 / scale.to_f32() } else { 0.0 };
        let mut codes = [0_u8; GROUP];
        for (code, weight) in codes.iter_mut().zip(row) {
            *code = math::whole((weight * inverse).clamp(-127.0, 127.0)) as u8;
        }
        let places = weights.as_chunks_mut::<RUN>().0.iter_mut().skip(index).step_by(TILE);
        places.zip(codes.as_chunks::<RUN>().0).for_each(|(place, codes)| *place = *codes);
    }
    out.extend(weights);
}

/// The products of the first `T` tiles with one vector, on any processor.
pub(crate) fn multiply<const T: usize>(
    tiles: Strip<'_>,
    inputs: &[InputGroup],
) -> [[f32; TILE]; T] {
    tiles.multiply(inputs, add)
}

/// Adds the products of a group of a tile.
fn add(outputs: &mut [f32; TILE], group: &[u8; GROUP_BYTES], inputs: &InputGroup) {
    let (scales, weights) = group.split_at(TILE * size_of::<bf16>());
    let mut sums = [0_i32; TILE];
    let steps = weights.as_chunks::<{ TILE * RUN }>().0.iter();
    for (runs, values) in steps.zip(inputs.words.as_chunks::<RUN>().0) {
        for (sum, run) in sums.iter_mut().zip(runs.as_chunks::<RUN>().0) {
            for (weight, value) in run.iter().zip(values) {
                *sum += i32::from(weight.cast_signed()) * i32::from(*value);
            }
        }
    }
    for ((output, sum), own) in outputs.iter_mut().zip(sums).zip(scales.as_chunks().0) {
        *output += sum as f32 * (bf16::from_le_bytes(*own).to_f32() * inputs.scale);
    }
}
