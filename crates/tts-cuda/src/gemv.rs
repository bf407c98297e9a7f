//! Products of a matrix with a few vectors.

use crate::Float;
use crate::error::LaunchError;
use crate::kernel::{Arg, Kernel, Launch};
use crate::queue::{Address, Queue};

/// Outputs of a block: one of each warp.
const OUTPUTS: u32 = 8;
const THREADS: u32 = 32 * OUTPUTS;
/// Bytes of inputs that a block has in shared memory, at most.
const SHARED: u32 = Launch::MOST_SHARED;

/// What becomes of the products.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Use {
    /// They take the place of the outputs.
    Store,
    /// They are added to the outputs.
    Add,
    /// `silu` of them times those of another matrix of the same shape takes the place of the
    /// outputs.
    Gate(Address),
}

/// `y = W norm(x) + bias`, for each of some rows.
#[derive(Debug, Clone, Copy)]
pub struct Gemv {
    /// `[rows, width]` in f32.
    pub x: Address,
    /// Weights `[width]` in f32 and epsilon of an RMS norm of the inputs.
    pub norm: Option<(Address, f32)>,
    /// `[outputs, width]`, from an address that is a multiple of 16.
    pub weights: Address,
    /// The type of the weights.
    pub dtype: Float,
    /// `[outputs]` in f32.
    pub bias: Option<Address>,
    /// `[rows, outputs]` in f32.
    pub y: Address,
    /// Vectors.
    pub rows: u32,
    /// Inputs of a product.
    pub width: u32,
    /// Outputs of a product.
    pub outputs: u32,
    /// What becomes of the products.
    pub to: Use,
}

impl Gemv {
    /// Puts the launch into a queue.
    ///
    /// # Errors
    /// Those of [`Queue::launch`].
    ///
    /// # Safety
    /// All addresses are of as much memory as they are documented to be, which lives until the
    /// kernel has run and is not used otherwise meanwhile.
    pub unsafe fn launch(&self, queue: &Queue) -> Result<(), LaunchError> {
        let row_bytes = self.width * size_of::<f32>() as u32;
        let together =
            [8, 4].into_iter().find(|&rows| self.rows > rows / 2 && rows * row_bytes <= SHARED);
        let together = together.unwrap_or(1);
        let kernel = match (self.dtype, together) {
            (Float::F32, 8) => Kernel::GemvF32By8,
            (Float::F32, 4) => Kernel::GemvF32By4,
            (Float::F32, _) => Kernel::GemvF32By1,
            (Float::Bf16, 8) => Kernel::GemvBf16By8,
            (Float::Bf16, 4) => Kernel::GemvBf16By4,
            (Float::Bf16, _) => Kernel::GemvBf16By1,
        };
        let launch = Launch {
            grid: [self.outputs.div_ceil(OUTPUTS), self.rows.div_ceil(together), 1],
            block: [THREADS, 1, 1],
            shared: together * row_bytes,
        };
        let (up, to) = match self.to {
            Use::Store => (None, 0),
            Use::Add => (None, 1),
            Use::Gate(up) => (Some(up), 2),
        };
        let args = [
            Arg::Memory(Some(self.x)),
            Arg::Memory(self.norm.map(|(weights, _)| weights)),
            Arg::F32(self.norm.map_or(0.0, |(_, epsilon)| epsilon)),
            Arg::Memory(Some(self.weights)),
            Arg::Memory(up),
            Arg::Memory(self.bias),
            Arg::Memory(Some(self.y)),
            Arg::U32(self.rows),
            Arg::U32(self.width),
            Arg::U32(self.outputs),
            Arg::U32(to),
        ];
        // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
        unsafe { queue.launch(kernel, launch, &args) }
    }
}
