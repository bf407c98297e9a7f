//! Products of a matrix with a few vectors.

use std::mem::discriminant;

use crate::Float;
use crate::error::LaunchError;
use crate::kernel::{Arg, Kernel, Launch};
use crate::queue::{Address, Queue};

/// Outputs of a block: one of each warp.
const OUTPUTS: u32 = 8;
const THREADS: u32 = 32 * OUTPUTS;
/// Inputs, of all rows together, that a block has in shared memory at once if it cannot have all of
/// them. They are few enough for four blocks of a processor that has 160 KiB, and a thousand of each of
/// eight rows, so that there are several loads of a warp from one barrier to the next. Of a row they are
/// a multiple of 512, the weights that a warp loads at once in 8 bits: the order of sums depends on it.
const CHUNK: u32 = 8 << 10;

/// Where the weights of a matrix `[outputs, width]` are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weights {
    /// In f32, from a multiple of 16 on.
    F32(Address),
    /// In bf16, from a multiple of 16 on.
    Bf16(Address),
    /// A byte times the scale of its [group](crate::WEIGHT_GROUP), as [`quantize`](crate::quantize) makes
    /// them.
    Int8 {
        /// `[outputs, width]` in i8, from a multiple of 16 on.
        values: Address,
        /// `[outputs, width.div_ceil(WEIGHT_GROUP)]` in f32.
        scales: Address,
    },
    /// A number of 8 bits times the scale of its [group](crate::WEIGHT_GROUP), as
    /// [`quantize_fp8`](crate::quantize_fp8) makes them. Inputs are below 2^64.
    Fp8 {
        /// `[outputs, width]` in E4M3FN, from a multiple of 16 on.
        values: Address,
        /// `[outputs, width.div_ceil(WEIGHT_GROUP)]` in f32.
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
            Self::Int8 { values, scales } | Self::Fp8 { values, scales } => (values, Some(scales)),
        }
    }

    /// For one row, for four and for eight.
    fn kernels(self) -> [Kernel; 3] {
        match self {
            Self::F32(_) => [Kernel::GemvF32By1, Kernel::GemvF32By4, Kernel::GemvF32By8],
            Self::Bf16(_) => [Kernel::GemvBf16By1, Kernel::GemvBf16By4, Kernel::GemvBf16By8],
            Self::Int8 { .. } => [Kernel::GemvI8By1, Kernel::GemvI8By4, Kernel::GemvI8By8],
            Self::Fp8 { .. } => [Kernel::GemvF8By1, Kernel::GemvF8By4, Kernel::GemvF8By8],
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
    /// `gelu` of them, the exact one, takes the place of the outputs.
    Gelu,
}

/// `y = W norm(x) + bias`, for each of some rows.
#[derive(Debug, Clone, Copy)]
pub struct Gemv {
    /// The first row of inputs, in f32.
    pub x: Address,
    /// Numbers from one row of `x` to the next; rows may overlap.
    pub stride: u32,
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

/// Bytes that inputs of some rows take in shared memory: whole loads, and a gap of four numbers after
/// those of eight weights, or after 32.
fn shared(rows: u32, inputs: u32) -> u32 {
    let numbers = rows * inputs.next_multiple_of(16);
    (numbers + numbers / (8 * rows).max(32) * 4) * size_of::<f32>() as u32
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
        let [by_one, by_four, by_eight] = self.weights.kernels();
        // Two rows alone would read the weights twice.
        let (together, kernel) = match self.rows {
            ..=1 => (1, by_one),
            2..=4 => (4, by_four),
            5.. => (8, by_eight),
        };
        let fits = shared(together, self.width) <= Launch::MOST_SHARED;
        let chunk = if fits { self.width } else { CHUNK / together };
        let launch = Launch {
            grid: [self.outputs.div_ceil(OUTPUTS), self.rows.div_ceil(together), 1],
            block: [THREADS, 1, 1],
            shared: shared(together, chunk),
        };
        let (up, to) = match self.to {
            Use::Store => (None, 0),
            Use::Add => (None, 1),
            Use::Gelu => (None, 3),
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
            Arg::U32(chunk),
            Arg::U32(self.stride),
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
