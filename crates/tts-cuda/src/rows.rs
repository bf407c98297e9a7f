//! What is done with whole rows between the products.

use crate::Float;
use crate::error::LaunchError;
use crate::kernel::{Arg, Kernel, Launch};
use crate::queue::{Address, Queue};

pub(crate) const THREADS: u32 = 256;

/// One thread for each number of `[rows, width]`.
pub(crate) fn each(rows: u32, width: u32) -> Launch {
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

/// Rows of numbers of 32 bits, to another place.
#[derive(Debug, Clone, Copy)]
pub struct Put {
    /// `[rows, width]`.
    pub from: Address,
    /// Rows.
    pub rows: u32,
    /// Numbers of a row.
    pub width: u32,
    /// Takes the rows.
    pub to: Address,
    /// Numbers from where one row goes to where the next one does.
    pub stride: u32,
}

impl Put {
    /// Puts the launch into a queue.
    ///
    /// # Errors
    /// Those of [`Queue::launch`].
    ///
    /// # Safety
    /// As [`Embed::launch`].
    pub unsafe fn launch(&self, queue: &Queue) -> Result<(), LaunchError> {
        let args = [
            Arg::Memory(Some(self.from)),
            Arg::U32(self.width),
            Arg::U32(self.stride),
            Arg::Memory(Some(self.to)),
        ];
        // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
        unsafe { queue.launch(Kernel::Put, each(self.rows, self.width), &args) }
    }
}

/// The talker's next input: the sum of a frame's embeddings and the row of its text.
#[derive(Debug, Clone, Copy)]
pub struct NextInput {
    /// `[rows, width]` in f32.
    pub sum: Address,
    /// Texts of some frames, `[steps, rows, width]` in f32.
    pub texts: Address,
    /// Frames that there are texts for, above 0. Behind the last one comes that again.
    pub steps: u32,
    /// Which frame it is, a number of 32 bits.
    pub count: Address,
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
            Arg::U32(self.steps),
            Arg::Memory(Some(self.count)),
            Arg::U32(self.width),
            Arg::Memory(Some(self.x)),
        ];
        // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
        unsafe { queue.launch(Kernel::NextInput, each(self.rows, self.width), &args) }
    }
}

/// Numbers of 32 bits that are kept, step by step.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// `[width]`.
    pub from: Address,
    /// How many.
    pub width: u32,
    /// Which step it is, a number of 32 bits.
    pub count: Address,
    /// Steps that there is room for, above 0. Later ones take the place of the last.
    pub steps: u32,
    /// Takes them, `[steps, width]`.
    pub log: Address,
}

impl Keep {
    /// Puts the launch into a queue.
    ///
    /// # Errors
    /// Those of [`Queue::launch`].
    ///
    /// # Safety
    /// As [`Embed::launch`].
    pub unsafe fn launch(&self, queue: &Queue) -> Result<(), LaunchError> {
        let args = [
            Arg::Memory(Some(self.from)),
            Arg::U32(self.width),
            Arg::Memory(Some(self.count)),
            Arg::U32(self.steps),
            Arg::Memory(Some(self.log)),
        ];
        // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
        unsafe { queue.launch(Kernel::Keep, each(1, self.width), &args) }
    }
}

/// The RMS norm of each row.
#[derive(Debug, Clone, Copy)]
pub struct RmsNorm {
    /// The first row, in f32.
    pub x: Address,
    /// Numbers from one row to the next.
    pub stride: u32,
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
            Arg::U32(self.stride),
            Arg::Memory(Some(self.y)),
        ];
        // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
        unsafe { queue.launch(Kernel::RmsNorm, launch, &args) }
    }
}

/// Counts one more step, in a number of 32 bits.
///
/// # Errors
/// Those of [`Queue::launch`].
///
/// # Safety
/// As [`Embed::launch`].
pub unsafe fn advance(queue: &Queue, count: Address) -> Result<(), LaunchError> {
    let launch = Launch { grid: [1, 1, 1], block: [1, 1, 1], shared: 0 };
    // SAFETY: this is the argument of the kernel; the rest is promised by the caller.
    unsafe { queue.launch(Kernel::Advance, launch, &[Arg::Memory(Some(count))]) }
}
