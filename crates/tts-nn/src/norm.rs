use candle_core::{Result, Tensor};
use candle_nn::ops;

/// Root-mean-square norm over the last dimension, computed in f32:
/// `x / sqrt(mean(x²) + eps) * weight`.
#[derive(Debug, Clone)]
pub struct RmsNorm {
    weight: Tensor,
    eps: f32,
}

impl RmsNorm {
    /// From a weight `[hidden]`.
    pub fn new(weight: Tensor, eps: f64) -> Self {
        Self { weight, eps: eps as f32 }
    }

    /// `[.., hidden]` to the same shape.
    ///
    /// # Errors
    /// If the last dimension is not that of the weight.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::rms_norm(&x.contiguous()?, &self.weight, self.eps)
    }
}

/// Layer norm over the last dimension:
/// `(x - mean) / sqrt(var + eps) * weight + bias`.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f32,
}

impl LayerNorm {
    /// From a weight and a bias `[hidden]`.
    pub fn new(weight: Tensor, bias: Tensor, eps: f64) -> Self {
        Self { weight, bias, eps: eps as f32 }
    }

    /// `[.., hidden]` to the same shape.
    ///
    /// # Errors
    /// If the last dimension is not that of the weight.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::layer_norm(&x.contiguous()?, &self.weight, &self.bias, self.eps)
    }
}
