//! Four and a half bits a weight: 32 neighbours of a row share a 16-bit scale.
//!
//! A tile is eight rows. Its groups follow one another; each is eight scales, then the
//! weights, eight of every row in turn: four bytes that hold four columns in their low and
//! the next four in their high halves. A vector register of eight 32-bit sums has a row in
//! each lane.

use half::f16;

use crate::inputs::{GROUP, InputGroup, SUB_GROUP};
use crate::math;
use crate::matrix::TILE;

/// Bytes of a row that lie together.
pub(crate) const RUN: usize = 4;
/// Of a group of a tile.
pub(crate) const GROUP_BYTES: usize = TILE * size_of::<f16>() + TILE * SUB_GROUP / 2;
/// What is subtracted from the four stored bits.
pub(crate) const OFFSET: i32 = 8;

/// Appends a group of a tile: up to 32 weights of up to eight rows.
pub(crate) fn pack(rows: &[&[f32]; TILE], out: &mut Vec<u8>) {
    let rows = rows.map(padded);
    let scales = rows.each_ref().map(best_scale);
    out.extend(scales.iter().flat_map(|scale| scale.to_le_bytes()));
    let mut codes = rows;
    for (codes, scale) in codes.iter_mut().zip(scales) {
        *codes = round(codes, inverse(scale.to_f32()));
    }
    let stored = |code: f32| (code as i32 + OFFSET) as u8;
    for run in 0..SUB_GROUP / (2 * RUN) {
        for codes in &codes {
            let Some(columns) = codes.as_chunks::<{ 2 * RUN }>().0.get(run) else { continue };
            let (low, high) = columns.split_at(RUN);
            out.extend(low.iter().zip(high).map(|(&low, &high)| stored(low) | stored(high) << 4));
        }
    }
}

fn padded(row: &[f32]) -> [f32; SUB_GROUP] {
    let mut weights = [0.0; SUB_GROUP];
    weights.iter_mut().zip(row).for_each(|(weight, value)| *weight = *value);
    weights
}

fn inverse(scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { 1.0 / scale }
}

/// The nearest codes in -8..=7.
#[inline]
fn round(weights: &[f32; SUB_GROUP], inverse: f32) -> [f32; SUB_GROUP] {
    weights.map(|weight| math::round((weight * inverse).clamp(-8.0, 7.0)))
}

/// The scale with the least squared error, large weights counting more. Either sign: the
/// largest weight is to have the code -8, of which there is no positive twin.
fn best_scale(weights: &[f32; SUB_GROUP]) -> f16 {
    let largest = weights.iter().copied().fold(0_f32, |m, w| if w.abs() > m.abs() { w } else { m });
    if largest == 0.0 {
        return f16::ZERO;
    }
    let mut best = (f32::INFINITY, 0.0);
    let importance = weights.map(|w| w * w);
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
    f16::from_f32(best.1)
}

/// The sum of a value of each weight, in eight sums side by side.
#[inline]
fn sum(value: impl Fn(usize) -> f32) -> f32 {
    let mut sums = [0_f32; 8];
    for start in (0..SUB_GROUP).step_by(8) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum += value(start + lane);
        }
    }
    sums.iter().sum()
}

/// The products of a tile with one vector, on any processor.
pub(crate) fn multiply(tile: &[u8], inputs: &[InputGroup]) -> [f32; TILE] {
    let mut outputs = [0_f32; TILE];
    let mut groups = tile.as_chunks::<GROUP_BYTES>().0.iter();
    for inputs in inputs {
        let parts = inputs.values.as_chunks::<SUB_GROUP>().0.iter().zip(&inputs.sums);
        for ((values, sum), group) in parts.zip(groups.by_ref().take(GROUP / SUB_GROUP)) {
            let (scales, weights) = group.split_at(TILE * size_of::<f16>());
            let mut products = [0_i32; TILE];
            let columns = values.as_chunks::<{ 2 * RUN }>().0;
            for (runs, values) in weights.as_chunks::<{ TILE * RUN }>().0.iter().zip(columns) {
                for (product, run) in products.iter_mut().zip(runs.as_chunks::<RUN>().0) {
                    let (low, high) = values.split_at(RUN);
                    for ((&codes, &low), &high) in run.iter().zip(low).zip(high) {
                        *product += i32::from(codes & 15) * i32::from(low)
                            + i32::from(codes >> 4) * i32::from(high);
                    }
                }
            }
            let own = scales.as_chunks::<2>().0;
            for ((output, product), own) in outputs.iter_mut().zip(products).zip(own) {
                let own = f16::from_le_bytes(*own).to_f32();
                *output += (product - OFFSET * sum) as f32 * (own * inputs.scale);
            }
        }
    }
    outputs
}
