use candle_core::{Result, Tensor};
use tts_checkpoint::{CodecDecoderConfig, Weights};
use tts_nn::{CausalConv1d, ConvState, SnakeBeta};

use crate::block::{self, Block, BlockState};
use crate::error::CodecError;
use crate::stages::Stages;

/// [`Waveform`](crate::waveform::Waveform) with the operations of the tensor library.
#[derive(Debug)]
pub(crate) struct TensorWaveform {
    first_conv: CausalConv1d,
    blocks: Vec<Block>,
    last_snake: SnakeBeta,
    last_conv: CausalConv1d,
}

#[derive(Debug)]
pub(crate) struct TensorWaveformState {
    first_conv: ConvState,
    blocks: Vec<BlockState>,
    last_conv: ConvState,
}

impl TensorWaveform {
    pub(crate) fn load(
        c: &CodecDecoderConfig,
        weights: &Weights,
    ) -> std::result::Result<Self, CodecError> {
        let last = c.upsample_rates.len() + 1;
        Ok(Self {
            first_conv: block::conv(&weights.scope("0.conv"), 1)?,
            blocks: (c.upsample_rates.iter().enumerate())
                .map(|(i, &stride)| Block::load(stride, &weights.scope(format!("{}.block", i + 1))))
                .collect::<std::result::Result<_, _>>()?,
            last_snake: block::snake(&weights.scope(last))?,
            last_conv: block::conv(&weights.scope(format!("{}.conv", last + 1)), 1)?,
        })
    }

    pub(crate) fn new_state(&self) -> TensorWaveformState {
        TensorWaveformState {
            first_conv: ConvState::default(),
            blocks: self.blocks.iter().map(|_| BlockState::default()).collect(),
            last_conv: ConvState::default(),
        }
    }

    pub(crate) fn forward(
        &self,
        x: &Tensor,
        state: &mut TensorWaveformState,
        stages: &mut Stages<'_, '_>,
    ) -> Result<Tensor> {
        let mut x = self.first_conv.forward(x, &mut state.first_conv)?;
        stages.show("decoder0", &x)?;
        for (i, (block, state)) in self.blocks.iter().zip(&mut state.blocks).enumerate() {
            x = block.forward(&x, state)?;
            stages.show(format_args!("decoder{}", i + 1), &x)?;
        }
        let last = self.blocks.len() + 1;
        x = self.last_snake.forward(&x)?;
        stages.show(format_args!("decoder{last}"), &x)?;
        x = self.last_conv.forward(&x, &mut state.last_conv)?;
        stages.show(format_args!("decoder{}", last + 1), &x)?;
        x.clamp(-1_f32, 1_f32)?.flatten_all()
    }
}
