use candle_core::{Result, Tensor};

/// The activation `x + sin²(a x) / b` with per-channel `a = exp(alpha)` and
/// `b = exp(beta) + 1e-9` (`docs/model.md`, section 7.6). The codec decoder has
/// kernels of its own on the CPU (`tts_cpu::Snake`).
#[derive(Debug, Clone)]
pub struct SnakeBeta {
    /// `[channels]`.
    frequency: Tensor,
    /// `1 / b`, `[channels]`.
    gain: Tensor,
}

impl SnakeBeta {
    /// From `alpha` and `beta` as stored, `[channels]`.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn new(alpha: &Tensor, beta: &Tensor) -> Result<Self> {
        Ok(Self { frequency: alpha.exp()?, gain: (beta.exp()? + 1e-9)?.recip()? })
    }

    /// `a`, `[channels]`.
    pub fn frequency(&self) -> &Tensor {
        &self.frequency
    }

    /// `1 / b`, `[channels]`.
    pub fn gain(&self) -> &Tensor {
        &self.gain
    }

    /// `[channels, time]` to the same shape.
    ///
    /// # Errors
    /// If the number of channels is not that of the parameters.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let sine = x.broadcast_mul(&self.frequency.unsqueeze(1)?)?.sin()?;
        x + sine.sqr()?.broadcast_mul(&self.gain.unsqueeze(1)?)?
    }
}
