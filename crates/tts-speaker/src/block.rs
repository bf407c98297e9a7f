use candle_core::{Result, Tensor};
use tts_checkpoint::Weights;

use crate::conv::Conv1d;
use crate::error::SpeakerError;

/// A Res2Net block with squeeze-excitation around which the input is added
/// (`docs/model.md`, section 9.3).
#[derive(Debug)]
pub(crate) struct SeRes2NetBlock {
    first: Conv1d,
    /// One per group of channels but the first.
    groups: Vec<Conv1d>,
    last: Conv1d,
    squeeze: Conv1d,
    excite: Conv1d,
}

impl SeRes2NetBlock {
    /// A block whose channels are split into `groups`.
    pub(crate) fn load(
        groups: usize,
        dilation: usize,
        weights: &Weights,
    ) -> std::result::Result<Self, SpeakerError> {
        let res2net = weights.scope("res2net_block.blocks");
        Ok(Self {
            first: Conv1d::load(1, &weights.scope("tdnn1.conv"))?,
            groups: (0..groups - 1)
                .map(|i| Conv1d::load(dilation, &res2net.scope(format!("{i}.conv"))))
                .collect::<std::result::Result<_, _>>()?,
            last: Conv1d::load(1, &weights.scope("tdnn2.conv"))?,
            squeeze: Conv1d::load(1, &weights.scope("se_block.conv1"))?,
            excite: Conv1d::load(1, &weights.scope("se_block.conv2"))?,
        })
    }

    /// Time steps the input needs.
    pub(crate) fn min_time(&self) -> usize {
        self.groups.iter().map(Conv1d::min_time).max().unwrap_or(1)
    }

    /// `[channels, time]` to the same shape.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.first.forward(x)?.relu()?;
        let y = self.res2net(&y)?;
        let y = self.last.forward(&y)?.relu()?;
        x + y.broadcast_mul(&self.channel_gates(&y)?)?
    }

    /// Every group of channels sees the output of the group before it; the first
    /// is passed on as it is.
    fn res2net(&self, x: &Tensor) -> Result<Tensor> {
        let mut inputs = x.chunk(self.groups.len() + 1, 0)?.into_iter();
        let mut outputs: Vec<Tensor> = inputs.by_ref().take(1).collect();
        for (i, (conv, input)) in self.groups.iter().zip(inputs).enumerate() {
            let input = if i == 0 { input } else { (input + &outputs[i])? };
            outputs.push(conv.forward(&input)?.relu()?);
        }
        Tensor::cat(&outputs, 0)
    }

    /// Squeeze-excitation: a factor in (0, 1) per channel from the means over
    /// time, `[channels, 1]`.
    fn channel_gates(&self, x: &Tensor) -> Result<Tensor> {
        let hidden = self.squeeze.forward(&x.mean_keepdim(1)?)?.relu()?;
        sigmoid(&self.excite.forward(&hidden)?)
    }
}

fn sigmoid(x: &Tensor) -> Result<Tensor> {
    (x.neg()?.exp()? + 1.0)?.recip()
}
