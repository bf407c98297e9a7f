//! Four and a half bits a weight: 32 neighbours of a row share a 16-bit scale.
//!
//! A tile is eight rows. Its groups follow one another; each is eight scales, then the
//! weights, eight of every row in turn: four bytes that hold four columns in their low and
//! the next four in their high halves. A vector register of eight 32-bit sums has a row in
//! each lane.

use half::f16;

use crate::inputs::{GROUP, InputGroup, SUB_GROUP};
use crate::matrix::TILE;

/// Bytes of a row that lie together.
pub(crate) const RUN: usize = 4;
/// Of a group of a tile.
pub(crate) const GROUP_BYTES: usize = TILE * size_of::<f16>() + TILE * SUB_GROUP / 2;
/// What is subtracted from the four stored bits.
pub(crate) const OFFSET: i32 = 8;

/// Appends a group of a tile: up to 32 weights of up to eight rows.
pub(crate) fn pack(rows: &[&[f32]; TILE], out: &mut Vec<u8>) {
    let scales = rows.map(best_scale);
    out.extend(scales.iter().flat_map(|scale| scale.to_le_bytes()));
    for start in (0..SUB_GROUP).step_by(2 * RUN) {
        for (row, scale) in rows.iter().zip(scales) {
            let code = |column: usize| {
                let weight = row.get(column).copied().unwrap_or(0.0);
                (round(weight, scale.to_f32()) + OFFSET) as u8
            };
            out.extend((start..start + RUN).map(|column| code(column) | code(column + RUN) << 4));
        }
    }
}

/// The nearest code in -8..=7.
fn round(weight: f32, scale: f32) -> i32 {
    if scale == 0.0 { 0 } else { (weight / scale).round_ties_even().clamp(-8.0, 7.0) as i32 }
}

/// The scale with the least squared error, large weights counting more. Either sign: the
/// largest weight is to have the code -8, of which there is no positive twin.
fn best_scale(weights: &[f32]) -> f16 {
    let largest = weights.iter().copied().fold(0_f32, |m, w| if w.abs() > m.abs() { w } else { m });
    let mut best = (f32::INFINITY, f16::ZERO);
    if largest == 0.0 {
        return best.1;
    }
    for step in -12..=12 {
        let first = largest / -(8.0 + 0.15 * step as f32);
        // The best scale for these codes; then the codes are chosen again.
        let (mut product, mut square) = (0.0, 0.0);
        for &w in weights {
            let code = round(w, first) as f32;
            product += w * w * w * code;
            square += w * w * code * code;
        }
        let scale = f16::from_f32(if square > 0.0 { product / square } else { first });
        let error = weights
            .iter()
            .map(|&w| {
                let difference = w - round(w, scale.to_f32()) as f32 * scale.to_f32();
                w * w * difference * difference
            })
            .sum();
        if error < best.0 {
            best = (error, scale);
        }
    }
    best.1
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
