use candle_core::{Result, Tensor};

use crate::product;

/// A dense layer: `y = x Wᵀ + b`.
#[derive(Debug, Clone)]
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
    in_pieces: bool,
}

impl Linear {
    /// From a weight `[outputs, inputs]` and a bias `[outputs]`.
    pub fn new(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight, bias, in_pieces: false }
    }

    /// One layer that computes several at once: the outputs are concatenated in
    /// the order of `weights`. Each output value is the same as from its own
    /// layer.
    ///
    /// # Errors
    /// If the numbers of inputs differ.
    pub fn fused(weights: &[Tensor]) -> Result<Self> {
        Ok(Self::new(Tensor::cat(weights, 0)?, None))
    }

    /// For rows that are a signal pushed in pieces: a row comes out the same, bit
    /// for bit, whatever the piece it is in. A piece of one row takes longer.
    #[must_use]
    pub fn in_pieces(self) -> Self {
        Self { in_pieces: true, ..self }
    }

    /// `[.., inputs]` to `[.., outputs]`.
    ///
    /// # Errors
    /// If the last dimension is not the number of inputs.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (outputs, inputs) = self.weight.dims2()?;
        let mut shape = x.dims().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = outputs;
        }
        let x = x.reshape(((), inputs))?;
        let y = if self.in_pieces {
            product::over_time(&self.weight, &x.t()?)?.t()?
        } else {
            x.matmul(&self.weight.t()?)?
        };
        let y = match &self.bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        };
        y.reshape(shape)
    }
}
