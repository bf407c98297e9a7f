use candle_core::{Device, Result};
use tts_cpu::Scheme;

use crate::gpu::queue_of;

/// How the matrices of a language model are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bits {
    /// As a source has them.
    Stored,
    /// Rounded to few bits, for the CPU.
    Packed(Scheme),
    /// Rounded to 8 bits, for kernels on a GPU.
    Bytes,
}

impl Bits {
    /// In the bits of a `scheme`, or as they are without one, on a device.
    ///
    /// # Errors
    /// If there is nothing for the scheme on a GPU.
    pub fn of(scheme: Option<Scheme>, device: &Device) -> Result<Self> {
        match (scheme, queue_of(device)?) {
            (None, _) => Ok(Self::Stored),
            (Some(scheme), None) => Ok(Self::Packed(scheme)),
            (Some(Scheme::Q8), Some(_)) => Ok(Self::Bytes),
            (Some(Scheme::Q4), Some(_)) => candle_core::bail!("4 bits on a GPU, expected 8"),
        }
    }
}
