use candle_core::{Result, Tensor};

/// A dense layer: `y = x Wᵀ + b`.
#[derive(Debug, Clone)]
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    /// From a weight `[outputs, inputs]` and a bias `[outputs]`.
    pub fn new(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight, bias }
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
        let y = x.reshape(((), inputs))?.matmul(&self.weight.t()?)?;
        let y = match &self.bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        };
        y.reshape(shape)
    }
}
