//! Four and a half bits a weight: 32 neighbours of a row share a 16-bit scale.
//!
//! A tile is eight rows. Its groups take turns with those of the other tiles of a
//! [strip](crate::strip); each is eight scales, then the
//! weights, eight of every row in turn: four bytes, whose lower halves are the first four columns
//! and whose upper halves the others. A vector register of eight 32-bit sums has a row in each
//! lane. Their inputs have 8 bits: a finer one would be lost beside the error of such a weight.

#![allow(clippy::inline_always)] // compiled once for each instruction set

use half::bf16;

use crate::inputs::{GROUP, InputGroup};
use crate::math;
use crate::matrix::TILE;
use crate::strip::Strip;

/// Weights of a row that lie together.
pub(crate) const RUN: usize = 8;
/// Of a group of a tile.
pub(crate) const GROUP_BYTES: usize = TILE * size_of::<bf16>() + TILE * GROUP / 2;
/// What is subtracted from the four stored bits.
pub(crate) const OFFSET: i32 = 8;

/// Appends a group of a tile.
#[inline(always)]
pub(crate) fn pack(rows: &[[f32; GROUP]; TILE], out: &mut Vec<u8>) {
    let mut codes = *rows;
    for codes in &mut codes {
        let scale = best_scale(codes);
        out.extend(scale.to_le_bytes());
        *codes = round(codes, inverse(scale.to_f32()));
    }
    for run in 0..GROUP / RUN {
        for codes in &codes {
            let columns = codes.as_chunks::<RUN>().0.get(run).copied().unwrap_or_default();
            let (first, last) = columns.split_at(RUN / 2);
            let code = |code: f32| (math::whole(code) + OFFSET) as u8;
            out.extend(first.iter().zip(last).map(|(&low, &high)| code(high) << 4 | code(low)));
        }
    }
}

#[inline(always)]
fn inverse(scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { 1.0 / scale }
}

/// The nearest codes in -8..=7.
#[inline(always)]
fn round(weights: &[f32; GROUP], inverse: f32) -> [f32; GROUP] {
    let mut codes = [0.0; GROUP];
    for (code, weight) in codes.iter_mut().zip(weights) {
        *code = math::round((weight * inverse).clamp(-8.0, 7.0));
    }
    codes
}

/// The scale with the least squared error, large weights counting more. Either sign: the
/// largest weight is to have the code -8, of which there is no positive twin.
#[inline(always)]
fn best_scale(weights: &[f32; GROUP]) -> bf16 {
    let largest = weights.iter().copied().fold(0_f32, |m, w| if w.abs() > m.abs() { w } else { m });
    if largest == 0.0 {
        return bf16::ZERO;
    }
    let mut best = (f32::INFINITY, 0.0);
    let mut importance = *weights;
    for weight in &mut importance {
        *weight *= *weight;
    }
    let mut middle = 0.0;
    // First the whole range of the largest weight's code, then around the best.
    for (steps, width) in [(7, 0.6), (3, 0.3), (3, 0.15)] {
        let start = middle - width * (steps / 2) as f32;
        for step in 0..steps {
            let code = start + width * step as f32;
            let first = largest / -(8.0 + code);
            // The best scale for these codes; then the codes are chosen again.
            let codes = round(weights, inverse(first));
            let product = sum(|i| importance[i] * weights[i] * codes[i]);
            let square = sum(|i| importance[i] * codes[i] * codes[i]);
            let scale = if square > 0.0 { product / square } else { first };
            let codes = round(weights, inverse(scale));
            let error = sum(|i| {
                let difference = weights[i] - codes[i] * scale;
                importance[i] * difference * difference
            });
            if error < best.0 {
                best = (error, scale);
                middle = code;
            }
        }
    }
    bf16::from_f32(best.1)
}

/// The sum of a value of each weight, in eight sums side by side.
#[inline(always)]
fn sum(value: impl Fn(usize) -> f32) -> f32 {
    let mut sums = [0_f32; 8];
    for part in 0..GROUP / sums.len() {
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum += value(part * 8 + lane);
        }
    }
    sums.iter().sum()
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
    let steps = weights.as_chunks::<{ TILE * RUN / 2 }>().0.iter();
    for (runs, values) in steps.zip(inputs.bytes.as_chunks::<RUN>().0) {
        let (first, last) = values.split_at(RUN / 2);
        for (sum, run) in sums.iter_mut().zip(runs.as_chunks::<{ RUN / 2 }>().0) {
            for ((codes, low), high) in run.iter().zip(first).zip(last) {
                *sum += i32::from(codes & 15) * i32::from(*low);
                *sum += i32::from(codes >> 4) * i32::from(*high);
            }
        }
    }
    for ((output, sum), own) in outputs.iter_mut().zip(sums).zip(scales.as_chunks().0) {
        let own = bf16::from_le_bytes(*own).to_f32();
        *output += (sum - OFFSET * inputs.byte_sum) as f32 * (own * inputs.scale);
    }
}
