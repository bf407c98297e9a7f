//! What is done with whole rows between the products.

use crate::Float;
use crate::error::LaunchError;
use crate::kernel::{Arg, Kernel, Launch};
use crate::queue::{Address, Queue};

const THREADS: u32 = 256;

/// One thread for each number of `[rows, width]`.
fn each(rows: u32, width: u32) -> Launch {
    Launch { grid: [width.div_ceil(THREADS), rows, 1], block: [THREADS, 1, 1], shared: 0 }
}

/// The rows of a table for tokens that are in memory.
#[derive(Debug, Clone, Copy)]
pub struct Embed {
    /// `[entries, width]`.
    pub table: Address,
    /// Its type.
    pub dtype: Float,
    /// Rows of the table. A token that has none counts as the last one.
    pub entries: u32,
    /// Width of a row.
    pub width: u32,
    /// `[rows]` numbers of 32 bits.
    pub tokens: Address,
    /// Rows of the batch.
    pub rows: u32,
    /// Takes the rows, `[rows, width]` in f32.
    pub y: Option<Address>,
    /// The rows are added to it, `[rows, width]` in f32.
    pub sum: Option<Address>,
}

impl Embed {
    /// Puts the launch into a queue.
    ///
    /// # Errors
    /// Those of [`Queue::launch`].
    ///
    /// # Safety
    /// All addresses are of as much memory as they are documented to be, which lives until the
    /// kernel has run and is not used otherwise meanwhile.
    pub unsafe fn launch(&self, queue: &Queue) -> Result<(), LaunchError> {
        let kernel = match self.dtype {
            Float::F32 => Kernel::EmbedF32,
            Float::Bf16 => Kernel::EmbedBf16,
        };
        let args = [
            Arg::Memory(Some(self.table)),
            Arg::U32(self.entries),
            Arg::U32(self.width),
            Arg::Memory(Some(self.tokens)),
            Arg::Memory(self.y),
            Arg::Memory(self.sum),
        ];
        // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
        unsafe { queue.launch(kernel, each(self.rows, self.width), &args) }
    }
}

/// The talker's next input: the sum of a frame's embeddings and the row of its text.
#[derive(Debug, Clone, Copy)]
pub struct NextInput {
    /// `[rows, width]` in f32.
    pub sum: Address,
    /// `[rows]` addresses, of 64 bits: of each row's text, `[length, width]` in f32. After its end
    /// comes its last row, again and again.
    pub texts: Address,
    /// `[rows]` numbers of 32 bits, above 0: lengths of the texts.
    pub lengths: Address,
    /// Of each row, the number of tokens of codebook 0 that were drawn, above 0.
    pub drawn: Address,
    /// Numbers of 32 bits from one row's to the next.
    pub stride: u32,
    /// Rows of the batch.
    pub rows: u32,
    /// Width of a row.
    pub width: u32,
    /// Takes the input, `[rows, width]` in f32.
    pub x: Address,
}

impl NextInput {
    /// Puts the launch into a queue.
    ///
    /// # Errors
    /// Those of [`Queue::launch`].
    ///
    /// # Safety
    /// As [`Embed::launch`].
    pub unsafe fn launch(&self, queue: &Queue) -> Result<(), LaunchError> {
        let args = [
            Arg::Memory(Some(self.sum)),
            Arg::Memory(Some(self.texts)),
            Arg::Memory(Some(self.lengths)),
            Arg::Memory(Some(self.drawn)),
            Arg::U32(self.stride),
            Arg::U32(self.width),
            Arg::Memory(Some(self.x)),
        ];
        // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
        unsafe { queue.launch(Kernel::NextInput, each(self.rows, self.width), &args) }
    }
}

/// The RMS norm of each row.
#[derive(Debug, Clone, Copy)]
pub struct RmsNorm {
    /// `[rows, width]` in f32.
    pub x: Address,
    /// `[width]` in f32.
    pub weights: Address,
    /// Epsilon.
    pub epsilon: f32,
    /// Rows of the batch.
    pub rows: u32,
    /// Width of a row.
    pub width: u32,
    /// Takes the norms, `[rows, width]` in f32.
    pub y: Address,
}

impl RmsNorm {
    /// Puts the launch into a queue.
    ///
    /// # Errors
    /// Those of [`Queue::launch`].
    ///
    /// # Safety
    /// As [`Embed::launch`].
    pub unsafe fn launch(&self, queue: &Queue) -> Result<(), LaunchError> {
        let launch = Launch { grid: [self.rows, 1, 1], block: [THREADS, 1, 1], shared: 0 };
        let args = [
            Arg::Memory(Some(self.x)),
            Arg::Memory(Some(self.weights)),
            Arg::F32(self.epsilon),
            Arg::U32(self.width),
            Arg::Memory(Some(self.y)),
        ];
        // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
        unsafe { queue.launch(Kernel::RmsNorm, launch, &args) }
    }
}

/// Moves every position, `[rows]` numbers of 32 bits, on by one.
///
/// # Errors
/// Those of [`Queue::launch`].
///
/// # Safety
/// As [`Embed::launch`].
pub unsafe fn advance(queue: &Queue, positions: Address, rows: u32) -> Result<(), LaunchError> {
    let launch = Launch { grid: [rows.div_ceil(32), 1, 1], block: [32, 1, 1], shared: 0 };
    let args = [Arg::Memory(Some(positions)), Arg::U32(rows)];
    // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
    unsafe { queue.launch(Kernel::Advance, launch, &args) }
}
