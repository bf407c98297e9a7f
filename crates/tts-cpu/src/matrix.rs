use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::error::ShapeError;
use crate::inputs::{GROUP, Inputs, SUB_GROUP};
use crate::kernels::Kernels;
use crate::pool::Pool;
use crate::{q4, q8};

/// Rows that are multiplied together.
pub(crate) const TILE: usize = 8;

/// How weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// 8.25 bits a weight: 128 neighbours of a row share a scale.
    Q8,
    /// 4.5 bits a weight: 32 neighbours of a row share a scale, which is searched for
    /// the least error.
    Q4,
}

/// A matrix `[rows, columns]` in few bits, packed for one pass over memory.
#[derive(Debug, Clone)]
pub struct Matrix {
    scheme: Scheme,
    rows: usize,
    columns: usize,
    tiles: Vec<u8>,
    kernels: Kernels,
}

impl Matrix {
    /// Rounds and packs `weights`, row by row.
    ///
    /// # Errors
    /// If there are not `rows * columns` of them.
    pub fn pack(
        scheme: Scheme,
        rows: usize,
        columns: usize,
        weights: &[f32],
    ) -> Result<Self, ShapeError> {
        ShapeError::check("weights of a matrix", weights.len(), rows.saturating_mul(columns))?;
        let count = rows.div_ceil(TILE);
        let pool = Pool::shared();
        let parts: Vec<Mutex<Vec<u8>>> = (0..pool.size()).map(|_| Mutex::default()).collect();
        pool.run(|member| {
            let tiles = member.share(count);
            let start = (tiles.start * TILE * columns).min(weights.len());
            let end = (tiles.end * TILE * columns).min(weights.len());
            let packed = pack_tiles(scheme, columns, weights.get(start..end).unwrap_or_default());
            if let Some(part) = parts.get(member.rank()) {
                *part.lock().unwrap_or_else(PoisonError::into_inner) = packed;
            }
        });
        let parts =
            parts.into_iter().map(|p| p.into_inner().unwrap_or_else(PoisonError::into_inner));
        let tiles = parts.collect::<Vec<_>>().concat();
        Ok(Self { scheme, rows, columns, tiles, kernels: Kernels::detect() })
    }

    /// The same matrix, multiplied without instructions of a special processor.
    #[must_use]
    pub fn portable(self) -> Self {
        Self { kernels: Kernels::Portable, ..self }
    }

    /// Outputs of a product.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs of a product.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Bytes that a product reads.
    pub fn bytes(&self) -> usize {
        self.tiles.len()
    }

    /// Tiles of eight rows, the last perhaps of fewer.
    pub fn tiles(&self) -> usize {
        self.rows.div_ceil(TILE)
    }

    /// The products with every vector, `[vectors, rows]`.
    ///
    /// # Errors
    /// If the vectors or the outputs have other sizes.
    pub fn multiply(&self, inputs: &Inputs, outputs: &mut [f32]) -> Result<(), ShapeError> {
        ShapeError::check("outputs of a product", outputs.len(), inputs.len() * self.rows)?;
        self.multiply_tiles(inputs, 0..self.tiles(), |vector, row, values| {
            let start = vector * self.rows + row;
            if let Some(outputs) = outputs.get_mut(start..start + values.len()) {
                outputs.copy_from_slice(values);
            }
        })
    }

    /// The products of some tiles with every vector; `sink` is given vector, first row and
    /// the values from there on.
    ///
    /// # Errors
    /// If the vectors have another size.
    pub fn multiply_tiles(
        &self,
        inputs: &Inputs,
        tiles: Range<usize>,
        mut sink: impl FnMut(usize, usize, &[f32]),
    ) -> Result<(), ShapeError> {
        ShapeError::check("values of an input vector", inputs.width(), self.columns)?;
        let size = tile_bytes(self.scheme, self.columns.div_ceil(GROUP));
        for index in tiles {
            let Some(tile) = self.tiles.get(index * size..(index + 1) * size) else { break };
            let first = index * TILE;
            let rows = TILE.min(self.rows - first);
            let mut give = |vector: usize, values: &[f32; TILE]| {
                sink(vector, first, values.get(..rows).unwrap_or_default());
            };
            self.multiply_tile(tile, inputs, &mut give);
        }
        Ok(())
    }

    #[inline]
    fn multiply_tile(
        &self,
        tile: &[u8],
        inputs: &Inputs,
        give: &mut impl FnMut(usize, &[f32; TILE]),
    ) {
        let mut first = 0;
        while first < inputs.len() {
            first += match inputs.len() - first {
                // The sums of eight vectors do not fit into the registers beside 4-bit weights.
                8.. if self.scheme == Scheme::Q8 => {
                    self.multiply_by::<8>(tile, inputs, first, give)
                }
                4.. => self.multiply_by::<4>(tile, inputs, first, give),
                2.. => self.multiply_by::<2>(tile, inputs, first, give),
                _ => self.multiply_by::<1>(tile, inputs, first, give),
            };
        }
    }

    /// One pass over a tile for the `N` vectors from `first` on; gives their number.
    #[inline]
    fn multiply_by<const N: usize>(
        &self,
        tile: &[u8],
        inputs: &Inputs,
        first: usize,
        give: &mut impl FnMut(usize, &[f32; TILE]),
    ) -> usize {
        let vectors = std::array::from_fn(|index| inputs.vector(first + index));
        let outputs: [_; N] = self.kernels.multiply(self.scheme, tile, vectors);
        for (vector, values) in (first..).zip(&outputs) {
            give(vector, values);
        }
        N
    }
}

/// Rounds and packs whole tiles of rows, the last perhaps of fewer.
fn pack_tiles(scheme: Scheme, columns: usize, weights: &[f32]) -> Vec<u8> {
    let groups = columns.div_ceil(GROUP);
    let rows = weights.len() / columns.max(1);
    let mut tiles = Vec::with_capacity(rows.div_ceil(TILE) * tile_bytes(scheme, groups));
    for tile in weights.chunks((TILE * columns).max(1)) {
        for group in 0..groups {
            match scheme {
                Scheme::Q8 => q8::pack(&part(tile, columns, group * GROUP, GROUP), &mut tiles),
                Scheme::Q4 => (0..GROUP).step_by(SUB_GROUP).for_each(|start| {
                    let rows = part(tile, columns, group * GROUP + start, SUB_GROUP);
                    q4::pack(&rows, &mut tiles);
                }),
            }
        }
    }
    tiles
}

fn tile_bytes(scheme: Scheme, groups: usize) -> usize {
    match scheme {
        Scheme::Q8 => groups * q8::GROUP_BYTES,
        Scheme::Q4 => groups * GROUP / SUB_GROUP * q4::GROUP_BYTES,
    }
}

/// Some columns of the rows of a tile; less, or none, at the edges of the matrix.
fn part(tile: &[f32], columns: usize, start: usize, width: usize) -> [&[f32]; TILE] {
    std::array::from_fn(|row| {
        let row = tile.get(row * columns..(row + 1) * columns).unwrap_or_default();
        row.get(start.min(row.len())..(start + width).min(row.len())).unwrap_or_default()
    })
}
