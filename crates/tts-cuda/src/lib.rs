//! Kernels for NVIDIA GPUs, and how they are called.
//!
//! The sources are in `kernels/`. With the feature `cuda` they are compiled with nvcc and launched by
//! the driver of the GPU; with `emulated` they are compiled for the CPU, where every thread of a
//! block runs until it waits for the others. That is slow, and finds what a GPU hides: barriers that
//! not all threads reach, lanes that read from others that take no part.
//!
//! A call takes [addresses](Address) of memory that the caller keeps, as the driver does, so it is
//! unsafe; who calls from above this crate has tensors and knows that they live.

mod attention;
mod conv;
mod decoder;
#[cfg(feature = "emulated")]
mod emulated;
mod error;
mod fp8;
mod gemv;
#[cfg(feature = "cuda")]
mod gpu;
mod graph;
mod int8;
mod kernel;
mod queue;
mod rows;
mod sample;
mod time_rows;
mod weight_groups;

pub use attention::{Attend, Caches};
pub use conv::{Conv, Remember};
pub use decoder::{Decoder, DecoderShape, Layer, Outputs, Work};
pub use error::LaunchError;
pub use fp8::quantize_fp8;
pub use gemv::{Gemv, Use, Weights};
#[cfg(feature = "cuda")]
pub use gpu::Gpu;
pub use graph::Graph;
pub use int8::quantize;
pub use kernel::{Arg, Kernel, Launch};
#[cfg(feature = "emulated")]
pub use queue::Order;
pub use queue::{Address, Queue};
pub use rows::{Embed, Keep, NextInput, Put, RmsNorm, advance};
pub use sample::{Sample, SampleError, SampleRow, Steps};
pub use time_rows::{Carry, DepthwiseNorm, SumCodes, Transpose};
pub use weight_groups::WEIGHT_GROUP;

/// Types of numbers that kernels read and write; they compute in f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Float {
    /// Single precision.
    F32,
    /// The upper half of it.
    Bf16,
}
