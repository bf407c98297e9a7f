use candle_core::{Result, Tensor};
use tts_checkpoint::{CodecDecoderConfig, Weights};
use tts_nn::{Buffer, GpuConv, GpuConvState, SnakeBeta};

use crate::block::{self, DILATIONS};
use crate::error::CodecError;
use crate::stages::Stages;

/// [`Waveform`](crate::waveform::Waveform) with kernels for a GPU: a launch for each convolution,
/// with the activation before it and the sum behind it, in memory that stays.
#[derive(Debug)]
pub(crate) struct GpuWaveform {
    first: GpuConv,
    blocks: Vec<Block>,
    /// Only to be seen: it is a part of `last`.
    last_snake: SnakeBeta,
    last: GpuConv,
    /// The same, with samples in [-1, 1].
    last_limited: GpuConv,
}

#[derive(Debug)]
struct Block {
    input: GpuConv,
    units: Vec<[GpuConv; 2]>,
}

#[derive(Debug)]
pub(crate) struct GpuWaveformState {
    first: GpuConvState,
    /// The input of each block, and the convolutions of its units.
    blocks: Vec<(GpuConvState, Vec<[GpuConvState; 2]>)>,
    last: GpuConvState,
}

impl GpuWaveformState {
    /// Begins another signal.
    pub(crate) fn clear(&self) -> Result<()> {
        self.first.clear()?;
        for (input, units) in &self.blocks {
            input.clear()?;
            units.iter().flatten().try_for_each(GpuConvState::clear)?;
        }
        self.last.clear()
    }
}

impl GpuWaveform {
    pub(crate) fn load(
        c: &CodecDecoderConfig,
        weights: &Weights,
    ) -> std::result::Result<Self, CodecError> {
        let end = c.upsample_rates.len() + 1;
        let last_snake = block::snake(&weights.scope(end))?;
        let last = conv(&weights.scope(format!("{}.conv", end + 1)), 1, Some(last_snake.clone()))?;
        Ok(Self {
            first: conv(&weights.scope("0.conv"), 1, None)?,
            blocks: (c.upsample_rates.iter().enumerate())
                .map(|(i, &stride)| Block::load(stride, &weights.scope(format!("{}.block", i + 1))))
                .collect::<std::result::Result<_, _>>()?,
            last_snake,
            last_limited: last.clone().limited(1.0),
            last,
        })
    }

    pub(crate) fn new_state(&self) -> Result<GpuWaveformState> {
        let units = |block: &Block| -> Result<(GpuConvState, Vec<[GpuConvState; 2]>)> {
            let units = block.units.iter().map(|[conv1, conv2]| {
                Ok::<_, candle_core::Error>([conv1.new_state()?, conv2.new_state()?])
            });
            Ok((block.input.new_state()?, units.collect::<Result<_>>()?))
        };
        Ok(GpuWaveformState {
            first: self.first.new_state()?,
            blocks: self.blocks.iter().map(units).collect::<Result<_>>()?,
            last: self.last.new_state()?,
        })
    }

    /// Numbers that the largest signal between the convolutions has, for every time of the input.
    pub(crate) fn largest(&self) -> Result<usize> {
        let mut largest = self.first.outputs()?;
        let mut times = 1;
        for block in &self.blocks {
            times *= block.input.stride();
            largest = largest.max(block.input.outputs()? * times);
        }
        Ok(largest)
    }

    /// From `x`, `[channels, time]`, to `samples`. The two memories have room for the
    /// [largest](Self::largest) signal.
    pub(crate) fn forward(
        &self,
        x: &Tensor,
        state: &GpuWaveformState,
        memory: [&Buffer; 2],
        samples: &Buffer,
        stages: &mut Stages<'_, '_>,
    ) -> Result<()> {
        let mut time = x.dim(1)?;
        let [mut here, mut there] = memory;
        let mut x = {
            let y = view(here, (self.first.outputs()?, time))?;
            self.first.forward_into(x, &state.first, None, &y)?;
            y
        };
        stages.show("decoder0", &x)?;
        for (i, (block, (input, units))) in self.blocks.iter().zip(&state.blocks).enumerate() {
            time *= block.input.stride();
            let shape = (block.input.outputs()?, time);
            let y = view(there, shape)?;
            block.input.forward_into(&x, input, None, &y)?;
            (here, there) = (there, here);
            x = y;
            let y = view(there, shape)?;
            for ([conv1, conv2], [state1, state2]) in block.units.iter().zip(units) {
                conv1.forward_into(&x, state1, None, &y)?;
                conv2.forward_into(&y, state2, Some(&x), &x)?;
            }
            stages.show(format_args!("decoder{}", i + 1), &x)?;
        }
        let end = self.blocks.len() + 1;
        stages.show_made(format_args!("decoder{end}"), || self.last_snake.forward(&x))?;
        let samples = Buffer::of(samples.reshape((1, time))?)?;
        if !stages.are_seen() {
            return self.last_limited.forward_into(&x, &state.last, None, &samples);
        }
        self.last.forward_into(&x, &state.last, None, &samples)?;
        stages.show(format_args!("decoder{}", end + 1), &samples)?;
        samples.set(&samples.clamp(-1_f32, 1_f32)?)
    }
}

/// The first numbers of a memory, as a signal.
fn view(memory: &Buffer, shape: (usize, usize)) -> Result<Buffer> {
    Buffer::of(memory.narrow(0, 0, shape.0 * shape.1)?.reshape(shape)?)
}

impl Block {
    fn load(stride: usize, weights: &Weights) -> std::result::Result<Self, CodecError> {
        let transposed = weights.scope("1.conv");
        let input = GpuConv::transposed(
            &transposed.tensor("weight")?,
            &transposed.tensor("bias")?,
            stride,
            Some(block::snake(&weights.scope("0"))?),
        )?;
        let units = (DILATIONS.iter().enumerate()).map(|(i, &dilation)| {
            let unit = weights.scope(i + 2);
            let conv = |index: usize, dilation| {
                let snake = block::snake(&unit.scope(format!("act{index}")))?;
                conv(&unit.scope(format!("conv{index}.conv")), dilation, Some(snake))
            };
            Ok::<_, CodecError>([conv(1, dilation)?, conv(2, 1)?])
        });
        Ok(Self { input, units: units.collect::<std::result::Result<_, _>>()? })
    }
}

fn conv(
    weights: &Weights,
    dilation: usize,
    snake: Option<SnakeBeta>,
) -> std::result::Result<GpuConv, CodecError> {
    let (weight, bias) = (weights.tensor("weight")?, weights.tensor("bias")?);
    Ok(GpuConv::new(&weight, &bias, dilation, snake)?)
}
