use candle_core::{Result, Tensor};
use tts_checkpoint::Weights;
use tts_nn::{CausalConvTranspose1d, ConvState, DepthwiseConv1d, LayerNorm, Linear};

use crate::error::CodecError;

pub(crate) const NORM_EPS: f64 = 1e-6;

/// A transposed convolution without overlap, then a ConvNeXt block
/// (`docs/model.md`, section 7.5).
#[derive(Debug)]
pub(crate) struct Upsample {
    conv: CausalConvTranspose1d,
    depthwise: DepthwiseConv1d,
    norm: LayerNorm,
    expand: Linear,
    contract: Linear,
    gamma: Tensor,
}

#[derive(Debug, Default)]
pub(crate) struct UpsampleState {
    conv: ConvState,
    depthwise: ConvState,
}

impl Upsample {
    pub(crate) fn load(stride: usize, weights: &Weights) -> std::result::Result<Self, CodecError> {
        let conv = weights.scope("0.conv");
        let block = weights.scope("1");
        let depthwise = block.scope("dwconv.conv");
        let linear = |name: &str| -> std::result::Result<Linear, CodecError> {
            Linear::in_pieces(&block.scope(name), &["weight"], Some("bias"))
        };
        let norm = block.scope("norm");
        Ok(Self {
            conv: CausalConvTranspose1d::new(
                &conv.tensor("weight")?,
                &conv.tensor("bias")?,
                stride,
            )?,
            depthwise: DepthwiseConv1d::new(
                &depthwise.tensor("weight")?,
                &depthwise.tensor("bias")?,
            )?,
            norm: LayerNorm::new(norm.tensor("weight")?, norm.tensor("bias")?, NORM_EPS),
            expand: linear("pwconv1")?,
            contract: linear("pwconv2")?,
            gamma: block.tensor("gamma")?,
        })
    }

    /// `[channels, time]` to `[channels, time * stride]`; also the output of the
    /// convolution alone.
    pub(crate) fn forward(
        &self,
        x: &Tensor,
        state: &mut UpsampleState,
    ) -> Result<(Tensor, Tensor)> {
        let upsampled = self.conv.forward(x, &mut state.conv)?;
        let y = self.depthwise.forward(&upsampled, &mut state.depthwise)?;
        let y = self.expand.forward(&self.norm.forward(&y.t()?)?)?.gelu_erf()?;
        let y = self.contract.forward(&y)?.broadcast_mul(&self.gamma)?;
        let block = (&upsampled + y.t()?)?;
        Ok((upsampled, block))
    }
}
