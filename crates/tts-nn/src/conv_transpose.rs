use candle_core::{Result, Tensor};

use crate::conv::ConvState;
use crate::product;

/// A causal transposed convolution: `stride` outputs per input, trimmed on the
/// right only (`docs/model.md`, section 7.3).
///
/// Output `t * stride + j` is the sum over `m` of tap `j + m * stride` applied to
/// input `t - m`, so it is one matrix product over the last inputs, without
/// stuffing zeros.
#[derive(Debug, Clone)]
pub struct CausalConvTranspose1d {
    /// `[outputs * stride, reach * inputs]`, oldest input first.
    weight: Tensor,
    /// `[outputs, 1]`.
    bias: Tensor,
    stride: usize,
    /// Inputs that one output depends on.
    reach: usize,
}

impl CausalConvTranspose1d {
    /// From a weight `[inputs, outputs, kernel]` and a bias `[outputs]`.
    ///
    /// # Errors
    /// If the weight has another rank, or the stride is 0.
    pub fn new(weight: &Tensor, bias: &Tensor, stride: usize) -> Result<Self> {
        let weight = by_reach(weight, stride)?;
        let (inputs, outputs, reach, _) = weight.dims4()?;
        let weight = weight
            .permute((1, 3, 2, 0))?
            .contiguous()?
            .flip(&[2])?
            .reshape((outputs * stride, reach * inputs))?;
        Ok(Self { weight, bias: bias.unsqueeze(1)?, stride, reach })
    }

    /// `[inputs, time]` to `[outputs, time * stride]`.
    ///
    /// # Errors
    /// If the number of channels is not that of the weight.
    pub fn forward(&self, x: &Tensor, state: &mut ConvState) -> Result<Tensor> {
        let time = x.dim(1)?;
        let outputs = self.bias.dim(0)?;
        let x = state.extend(x, self.reach - 1)?;
        let windows = (0..self.reach).map(|m| x.narrow(1, m, time)).collect::<Result<Vec<_>>>()?;
        let y = product::over_time(&self.weight, &Tensor::cat(&windows, 0)?)?;
        y.reshape((outputs, self.stride, time))?
            .transpose(1, 2)?
            .reshape((outputs, time * self.stride))?
            .broadcast_add(&self.bias)
    }
}

/// A weight `[inputs, outputs, kernel]` by the inputs that an output depends on, the newest first, and
/// by the outputs of an input: `[inputs, outputs, reach, stride]`.
pub(crate) fn by_reach(weight: &Tensor, stride: usize) -> Result<Tensor> {
    let (inputs, outputs, kernel) = weight.dims3()?;
    if stride == 0 {
        candle_core::bail!("a transposed convolution with stride 0");
    }
    let reach = kernel.div_ceil(stride);
    weight.pad_with_zeros(2, 0, reach * stride - kernel)?.reshape((inputs, outputs, reach, stride))
}
