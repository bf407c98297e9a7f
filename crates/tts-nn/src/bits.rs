use candle_core::{Device, Result};
use tts_cpu::Scheme;

use crate::gpu::queue_of;

/// In what numbers a language model keeps its matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    /// Of the layers.
    pub layers: Format,
    /// Of what gives logits, and of other products outside the layers.
    pub heads: Format,
}

/// Numbers of few bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Whole numbers of 8 bits and scales.
    Q8,
    /// Whole numbers of 4 bits and scales, on the CPU.
    Q4,
    /// Floating point of 8 bits (E4M3) and scales, on a GPU.
    Fp8,
}

/// How the matrices of a language model are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bits {
    /// As a source has them.
    Stored,
    /// Rounded to few bits, for the CPU.
    Packed(Scheme),
    /// Rounded to 8 bits, for kernels on a GPU.
    Int8,
    /// Rounded to floating point of 8 bits, for kernels on a GPU.
    Fp8,
}

impl Bits {
    /// In a `format`, or as they are without one, on a device.
    ///
    /// # Errors
    /// If there is nothing for the format there.
    pub fn of(format: Option<Format>, device: &Device) -> Result<Self> {
        let Some(format) = format else { return Ok(Self::Stored) };
        Ok(match (format, queue_of(device)?.is_some()) {
            (Format::Q8, false) => Self::Packed(Scheme::Q8),
            (Format::Q4, false) => Self::Packed(Scheme::Q4),
            (Format::Q8, true) => Self::Int8,
            (Format::Fp8, true) => Self::Fp8,
            (Format::Q4, true) => candle_core::bail!("4 bits on a GPU, expected 8"),
            (Format::Fp8, false) => candle_core::bail!("floating point of 8 bits without a GPU"),
        })
    }
}
