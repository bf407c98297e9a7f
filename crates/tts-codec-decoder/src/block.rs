use candle_core::{Result, Tensor};
use tts_checkpoint::Weights;
use tts_nn::{CausalConv1d, CausalConvTranspose1d, ConvState, SnakeBeta};

use crate::error::CodecError;

/// Dilations of the residual units of every block.
pub(crate) const DILATIONS: [usize; 3] = [1, 3, 9];

/// Snake, transposed convolution, three residual units (`docs/model.md`,
/// section 7.6).
#[derive(Debug)]
pub(crate) struct Block {
    snake: SnakeBeta,
    conv: CausalConvTranspose1d,
    units: Vec<ResidualUnit>,
}

#[derive(Debug)]
struct ResidualUnit {
    snake1: SnakeBeta,
    conv1: CausalConv1d,
    snake2: SnakeBeta,
    conv2: CausalConv1d,
}

#[derive(Debug, Default)]
pub(crate) struct BlockState {
    conv: ConvState,
    units: [ConvState; DILATIONS.len()],
}

pub(crate) fn snake(weights: &Weights) -> std::result::Result<SnakeBeta, CodecError> {
    Ok(SnakeBeta::new(&weights.tensor("alpha")?, &weights.tensor("beta")?)?)
}

pub(crate) fn conv(
    weights: &Weights,
    dilation: usize,
) -> std::result::Result<CausalConv1d, CodecError> {
    Ok(CausalConv1d::new(&weights.tensor("weight")?, Some(&weights.tensor("bias")?), dilation)?)
}

impl Block {
    pub(crate) fn load(stride: usize, weights: &Weights) -> std::result::Result<Self, CodecError> {
        let transposed = weights.scope("1.conv");
        let units = DILATIONS
            .iter()
            .enumerate()
            .map(|(i, &dilation)| {
                let unit = weights.scope(i + 2);
                Ok(ResidualUnit {
                    snake1: snake(&unit.scope("act1"))?,
                    conv1: conv(&unit.scope("conv1.conv"), dilation)?,
                    snake2: snake(&unit.scope("act2"))?,
                    conv2: conv(&unit.scope("conv2.conv"), 1)?,
                })
            })
            .collect::<std::result::Result<_, CodecError>>()?;
        Ok(Self {
            snake: snake(&weights.scope("0"))?,
            conv: CausalConvTranspose1d::new(
                &transposed.tensor("weight")?,
                &transposed.tensor("bias")?,
                stride,
            )?,
            units,
        })
    }

    /// `[channels, time]` to `[channels / 2, time * stride]`.
    pub(crate) fn forward(&self, x: &Tensor, state: &mut BlockState) -> Result<Tensor> {
        let mut x = self.conv.forward(&self.snake.forward(x)?, &mut state.conv)?;
        for (unit, state) in self.units.iter().zip(&mut state.units) {
            let y = unit.conv1.forward(&unit.snake1.forward(&x)?, state)?;
            let y = unit.conv2.forward(&unit.snake2.forward(&y)?, &mut ConvState::default())?;
            x = (x + y)?;
        }
        Ok(x)
    }
}
