use std::ops::Range;

use crate::cut::Cut;
use crate::error::ShapeError;
use crate::winograd::{NO_TILES, Tiles};

/// Channels that lie together.
pub(crate) const LANES: usize = 16;

/// Sixteen neighbouring channels at one time; those past the last channel are 0.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Lanes(pub(crate) [f32; LANES]);

impl Lanes {
    pub(crate) const ZERO: Self = Self([0.0; LANES]);

    /// The values of the lanes; 0 where there is none.
    pub(crate) fn new(value: impl Fn(usize) -> Option<f32>) -> Self {
        Self(std::array::from_fn(|lane| value(lane).unwrap_or(0.0)))
    }
}

/// A piece of a signal of many channels, `[channels / 16, head + time, 16]`, after the `head`
/// times before it that the next convolution still needs.
#[derive(Debug, Default)]
pub struct Signal {
    channels: usize,
    head: usize,
    time: usize,
    rows: Vec<Lanes>,
    /// Room for parts of it in tiles.
    tiles: Vec<Tiles>,
}

/// The last times of the pieces so far, `[channels / 16, head, 16]`: what a convolution
/// remembers of a signal. Silence at its start.
#[derive(Debug)]
pub struct Tail(Vec<Lanes>);

impl Tail {
    pub(crate) fn new(channels: usize, head: usize) -> Self {
        Self(vec![Lanes::ZERO; channels.div_ceil(LANES) * head])
    }
}

impl Signal {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Times of the piece.
    pub fn time(&self) -> usize {
        self.time
    }

    /// Takes a piece `[channels, time]` for a convolution that [keeps](crate::Conv::keep)
    /// `head` times.
    ///
    /// # Errors
    /// If the values are not whole channels.
    pub fn set(&mut self, channels: usize, head: usize, values: &[f32]) -> Result<(), ShapeError> {
        let time = values.len().checked_div(channels).unwrap_or(0);
        ShapeError::check("values of a signal", values.len(), channels * time)?;
        self.reshape(channels, head, time);
        if time == 0 {
            return Ok(());
        }
        self.rows.fill(Lanes::ZERO);
        let tiles = self.rows.chunks_exact_mut(head + time);
        for (tile, channels) in tiles.zip(values.chunks(LANES * time)) {
            for (lane, values) in channels.chunks_exact(time).enumerate() {
                for (row, value) in tile.iter_mut().skip(head).zip(values) {
                    row.0[lane] = *value;
                }
            }
        }
        Ok(())
    }

    /// As [`Signal::set`], from a piece `[time, channels]`.
    ///
    /// # Errors
    /// If the values are not whole times.
    pub fn set_times(
        &mut self,
        channels: usize,
        head: usize,
        values: &[f32],
    ) -> Result<(), ShapeError> {
        let time = values.len().checked_div(channels).unwrap_or(0);
        ShapeError::check("values of a signal", values.len(), channels * time)?;
        self.reshape(channels, head, time);
        let rows = (head + time).max(1);
        for (time, values) in values.chunks_exact(channels.max(1)).enumerate() {
            for (tile, values) in self.rows.chunks_exact_mut(rows).zip(values.chunks(LANES)) {
                let Some(row) = tile.get_mut(head + time) else { continue };
                *row = Lanes::ZERO;
                row.0.iter_mut().zip(values).for_each(|(lane, value)| *lane = *value);
            }
        }
        Ok(())
    }

    /// The piece as `[time, channels]`.
    pub fn times(&self) -> Vec<f32> {
        let mut values = vec![0.0; self.channels * self.time];
        for (time, values) in values.chunks_exact_mut(self.channels.max(1)).enumerate() {
            for (tile, values) in self.tiles().zip(values.chunks_mut(LANES)) {
                let Some(row) = tile.get(self.head + time) else { continue };
                values.iter_mut().zip(row.0).for_each(|(value, lane)| *value = lane);
            }
        }
        values
    }

    /// The piece as `[channels, time]`.
    pub fn to_vec(&self) -> Vec<f32> {
        let lanes = self.tiles().flat_map(|tile| (0..LANES).map(move |lane| (tile, lane)));
        let channels = lanes.take(self.channels);
        channels
            .flat_map(|(tile, lane)| tile.iter().skip(self.head).map(move |row| row.0[lane]))
            .collect()
    }

    /// Another shape, with values that mean nothing. Takes memory only if there was never so
    /// much.
    pub(crate) fn reshape(&mut self, channels: usize, head: usize, time: usize) {
        (self.channels, self.head, self.time) = (channels, head, time);
        self.rows.resize(channels.div_ceil(LANES) * (head + time), Lanes::ZERO);
    }

    /// Puts the last times in front of the piece, and remembers the last times up to its end.
    pub(crate) fn follow(&mut self, tail: &mut Tail) {
        let (head, time) = (self.head, self.time);
        if head == 0 {
            return;
        }
        let tiles = self.rows.chunks_exact_mut(head + time);
        for (tile, tail) in tiles.zip(tail.0.chunks_exact_mut(head)) {
            let (first, _) = tile.split_at_mut(head);
            first.copy_from_slice(tail);
            let (_, last) = tile.split_at(time);
            tail.copy_from_slice(last);
        }
    }

    pub(crate) fn head(&self) -> usize {
        self.head
    }

    /// Rows of a tile, the head included.
    pub(crate) fn tile_rows(&self) -> usize {
        self.head + self.time
    }

    /// Every tile, `[head + time, 16]`.
    fn tiles(&self) -> impl Iterator<Item = &[Lanes]> {
        self.rows.chunks_exact(self.tile_rows().max(1))
    }

    /// All rows, tile by tile.
    pub(crate) fn rows(&self) -> &[Lanes] {
        &self.rows
    }

    /// All rows, tile by tile, and room for as many parts in tiles, with values that mean nothing.
    pub(crate) fn with_tiles(&mut self, parts: usize) -> (&[Lanes], &mut [Tiles]) {
        if self.tiles.len() < parts {
            self.tiles.resize(parts, NO_TILES);
        }
        (&self.rows, self.tiles.get_mut(..parts).unwrap_or_default())
    }

    /// The parts of some times of one tile after the other, without the heads.
    pub(crate) fn parts_mut(
        &mut self,
        times: Range<usize>,
        cut: Cut,
        stride: usize,
    ) -> impl Iterator<Item = &mut [Lanes]> {
        let (head, tile) = (self.head, self.tile_rows().max(1));
        let rows = head + times.start * stride..head + times.end * stride;
        self.rows
            .chunks_exact_mut(tile)
            .flat_map(move |tile| cut.split(tile.get_mut(rows.clone()).unwrap_or_default(), stride))
    }
}
