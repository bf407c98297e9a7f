use candle_core::{Result, Tensor};
use tts_checkpoint::{CodecEncoderConfig, Weights};
use tts_nn::{CausalConv1d, ConvState};

use crate::encoder::Tap;
use crate::error::EncoderError;
use crate::strided::StridedConv1d;

/// Far beyond the codec's (1); what a convolution remembers grows with it.
const LARGEST_DILATION: usize = 1 << 12;

/// The convolution stack (`docs/model.md`, section 8.2).
#[derive(Debug)]
pub(crate) struct SeaNet {
    layers: Vec<Layer>,
}

/// A layer as the checkpoint counts them.
#[derive(Debug)]
enum Layer {
    Conv(CausalConv1d),
    Strided(StridedConv1d),
    Residual(ResidualBlock),
    Elu,
}

/// `x + conv2(elu(conv1(elu(x))))`; the second convolution has kernel 1.
#[derive(Debug)]
struct ResidualBlock {
    conv1: CausalConv1d,
    conv2: CausalConv1d,
}

/// What the stack remembers of one signal, by layer.
#[derive(Debug)]
pub(crate) struct SeaNetState(Vec<ConvState>);

fn conv(weights: &Weights, dilation: usize) -> std::result::Result<CausalConv1d, EncoderError> {
    Ok(CausalConv1d::new(&weights.tensor("weight")?, Some(&weights.tensor("bias")?), dilation)?)
}

impl SeaNet {
    pub(crate) fn load(
        c: &CodecEncoderConfig,
        weights: &Weights,
    ) -> std::result::Result<Self, EncoderError> {
        let layer = |index: usize| weights.scope(format!("layers.{index}"));
        let mut layers = vec![Layer::Conv(conv(&layer(0).scope("conv"), 1)?)];
        for &stride in c.upsampling_ratios.iter().rev() {
            for block in 0..c.num_residual_layers {
                let dilation = dilation(c, block)?;
                let block = ResidualBlock::load(&layer(layers.len()), dilation)?;
                layers.push(Layer::Residual(block));
            }
            layers.push(Layer::Elu);
            let weights = layer(layers.len()).scope("conv");
            let (weight, bias) = (weights.tensor("weight")?, weights.tensor("bias")?);
            layers.push(Layer::Strided(StridedConv1d::new(&weight, Some(&bias), stride)?));
        }
        layers.push(Layer::Elu);
        layers.push(Layer::Conv(conv(&layer(layers.len()).scope("conv"), 1)?));
        Ok(Self { layers })
    }

    pub(crate) fn new_state(&self) -> SeaNetState {
        SeaNetState(self.layers.iter().map(|_| ConvState::default()).collect())
    }

    /// Samples `[1, time]` to `[channels, ceil(time / product of the strides)]`. A
    /// piece whose length is not a multiple of that product has to be the last.
    pub(crate) fn forward(
        &self,
        samples: &Tensor,
        state: &mut SeaNetState,
        tap: &mut Tap<'_>,
    ) -> Result<Tensor> {
        let mut x = samples.clone();
        for (i, (layer, state)) in self.layers.iter().zip(&mut state.0).enumerate() {
            x = match layer {
                Layer::Conv(conv) => conv.forward(&x, state)?,
                Layer::Strided(conv) => conv.forward(&x, state)?,
                Layer::Residual(block) => block.forward(&x, state)?,
                Layer::Elu => x.elu(1.0)?,
            };
            tap(&format!("seanet_layer{i}"), &x)?;
        }
        tap("seanet", &x)?;
        Ok(x)
    }
}

/// The dilation of a residual block, counted from 0 after each stride.
fn dilation(c: &CodecEncoderConfig, block: usize) -> std::result::Result<usize, EncoderError> {
    let dilation = (0..block).fold(1_usize, |d, _| d.saturating_mul(c.dilation_growth_rate));
    if dilation > LARGEST_DILATION {
        return Err(EncoderError::Dilation { block, dilation, limit: LARGEST_DILATION });
    }
    Ok(dilation)
}

impl ResidualBlock {
    fn load(weights: &Weights, dilation: usize) -> std::result::Result<Self, EncoderError> {
        Ok(Self {
            conv1: conv(&weights.scope("block.1.conv"), dilation)?,
            conv2: conv(&weights.scope("block.3.conv"), 1)?,
        })
    }

    fn forward(&self, x: &Tensor, state: &mut ConvState) -> Result<Tensor> {
        let y = self.conv1.forward(&x.elu(1.0)?, state)?;
        let y = self.conv2.forward(&y.elu(1.0)?, &mut ConvState::default())?;
        x + y
    }
}
