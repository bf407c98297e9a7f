//! Signals of many channels, one row for each time.

use crate::error::LaunchError;
use crate::kernel::{Arg, Kernel, Launch};
use crate::queue::{Address, Queue};
use crate::rows::{THREADS, each};

/// Rows and columns that a block transposes.
const TILE: u32 = 32;

/// The sum of the entries of a frame's codes.
#[derive(Debug, Clone, Copy)]
pub struct SumCodes {
    /// `[books, entries, width]` in f32.
    pub tables: Address,
    /// Codebooks.
    pub books: u32,
    /// Entries of a codebook. A code that has none counts as the last one.
    pub entries: u32,
    /// Width of an entry.
    pub width: u32,
    /// Numbers of 32 bits, `books` for each row.
    pub codes: Address,
    /// Numbers from the codes of one row to those of the next.
    pub stride: u32,
    /// Rows.
    pub rows: u32,
    /// Takes the sums, `[rows, width]` in f32.
    pub y: Address,
}

impl SumCodes {
    /// Puts the launch into a queue.
    ///
    /// # Errors
    /// Those of [`Queue::launch`].
    ///
    /// # Safety
    /// All addresses are of as much memory as they are documented to be, which lives until the
    /// kernel has run and is not used otherwise meanwhile.
    pub unsafe fn launch(&self, queue: &Queue) -> Result<(), LaunchError> {
        let args = [
            Arg::Memory(Some(self.tables)),
            Arg::U32(self.books),
            Arg::U32(self.entries),
            Arg::U32(self.width),
            Arg::Memory(Some(self.codes)),
            Arg::U32(self.stride),
            Arg::Memory(Some(self.y)),
        ];
        // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
        unsafe { queue.launch(Kernel::SumCodes, each(self.rows, self.width), &args) }
    }
}

/// A causal convolution of every channel on its own, then a layer norm of each row.
#[derive(Debug, Clone, Copy)]
pub struct DepthwiseNorm {
    /// `[taps - 1 + rows, width]` in f32: the rows before, then the new ones.
    pub x: Address,
    /// `[taps, width]` in f32, the tap of the oldest row first.
    pub weights: Address,
    /// `[width]` in f32.
    pub bias: Address,
    /// Taps, above 0.
    pub taps: u32,
    /// Weights and bias of the norm, `[width]` in f32.
    pub norm: [Address; 2],
    /// Epsilon of the norm.
    pub epsilon: f32,
    /// New rows.
    pub rows: u32,
    /// Channels.
    pub width: u32,
    /// Takes the outputs, `[rows, width]` in f32.
    pub y: Address,
}

impl DepthwiseNorm {
    /// Puts the launch into a queue.
    ///
    /// # Errors
    /// Those of [`Queue::launch`].
    ///
    /// # Safety
    /// As [`SumCodes::launch`].
    pub unsafe fn launch(&self, queue: &Queue) -> Result<(), LaunchError> {
        let launch = Launch { grid: [self.rows, 1, 1], block: [THREADS, 1, 1], shared: 0 };
        let [norm, norm_bias] = self.norm;
        let args = [
            Arg::Memory(Some(self.x)),
            Arg::Memory(Some(self.weights)),
            Arg::Memory(Some(self.bias)),
            Arg::U32(self.taps),
            Arg::Memory(Some(norm)),
            Arg::Memory(Some(norm_bias)),
            Arg::F32(self.epsilon),
            Arg::U32(self.width),
            Arg::Memory(Some(self.y)),
        ];
        // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
        unsafe { queue.launch(Kernel::DepthwiseNorm, launch, &args) }
    }
}

/// The last rows of a piece of a signal become those before the next piece.
#[derive(Debug, Clone, Copy)]
pub struct Carry {
    /// `[keep + rows, width]` in f32: the last `keep` rows go to the front.
    pub x: Address,
    /// Rows of the piece.
    pub rows: u32,
    /// Rows before it.
    pub keep: u32,
    /// Channels.
    pub width: u32,
}

impl Carry {
    /// Puts the launch into a queue.
    ///
    /// # Errors
    /// Those of [`Queue::launch`].
    ///
    /// # Safety
    /// As [`SumCodes::launch`].
    pub unsafe fn launch(&self, queue: &Queue) -> Result<(), LaunchError> {
        let args = [
            Arg::Memory(Some(self.x)),
            Arg::U32(self.rows),
            Arg::U32(self.keep),
            Arg::U32(self.width),
        ];
        // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
        unsafe { queue.launch(Kernel::Carry, each(1, self.width), &args) }
    }
}

/// Rows become columns.
#[derive(Debug, Clone, Copy)]
pub struct Transpose {
    /// `[rows, columns]` in f32.
    pub x: Address,
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// Takes `[columns, rows]`.
    pub y: Address,
}

impl Transpose {
    /// Puts the launch into a queue.
    ///
    /// # Errors
    /// Those of [`Queue::launch`].
    ///
    /// # Safety
    /// As [`SumCodes::launch`].
    pub unsafe fn launch(&self, queue: &Queue) -> Result<(), LaunchError> {
        let launch = Launch {
            grid: [self.columns.div_ceil(TILE), self.rows.div_ceil(TILE), 1],
            block: [THREADS, 1, 1],
            shared: 0,
        };
        let args = [
            Arg::Memory(Some(self.x)),
            Arg::U32(self.rows),
            Arg::U32(self.columns),
            Arg::Memory(Some(self.y)),
        ];
        // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
        unsafe { queue.launch(Kernel::Transpose, launch, &args) }
    }
}
