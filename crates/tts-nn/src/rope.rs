use candle_core::{DType, Device, Result, Tensor};
use candle_nn::rotary_emb;

/// Rotary position embedding in the half-split form: value `j` pairs with
/// `j + head_dim / 2` (`docs/model.md`, section 3.2).
#[derive(Debug, Clone)]
pub(crate) struct Rope {
    /// `theta^(-2j / head_dim)`.
    inverse_frequencies: Vec<f32>,
}

/// Cosines and sines of a run of positions, each `[time, head_dim / 2]`.
#[derive(Debug, Clone)]
pub(crate) struct Angles {
    cos: Tensor,
    sin: Tensor,
}

impl Rope {
    pub(crate) fn new(theta: f64, head_dim: usize) -> Self {
        let frequency = |j: usize| theta.powf(-((2 * j) as f64) / head_dim as f64) as f32;
        Self { inverse_frequencies: (0..head_dim / 2).map(frequency).collect() }
    }

    /// The angles of positions `start..start + time`. The products are rounded
    /// to f32 as in the reference, so far positions agree with it.
    pub(crate) fn angles(
        &self,
        start: usize,
        time: usize,
        dtype: DType,
        device: &Device,
    ) -> Result<Angles> {
        let half = self.inverse_frequencies.len();
        let mut cos = Vec::with_capacity(time * half);
        let mut sin = Vec::with_capacity(time * half);
        for position in start..start + time {
            for &frequency in &self.inverse_frequencies {
                let (s, c) = f64::from(position as f32 * frequency).sin_cos();
                cos.push(c as f32);
                sin.push(s as f32);
            }
        }
        let tensor =
            |values| Tensor::from_vec(values, (time, half), device).and_then(|t| t.to_dtype(dtype));
        Ok(Angles { cos: tensor(cos)?, sin: tensor(sin)? })
    }
}

impl Angles {
    /// Cosines and sines.
    pub(crate) fn into_tensors(self) -> [Tensor; 2] {
        [self.cos, self.sin]
    }

    /// Rotates `[heads, time, head_dim]`.
    pub(crate) fn rotate(&self, x: &Tensor) -> Result<Tensor> {
        rotary_emb::rope(&x.contiguous()?.unsqueeze(0)?, &self.cos, &self.sin)?.squeeze(0)
    }
}
