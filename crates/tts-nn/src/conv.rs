use candle_core::{Result, Tensor};

use crate::product;

/// The tail of a signal that a causal convolution still needs, `[channels, n]`.
/// Empty at the start, which equals silence before the signal.
#[derive(Debug, Default)]
pub struct ConvState(Option<Tensor>);

impl ConvState {
    /// Puts the kept tail in front of `x` and keeps the last `keep` steps of the
    /// result.
    pub(crate) fn extend(&mut self, x: &Tensor, keep: usize) -> Result<Tensor> {
        if keep == 0 {
            return Ok(x.clone());
        }
        let (channels, time) = x.dims2()?;
        let tail = match self.0.take() {
            Some(tail) => tail,
            None => Tensor::zeros((channels, keep), x.dtype(), x.device())?,
        };
        let extended = Tensor::cat(&[&tail, x], 1)?;
        self.0 = Some(extended.narrow(1, time, keep)?.force_contiguous()?);
        Ok(extended)
    }
}

/// A causal convolution of stride 1: output `t` depends on inputs up to `t`
/// (`docs/model.md`, section 7.3).
#[derive(Debug, Clone)]
pub struct CausalConv1d {
    /// `[outputs, kernel * inputs]`, taps outermost.
    weight: Tensor,
    /// `[outputs, 1]`.
    bias: Option<Tensor>,
    kernel: usize,
    dilation: usize,
}

impl CausalConv1d {
    /// From a weight `[outputs, inputs, kernel]` and a bias `[outputs]`.
    ///
    /// # Errors
    /// If the weight has another rank.
    pub fn new(weight: &Tensor, bias: Option<&Tensor>, dilation: usize) -> Result<Self> {
        let (outputs, inputs, kernel) = weight.dims3()?;
        Ok(Self {
            weight: weight.transpose(1, 2)?.reshape((outputs, kernel * inputs))?,
            bias: bias.map(|bias| bias.unsqueeze(1)).transpose()?,
            kernel,
            dilation,
        })
    }

    /// `[inputs, time]` to `[outputs, time]`.
    ///
    /// # Errors
    /// If the number of channels is not that of the weight.
    pub fn forward(&self, x: &Tensor, state: &mut ConvState) -> Result<Tensor> {
        let time = x.dim(1)?;
        let x = state.extend(x, (self.kernel - 1) * self.dilation)?;
        let windows = if self.kernel == 1 {
            x.contiguous()?
        } else {
            let taps = (0..self.kernel)
                .map(|tap| x.narrow(1, tap * self.dilation, time))
                .collect::<Result<Vec<_>>>()?;
            Tensor::cat(&taps, 0)?
        };
        let y = product::over_time(&self.weight, &windows)?;
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}

/// A causal convolution of stride 1 in which every channel has its own kernel.
#[derive(Debug, Clone)]
pub struct DepthwiseConv1d {
    /// One `[channels, 1]` column per tap.
    taps: Vec<Tensor>,
    /// `[channels, 1]`.
    bias: Tensor,
}

impl DepthwiseConv1d {
    /// From a weight `[channels, 1, kernel]` and a bias `[channels]`.
    ///
    /// # Errors
    /// If the weight has another rank.
    pub fn new(weight: &Tensor, bias: &Tensor) -> Result<Self> {
        let (_, _, kernel) = weight.dims3()?;
        let weight = weight.squeeze(1)?;
        let taps = (0..kernel).map(|tap| weight.narrow(1, tap, 1)?.contiguous());
        Ok(Self { taps: taps.collect::<Result<_>>()?, bias: bias.unsqueeze(1)? })
    }

    /// `[channels, time]` to the same shape.
    ///
    /// # Errors
    /// If the number of channels is not that of the weight.
    pub fn forward(&self, x: &Tensor, state: &mut ConvState) -> Result<Tensor> {
        let time = x.dim(1)?;
        let x = state.extend(x, self.taps.len() - 1)?;
        let mut sum = self.bias.broadcast_as((x.dim(0)?, time))?;
        for (tap, weight) in self.taps.iter().enumerate() {
            sum = (sum + x.narrow(1, tap, time)?.broadcast_mul(weight)?)?;
        }
        Ok(sum)
    }
}
