//! Eight bits a weight: 128 neighbours of a row share a scale.
//!
//! A tile is eight rows. Its groups follow one another; each is eight scales, then the
//! weights, four of every row in turn: a vector register of eight 32-bit sums has a row in
//! each lane.

use crate::inputs::{GROUP, InputGroup};
use crate::math;
use crate::matrix::TILE;

/// Weights of a row that lie together.
pub(crate) const RUN: usize = 4;
/// Of a group of a tile.
pub(crate) const GROUP_BYTES: usize = TILE * size_of::<f32>() + TILE * GROUP;

/// Appends a group of a tile: up to 128 weights of up to eight rows.
pub(crate) fn pack(rows: &[&[f32]; TILE], out: &mut Vec<u8>) {
    let scales = rows.map(|row| row.iter().fold(0_f32, |m, w| m.max(w.abs())) / 127.0);
    out.extend(scales.iter().flat_map(|scale| scale.to_le_bytes()));
    for start in (0..GROUP).step_by(RUN) {
        for (row, scale) in rows.iter().zip(scales) {
            for column in start..start + RUN {
                let weight = row.get(column).copied().unwrap_or(0.0);
                let rounded = if scale > 0.0 { math::round(weight / scale) } else { 0.0 };
                out.push((rounded as i8).to_le_bytes()[0]);
            }
        }
    }
}

/// The products of a tile with one vector, on any processor.
pub(crate) fn multiply(tile: &[u8], inputs: &[InputGroup]) -> [f32; TILE] {
    let mut outputs = [0_f32; TILE];
    for (group, inputs) in tile.as_chunks::<GROUP_BYTES>().0.iter().zip(inputs) {
        let (scales, weights) = group.split_at(TILE * size_of::<f32>());
        let mut sums = [0_i32; TILE];
        for (runs, values) in
            weights.as_chunks::<{ TILE * RUN }>().0.iter().zip(inputs.values.as_chunks::<RUN>().0)
        {
            for (sum, run) in sums.iter_mut().zip(runs.as_chunks::<RUN>().0) {
                let products = run
                    .iter()
                    .zip(values)
                    .map(|(&w, &x)| i32::from(w.cast_signed()) * i32::from(x));
                *sum += products.sum::<i32>();
            }
        }
        for ((output, sum), own) in outputs.iter_mut().zip(sums).zip(scales.as_chunks::<4>().0) {
            *output += sum as f32 * (f32::from_le_bytes(*own) * inputs.scale);
        }
    }
    outputs
}
