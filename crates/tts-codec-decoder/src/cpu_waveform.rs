use candle_core::{Device, Error, Result as TensorResult, Tensor};
use tts_checkpoint::{CodecDecoderConfig, Weights};
use tts_cpu::{Activated, Conv, Outputs, Pool, ShapeError, Signal, Snake, Tail};
use tts_nn::with_values;

use crate::block::{self, DILATIONS};
use crate::error::CodecError;
use crate::stages::Stages;

/// [`Waveform`](crate::waveform::Waveform) with kernels for CPUs: layer by layer over two buffers
/// in turn, and a third for the residual sum.
#[derive(Debug)]
pub(crate) struct CpuWaveform {
    first: Conv,
    layers: Vec<Layer>,
    blocks: usize,
    last: Activation,
}

/// An activation and the convolution behind it.
#[derive(Debug)]
struct Activation {
    snake: Snake,
    conv: Conv,
}

#[derive(Debug)]
struct Layer {
    input: Activation,
    sum: Sum,
    /// The block that ends with this layer.
    ends: Option<usize>,
}

/// What a layer does to the residual sum.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sum {
    Starts,
    Stays,
    Grows,
}

#[derive(Debug)]
pub(crate) struct CpuWaveformState {
    tails: Vec<Tail>,
    input: Signal,
    output: Signal,
    sum: Signal,
}

impl CpuWaveform {
    pub(crate) fn load(c: &CodecDecoderConfig, weights: &Weights) -> Result<Self, CodecError> {
        let blocks = c.upsample_rates.len();
        let mut layers = Vec::with_capacity(blocks * (1 + 2 * DILATIONS.len()));
        // Times of a frame: signals come in whole frames.
        let mut frame = c.upsampling_ratios.iter().product();
        let first = causal(&weights.scope("0.conv"), 1, frame)?;
        for (index, &stride) in c.upsample_rates.iter().enumerate() {
            let block = weights.scope(format!("{}.block", index + 1));
            let conv = transposed(&block.scope("1.conv"), stride)?;
            let input = Activation { snake: snake(&block.scope("0"))?, conv };
            layers.push(Layer { input, sum: Sum::Starts, ends: None });
            frame *= stride;
            for (index, &dilation) in DILATIONS.iter().enumerate() {
                let unit = block.scope(index + 2);
                let conv = causal(&unit.scope("conv1.conv"), dilation, frame)?;
                let input = Activation { snake: snake(&unit.scope("act1"))?, conv };
                layers.push(Layer { input, sum: Sum::Stays, ends: None });
                let conv = causal(&unit.scope("conv2.conv"), 1, frame)?;
                let input = Activation { snake: snake(&unit.scope("act2"))?, conv };
                layers.push(Layer { input, sum: Sum::Grows, ends: None });
            }
            if let Some(layer) = layers.last_mut() {
                layer.ends = Some(index + 1);
            }
        }
        let conv = causal(&weights.scope(format!("{}.conv", blocks + 2)), 1, frame)?;
        Ok(Self {
            first,
            layers,
            blocks,
            last: Activation { snake: snake(&weights.scope(blocks + 1))?, conv },
        })
    }

    pub(crate) fn new_state(&self) -> CpuWaveformState {
        let layers = self.layers.iter().map(|layer| &layer.input.conv);
        let convs = [&self.first].into_iter().chain(layers).chain([&self.last.conv]);
        CpuWaveformState {
            tails: convs.map(Conv::new_tail).collect(),
            input: Signal::new(),
            output: Signal::new(),
            sum: Signal::new(),
        }
    }

    pub(crate) fn forward(
        &self,
        x: &Tensor,
        state: &mut CpuWaveformState,
        stages: &mut Stages<'_, '_>,
    ) -> Result<Tensor, CodecError> {
        let (channels, head) = (x.dim(0)?, self.first.keep());
        with_values(x, |latents| state.input.set(channels, head, latents))??;
        let inputs = self.layers.iter().map(|layer| &layer.input).chain([&self.last]);
        let mut next = inputs.map(Some).chain([None]);
        state.run(0, &self.first, Sum::Starts, next.next().flatten())?;
        stages.show_made("decoder0", || tensor(&state.sum))?;
        for ((index, layer), next) in (1..).zip(&self.layers).zip(&mut next) {
            state.run(index, &layer.input.conv, layer.sum, next)?;
            if let Some(block) = layer.ends {
                stages.show_made(format_args!("decoder{block}"), || tensor(&state.sum))?;
            }
        }
        let last = self.blocks + 1;
        stages.show_made(format_args!("decoder{last}"), || tensor(&state.input))?;
        state.run(self.layers.len() + 1, &self.last.conv, Sum::Starts, None)?;
        stages.show_made(format_args!("decoder{}", last + 1), || tensor(&state.sum))?;
        let samples = state.sum.to_vec().into_iter().map(|sample| sample.clamp(-1.0, 1.0));
        Ok(Tensor::from_iter(samples, &Device::Cpu)?)
    }
}

impl CpuWaveformState {
    /// The convolution with the tail of this index, up to the activation in front of the next.
    fn run(
        &mut self,
        index: usize,
        conv: &Conv,
        sum: Sum,
        next: Option<&Activation>,
    ) -> Result<(), ShapeError> {
        let Some(tail) = self.tails.get_mut(index) else { return Ok(()) };
        let (input, signal) = (&mut self.input, &mut self.output);
        let outputs = Outputs {
            plain: (sum != Sum::Stays).then_some(&mut self.sum),
            residual: sum == Sum::Grows,
            activated: next.map(|Activation { snake, conv }| Activated {
                snake,
                head: conv.keep(),
                signal,
            }),
        };
        conv.forward(Pool::shared(), input, tail, outputs)?;
        std::mem::swap(&mut self.input, &mut self.output);
        Ok(())
    }
}

fn tensor(signal: &Signal) -> TensorResult<Tensor> {
    Tensor::from_vec(signal.to_vec(), (signal.channels(), signal.time()), &Device::Cpu)
}

fn values(tensor: &Tensor) -> TensorResult<Vec<f32>> {
    with_values(tensor, <[f32]>::to_vec)
}

fn snake(weights: &Weights) -> Result<Snake, CodecError> {
    let snake = block::snake(weights)?;
    Ok(Snake::new(&values(snake.frequency())?, &values(snake.gain())?)?)
}

fn causal(weights: &Weights, dilation: usize, frame: usize) -> Result<Conv, CodecError> {
    conv(weights, |weight, bias| {
        let (inputs, bias) = (weight.dim(1)?, values(bias)?);
        let weight = values(weight)?;
        Conv::causal_in_frames(&weight, &bias, inputs, dilation, frame).map_err(Error::wrap)
    })
}

fn transposed(weights: &Weights, stride: usize) -> Result<Conv, CodecError> {
    conv(weights, |weight, bias| {
        let (inputs, bias) = (weight.dim(0)?, values(bias)?);
        Conv::transposed(&values(weight)?, &bias, inputs, stride).map_err(Error::wrap)
    })
}

fn conv(
    weights: &Weights,
    pack: impl FnOnce(&Tensor, &Tensor) -> TensorResult<Conv>,
) -> Result<Conv, CodecError> {
    tts_nn::packed(weights, "kernel", &["weight", "bias"], |tensors| match tensors {
        [weight, bias] => pack(weight, bias),
        _ => candle_core::bail!("no weight and bias to pack"),
    })
}
