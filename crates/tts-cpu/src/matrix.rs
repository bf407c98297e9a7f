use std::ops::Range;

use crate::error::ShapeError;
use crate::inputs::{GROUP, InputGroup, Inputs};
use crate::kernels::Kernels;
use crate::packed::{Packed, PackedError, Reader, Store, Writer};
use crate::pool::Pool;
use crate::region::Region;
use crate::strip::{Strip, TILES};
use crate::{q4, q8};

/// Rows that lie together.
pub(crate) const TILE: usize = 8;
/// Tiles that are packed together.
const PART: usize = 4 * TILES;

/// How weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// 8.5 bits a weight: 32 neighbours of a row share a scale.
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
    tiles: Store<u8>,
    kernels: Kernels,
}

impl Matrix {
    /// Rows of which a sink is given the values at once, at most.
    pub const RUN: usize = TILES * TILE;

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
        let row = |row: usize| weights.get(row * columns..(row + 1) * columns).unwrap_or_default();
        Ok(Self::pack_rows(scheme, rows, columns, row))
    }

    /// As [`Matrix::pack`], from rows that need not lie together; a row that is too short is
    /// filled up with zeros.
    pub(crate) fn pack_rows<'a>(
        scheme: Scheme,
        rows: usize,
        columns: usize,
        row: impl Fn(usize) -> &'a [f32] + Sync,
    ) -> Self {
        let size = tile_bytes(scheme, columns.div_ceil(GROUP));
        let mut tiles = Region::zeros(rows.div_ceil(TILE) * size);
        let parts = tiles.chunks_mut((PART * size).max(1)).enumerate();
        Pool::shared().for_each(parts, |(index, part)| {
            let start = index * PART * TILE;
            let rows: Vec<_> = (start..rows.min(start + PART * TILE)).map(&row).collect();
            let packed = pack_tiles(scheme, columns, &rows);
            part.iter_mut().zip(packed).for_each(|(to, from)| *to = from);
        });
        Self { scheme, rows, columns, tiles: Store::of(tiles), kernels: Kernels::detect() }
    }

    /// The same matrix, multiplied by other kernels than the fastest.
    #[must_use]
    pub fn with_kernels(self, kernels: Kernels) -> Self {
        Self { kernels, ..self }
    }

    /// How the weights are stored.
    pub fn scheme(&self) -> Scheme {
        self.scheme
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
        self.rows.div_ceil(TILE) * tile_bytes(self.scheme, self.columns.div_ceil(GROUP))
    }

    /// Tiles of eight rows, the last perhaps of fewer.
    pub fn tiles(&self) -> usize {
        self.rows.div_ceil(TILE)
    }

    /// The products with every vector, `[vectors, rows]`.
    ///
    /// # Errors
    /// If the vectors or the outputs have other sizes, or the vectors are rounded for another
    /// scheme.
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
    /// the values from there on, at most [`Matrix::RUN`] of them.
    ///
    /// # Errors
    /// If the vectors have another size or are rounded for another scheme.
    pub fn multiply_tiles(
        &self,
        inputs: &Inputs,
        tiles: Range<usize>,
        mut sink: impl FnMut(usize, usize, &[f32]),
    ) -> Result<(), ShapeError> {
        ShapeError::check("values of an input vector", inputs.width(), self.columns)?;
        inputs.check(self.scheme)?;
        let tiles = tiles.start..tiles.end.min(self.tiles());
        let wide = self.kernels.wide();
        let mut next = tiles.start;
        while next < tiles.end {
            // To the end of the strip.
            let tiles = next..tiles.end.min(next - next % TILES + TILES);
            next = tiles.end;
            let mut first = 0;
            while first < inputs.len() {
                // Sums of as many tiles as there are registers for.
                first += match (inputs.len() - first, wide) {
                    (8.., true) => self.multiply_by::<8, 2>(inputs, first, &tiles, &mut sink),
                    (8.., false) => self.multiply_by::<8, 1>(inputs, first, &tiles, &mut sink),
                    (4.., true) => self.multiply_by::<4, 4>(inputs, first, &tiles, &mut sink),
                    (4.., false) => self.multiply_by::<4, 2>(inputs, first, &tiles, &mut sink),
                    (2.., _) => self.multiply_by::<2, 4>(inputs, first, &tiles, &mut sink),
                    _ => self.multiply_by::<1, 4>(inputs, first, &tiles, &mut sink),
                };
            }
        }
        Ok(())
    }

    /// The products of some tiles of a strip with the `N` vectors from `first` on, the sums of `B`
    /// tiles at once; gives the number of vectors.
    #[inline]
    fn multiply_by<const N: usize, const B: usize>(
        &self,
        inputs: &Inputs,
        first: usize,
        tiles: &Range<usize>,
        sink: &mut impl FnMut(usize, usize, &[f32]),
    ) -> usize {
        let vectors = std::array::from_fn(|index| inputs.vector(first + index));
        if tiles.len() == TILES {
            self.multiply_at::<N, TILES, B>(vectors, first, tiles.start, sink);
        } else {
            for tile in tiles.clone() {
                self.multiply_at::<N, 1, 1>(vectors, first, tile, sink);
            }
        }
        N
    }

    #[inline]
    fn multiply_at<const N: usize, const T: usize, const B: usize>(
        &self,
        vectors: [&[InputGroup]; N],
        first: usize,
        tile: usize,
        sink: &mut impl FnMut(usize, usize, &[f32]),
    ) {
        let outputs = self.kernels.multiply::<N, T, B>(self.scheme, self.strip(tile), vectors);
        let row = tile * TILE;
        for (vector, values) in (first..).zip(&outputs) {
            let values = values.as_flattened();
            sink(vector, row, values.get(..self.rows - row).unwrap_or(values));
        }
    }

    /// The strip of a tile, from this tile on.
    #[inline]
    fn strip(&self, tile: usize) -> Strip<'_> {
        let (place, groups) = (tile % TILES, self.columns.div_ceil(GROUP));
        let first = tile - place;
        let tiles = TILES.min(self.tiles().saturating_sub(first));
        let start = first * tile_bytes(self.scheme, groups) + place * tile_bytes(self.scheme, 1);
        let end = (first + tiles) * tile_bytes(self.scheme, groups);
        let bytes = self.tiles.values().get(start..end).unwrap_or_default();
        Strip { bytes, tiles }
    }
}

impl Packed for Matrix {
    const IS_COPIED: bool = true;

    fn write(&self, writer: &mut Writer) {
        writer.header(self.scheme.tag(), &[self.rows, self.columns]);
        writer.values(self.tiles.values());
    }

    fn read(reader: &mut Reader) -> Result<Self, PackedError> {
        let (scheme, [rows, columns]) = match reader.header(Scheme::Q8.tag()) {
            Ok(sizes) => (Scheme::Q8, sizes),
            Err(_) => (Scheme::Q4, reader.header(Scheme::Q4.tag())?),
        };
        let size = tile_bytes(scheme, columns.div_ceil(GROUP));
        let tiles = reader.copy(&[rows.div_ceil(TILE), size])?;
        Ok(Self { scheme, rows, columns, tiles, kernels: Kernels::detect() })
    }
}

impl Scheme {
    /// Of the inputs that weights are multiplied with.
    pub(crate) fn input_bits(self) -> usize {
        match self {
            Self::Q8 => 16,
            Self::Q4 => 8,
        }
    }

    /// In front of packed values; another one for every layout that there was.
    fn tag(self) -> [u8; 8] {
        match self {
            Self::Q8 => *b"tts q8 2",
            Self::Q4 => *b"tts q4 3",
        }
    }
}

/// Rounds and packs tiles of rows, the last perhaps of fewer.
fn pack_tiles(scheme: Scheme, columns: usize, rows: &[&[f32]]) -> Vec<u8> {
    let (groups, kernels) = (columns.div_ceil(GROUP), Kernels::detect());
    let mut tiles = Vec::with_capacity(rows.len().div_ceil(TILE) * tile_bytes(scheme, groups));
    for strip in rows.chunks(TILES * TILE) {
        for group in 0..groups {
            for tile in strip.chunks(TILE) {
                kernels.pack(scheme, &part(tile, group * GROUP), &mut tiles);
            }
        }
    }
    tiles
}

fn tile_bytes(scheme: Scheme, groups: usize) -> usize {
    match scheme {
        Scheme::Q8 => groups.saturating_mul(q8::GROUP_BYTES),
        Scheme::Q4 => groups.saturating_mul(q4::GROUP_BYTES),
    }
}

/// A group of the rows of a tile, with zeros around the edges of the matrix.
fn part(tile: &[&[f32]], start: usize) -> [[f32; GROUP]; TILE] {
    let mut part = [[0.0; GROUP]; TILE];
    for (part, row) in part.iter_mut().zip(tile) {
        let row = row.get(start..).unwrap_or_default();
        let width = row.len().min(GROUP);
        if let (Some(to), Some(from)) = (part.get_mut(..width), row.get(..width)) {
            to.copy_from_slice(from);
        }
    }
    part
}
