use candle_core::{DType, Result, Tensor};
use tts_checkpoint::Weights;

use crate::error::SpeakerError;

/// A convolution of stride 1 whose output is as long as its input; the ends are
/// padded by reflection (`docs/model.md`, section 9.3).
#[derive(Debug)]
pub(crate) struct Conv1d {
    /// `[outputs, kernel * inputs]`, taps outermost.
    weight: Tensor,
    /// `[outputs, 1]`.
    bias: Tensor,
    kernel: usize,
    dilation: usize,
}

impl Conv1d {
    /// From the tensors `weight` `[outputs, inputs, kernel]` and `bias`.
    pub(crate) fn load(
        dilation: usize,
        weights: &Weights,
    ) -> std::result::Result<Self, SpeakerError> {
        let (weight, bias) = tensors(weights)?;
        let (outputs, inputs, kernel) = weight.dims3()?;
        Ok(Self {
            weight: weight.transpose(1, 2)?.reshape((outputs, kernel * inputs))?,
            bias: bias.unsqueeze(1)?,
            kernel,
            dilation,
        })
    }

    /// Time steps the input needs: a reflection does not repeat the edge.
    pub(crate) fn min_time(&self) -> usize {
        let (left, right) = self.padding();
        left.max(right) + 1
    }

    /// Steps in front and behind; an odd total has the extra one behind.
    fn padding(&self) -> (usize, usize) {
        let total = (self.kernel - 1) * self.dilation;
        (total / 2, total - total / 2)
    }

    /// `[inputs, time]` to `[outputs, time]`.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.weight.matmul(&self.windows(x)?)?.broadcast_add(&self.bias)
    }

    /// The inputs of every output, `[kernel * inputs, time]`.
    fn windows(&self, x: &Tensor) -> Result<Tensor> {
        if self.kernel == 1 {
            return x.contiguous();
        }
        let time = x.dim(1)?;
        let (left, right) = self.padding();
        let x = reflect_pad(x, left, right)?;
        let taps = (0..self.kernel)
            .map(|tap| x.narrow(1, tap * self.dilation, time))
            .collect::<Result<Vec<_>>>()?;
        Tensor::cat(&taps, 0)
    }
}

/// Weight `[outputs, inputs, kernel]` and bias `[outputs]` in f32.
pub(crate) fn tensors(weights: &Weights) -> std::result::Result<(Tensor, Tensor), SpeakerError> {
    let tensor = |name| -> std::result::Result<Tensor, SpeakerError> {
        Ok(weights.tensor(name)?.to_dtype(DType::F32)?)
    };
    Ok((tensor("weight")?, tensor("bias")?))
}

/// Mirrors `[channels, time]` at both ends; `time` is larger than both pads.
fn reflect_pad(x: &Tensor, left: usize, right: usize) -> Result<Tensor> {
    let last = x.dim(1)? - 1;
    let mirrored = |steps: Vec<u32>| {
        let count = steps.len();
        x.index_select(&Tensor::from_vec(steps, count, x.device())?, 1)
    };
    let front = mirrored((1..=left).rev().map(|t| t as u32).collect())?;
    let back = mirrored((last - right..last).rev().map(|t| t as u32).collect())?;
    Tensor::cat(&[&front, x, &back], 1)
}
