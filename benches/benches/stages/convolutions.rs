use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use tts_checkpoint::CodecDecoderConfig;
use tts_cpu::{Activated, Conv, Outputs, Pool, Signal, Snake};

use crate::shapes::{Shapes, group, wave};

/// Frames of a push.
const FRAMES: usize = 4;

struct Layer {
    name: String,
    inputs: usize,
    outputs: usize,
    kernel: usize,
    /// Of a transposed convolution.
    stride: Option<usize>,
    /// Times of the input.
    time: usize,
}

/// The convolutions of the codec decoder, one of each shape, with the activation behind them.
pub(crate) fn convolutions(criterion: &mut Criterion) {
    let mut group = group(criterion, "convolutions by FLOP");
    for &shapes in Shapes::all() {
        let checkpoint = shapes.custom_voice();
        shapes.tune(&mut group);
        for layer in layers(&checkpoint.codec.decoder_config) {
            let work = layer.inputs * layer.outputs * layer.kernel * layer.time;
            group.throughput(Throughput::Elements(2 * work as u64));
            group.bench_function(BenchmarkId::new(shapes.name(), &layer.name), |bencher| {
                let conv = layer.conv();
                let ones = vec![1.0; layer.outputs];
                let snake = Snake::new(&ones, &ones).unwrap();
                let mut input = Signal::new();
                input.set(layer.inputs, conv.keep(), &wave(layer.inputs * layer.time)).unwrap();
                let (mut tail, mut output) = (conv.new_tail(), Signal::new());
                bencher.iter(|| {
                    let activated =
                        Activated { snake: &snake, head: 0, signal: black_box(&mut output) };
                    let outputs = Outputs { activated: Some(activated), ..Outputs::default() };
                    conv.forward(Pool::shared(), &mut input, &mut tail, outputs).unwrap();
                });
            });
        }
    }
}

impl Layer {
    fn conv(&self) -> Conv {
        let weight = wave(self.inputs * self.outputs * self.kernel);
        let bias = wave(self.outputs);
        match self.stride {
            None => {
                let frame = self.time / FRAMES;
                Conv::causal_in_frames(&weight, &bias, self.inputs, 9, frame).unwrap()
            }
            Some(stride) => Conv::transposed(&weight, &bias, self.inputs, stride).unwrap(),
        }
    }
}

fn layers(c: &CodecDecoderConfig) -> Vec<Layer> {
    let mut time = FRAMES * c.upsampling_ratios.iter().product::<usize>();
    let mut channels = c.decoder_dim;
    let plain = |name: &str, inputs, outputs, kernel, time| {
        let name = name.to_owned();
        Layer { name, inputs, outputs, kernel, stride: None, time }
    };
    let mut layers = vec![plain("first", c.latent_dim, channels, 7, time)];
    for (block, &stride) in c.upsample_rates.iter().enumerate() {
        let (inputs, outputs) = (channels, channels / 2);
        let name = format!("block {block}, transposed");
        layers.push(Layer {
            name,
            inputs,
            outputs,
            kernel: 2 * stride,
            stride: Some(stride),
            time,
        });
        (channels, time) = (outputs, time * stride);
        for kernel in [7, 1] {
            let name = format!("block {block}, kernel {kernel}");
            layers.push(plain(&name, channels, channels, kernel, time));
        }
    }
    layers.push(plain("last", channels, 1, 7, time));
    layers
}
