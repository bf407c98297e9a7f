use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Numbers that the members of a team write and read in turn, a barrier between.
#[derive(Debug)]
pub struct Cells(Vec<AtomicU32>);

impl Cells {
    /// `count` zeros.
    pub fn new(count: usize) -> Self {
        Self((0..count).map(|_| AtomicU32::new(0)).collect())
    }

    /// Numbers.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// None?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes `values` from `start` on, as far as there is room.
    #[inline]
    pub fn write(&self, start: usize, values: &[f32]) {
        for (cell, value) in self.0.iter().skip(start).zip(values) {
            cell.store(value.to_bits(), Relaxed);
        }
    }

    /// Adds `values` to the numbers from `start` on; only one member may do so to a number.
    #[inline]
    pub fn add(&self, start: usize, values: &[f32]) {
        for (cell, value) in self.0.iter().skip(start).zip(values) {
            cell.store((f32::from_bits(cell.load(Relaxed)) + value).to_bits(), Relaxed);
        }
    }

    /// Copies the numbers of `range` to `values`.
    #[inline]
    pub fn read(&self, range: Range<usize>, values: &mut [f32]) {
        for (value, cell) in values.iter_mut().zip(self.0.get(range).unwrap_or_default()) {
            *value = f32::from_bits(cell.load(Relaxed));
        }
    }
}
