//! Products of a matrix with a few vectors.

use std::mem::discriminant;

use crate::Float;
use crate::error::LaunchError;
use crate::kernel::{Arg, Kernel, Launch};
use crate::queue::{Address, Queue};

/// Outputs of a block: one of each warp.
const OUTPUTS: u32 = 8;
const THREADS: u32 = 32 * OUTPUTS;
/// Bytes of inputs that a block has in shared memory, at most.
const SHARED: u32 = Launch::MOST_SHARED;

/// Where the weights of a matrix `[outputs, width]` are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weights {
    /// In f32, from a multiple of 16 on.
    F32(Address),
    /// In bf16, from a multiple of 16 on.
    Bf16(Address),
    /// A byte times the scale of its [group](crate::INT8_GROUP), as [`quantize`](crate::quantize) makes
    /// them.
    Int8 {
        /// `[outputs, width]` in i8, from a multiple of 16 on.
        values: Address,
        /// `[outputs, width.div_ceil(INT8_GROUP)]` in f32.
        scales: Address,
    },
}

impl Weights {
    /// Of numbers as they are.
    pub fn floats(dtype: Float, values: Address) -> Self {
        match dtype {
            Float::F32 => Self::F32(values),
            Float::Bf16 => Self::Bf16(values),
        }
    }

    /// Of the values, and of the scales if there are any.
    fn addresses(self) -> (Address, Option<Address>) {
        match self {
            Self::F32(values) | Self::Bf16(values) => (values, None),
            Self::Int8 { values, scales } => (values, Some(scales)),
        }
    }
}

/// What becomes of the products.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Use {
    /// They take the place of the outputs.
    Store,
    /// They are added to the outputs.
    Add,
    /// `silu` of them times those of another matrix of the same shape and kind takes the place of
    /// the outputs.
    Gate(Weights),
}

/// `y = W norm(x) + bias`, for each of some rows.
#[derive(Debug, Clone, Copy)]
pub struct Gemv {
    /// `[rows, width]` in f32.
    pub x: Address,
    /// Weights `[width]` in f32 and epsilon of an RMS norm of the inputs.
    pub norm: Option<(Address, f32)>,
    /// `[outputs, width]`.
    pub weights: Weights,
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
    /// Those of [`Queue::launch`], and if the weights of a gate are of two kinds.
    ///
    /// # Safety
    /// All addresses are of as much memory as they are documented to be, which lives until the
    /// kernel has run and is not used otherwise meanwhile.
    pub unsafe fn launch(&self, queue: &Queue) -> Result<(), LaunchError> {
        let row_bytes = self.width * size_of::<f32>() as u32;
        let together =
            [8, 4].into_iter().find(|&rows| self.rows > rows / 2 && rows * row_bytes <= SHARED);
        let together = together.unwrap_or(1);
        let kernel = match (self.weights, together) {
            (Weights::F32(_), 8) => Kernel::GemvF32By8,
            (Weights::F32(_), 4) => Kernel::GemvF32By4,
            (Weights::F32(_), _) => Kernel::GemvF32By1,
            (Weights::Bf16(_), 8) => Kernel::GemvBf16By8,
            (Weights::Bf16(_), 4) => Kernel::GemvBf16By4,
            (Weights::Bf16(_), _) => Kernel::GemvBf16By1,
            (Weights::Int8 { .. }, 8) => Kernel::GemvI8By8,
            (Weights::Int8 { .. }, 4) => Kernel::GemvI8By4,
            (Weights::Int8 { .. }, _) => Kernel::GemvI8By1,
        };
        let launch = Launch {
            grid: [self.outputs.div_ceil(OUTPUTS), self.rows.div_ceil(together), 1],
            block: [THREADS, 1, 1],
            shared: together * row_bytes,
        };
        let (up, to) = match self.to {
            Use::Store => (None, 0),
            Use::Add => (None, 1),
            Use::Gate(up) if discriminant(&up) == discriminant(&self.weights) => (Some(up), 2),
            Use::Gate(_) => return Err(LaunchError::Gate { kernel: kernel.name() }),
        };
        let (values, scales) = self.weights.addresses();
        let (up, up_scales) = up.map(Weights::addresses).unzip();
        let args = [
            Arg::Memory(Some(self.x)),
            Arg::Memory(self.norm.map(|(weights, _)| weights)),
            Arg::F32(self.norm.map_or(0.0, |(_, epsilon)| epsilon)),
            Arg::Memory(Some(values)),
            Arg::Memory(up),
            Arg::Memory(self.bias),
            Arg::Memory(Some(self.y)),
            Arg::U32(self.rows),
            Arg::U32(self.width),
            Arg::U32(self.outputs),
            Arg::U32(to),
            Arg::Memory(scales),
            Arg::Memory(up_scales.flatten()),
        ];
        // Only kernels for bytes take scales.
        let args = if scales.is_some() { &args[..] } else { &args[..args.len() - 2] };
        // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
        unsafe { queue.launch(kernel, launch, args) }
    }
}
