//! ECAPA-TDNN as sums over scalars in f64, written for the reader.

use std::collections::HashMap;

use candle_core::{DType, Result, Tensor};
use tts_checkpoint::SpeakerEncoderConfig;

/// One row per channel.
pub(crate) type Signal = Vec<Vec<f64>>;
type Tensors = HashMap<String, Tensor>;

pub(crate) fn signal(tensor: &Tensor) -> Result<Signal> {
    tensor.to_dtype(DType::F64)?.to_vec2()
}

pub(crate) fn rms(x: &Signal) -> f64 {
    let squares = x.iter().flatten().map(|x| x * x);
    (squares.sum::<f64>() / (x.len() * x[0].len()) as f64).sqrt()
}

/// All stages behind the spectrogram by name, and the embedding.
pub(crate) fn stages(
    c: &SpeakerEncoderConfig,
    tensors: &Tensors,
    mel: &Signal,
) -> Vec<(String, Signal)> {
    let conv = |name: &str, dilation: usize, x: &Signal| {
        let name = format!("speaker_encoder.{name}");
        let weight: Vec<Vec<Vec<f64>>> =
            tensors[&format!("{name}.weight")].to_dtype(DType::F64).unwrap().to_vec3().unwrap();
        let bias: Vec<f64> =
            tensors[&format!("{name}.bias")].to_dtype(DType::F64).unwrap().to_vec1().unwrap();
        convolution(&weight, &bias, dilation, x)
    };
    let last = c.enc_channels.len() - 1;
    let mut x = map(&conv("blocks.0.conv", c.enc_dilations[0], mel), relu);
    let mut stages = vec![("block0".to_owned(), x.clone())];
    let mut outputs = Signal::new();
    for block in 1..last {
        let conv = |name: &str, x: &Signal| {
            let dilation = if name.starts_with("res2net") { c.enc_dilations[block] } else { 1 };
            conv(&format!("blocks.{block}.{name}"), dilation, x)
        };
        let y = map(&conv("tdnn1.conv", &x), relu);
        let size = y.len() / c.enc_res2net_scale;
        let mut grouped = Signal::new();
        for (group, input) in y.chunks(size).enumerate() {
            let output = if group == 0 {
                input.to_vec()
            } else {
                let before = &grouped[(group - 1) * size..];
                let input = if group == 1 { input.to_vec() } else { sum(input, before) };
                map(&conv(&format!("res2net_block.blocks.{}.conv", group - 1), &input), relu)
            };
            grouped.extend(output);
        }
        let y = map(&conv("tdnn2.conv", &grouped), relu);
        let means: Signal = y.iter().map(|row| vec![statistics(row, &uniform(row)).0]).collect();
        let hidden = map(&conv("se_block.conv1", &means), relu);
        let gates = map(&conv("se_block.conv2", &hidden), |x| 1.0 / (1.0 + (-x).exp()));
        let scaled: Signal = y
            .iter()
            .zip(&gates)
            .map(|(row, gate)| row.iter().map(|y| y * gate[0]).collect())
            .collect();
        x = sum(&x, &scaled);
        stages.push((format!("block{block}"), x.clone()));
        outputs.extend(x.clone());
    }
    let x = map(&conv("mfa.conv", c.enc_dilations[last], &outputs), relu);
    stages.push(("mfa".to_owned(), x.clone()));

    let (means, deviations): (Vec<f64>, Vec<f64>) =
        x.iter().map(|row| statistics(row, &uniform(row))).unzip();
    let mut context = x.clone();
    context.extend(means.iter().chain(&deviations).map(|&value| vec![value; x[0].len()]));
    let hidden = map(&conv("asp.tdnn.conv", 1, &context), |x| relu(x).tanh());
    let scores = conv("asp.conv", 1, &hidden);
    let (means, deviations): (Vec<f64>, Vec<f64>) =
        x.iter().zip(&scores).map(|(row, scores)| statistics(row, &softmax(scores))).unzip();
    let pooled: Signal = means.iter().chain(&deviations).map(|&value| vec![value]).collect();
    stages.push(("pooling".to_owned(), pooled.clone()));
    stages.push(("embedding".to_owned(), conv("fc", 1, &pooled)));
    stages
}

fn convolution(weight: &[Vec<Vec<f64>>], bias: &[f64], dilation: usize, x: &Signal) -> Signal {
    let (kernel, time) = (weight[0][0].len(), x[0].len());
    let left = (kernel - 1) * dilation / 2;
    let mirrored = |at: usize| {
        let at = at.abs_diff(left);
        if at < time { at } else { 2 * (time - 1) - at }
    };
    let output = |row: &Vec<Vec<f64>>, bias: f64, t: usize| {
        let mut sum = bias;
        for (taps, x) in row.iter().zip(x) {
            for (tap, weight) in taps.iter().enumerate() {
                sum += weight * x[mirrored(t + tap * dilation)];
            }
        }
        sum
    };
    weight
        .iter()
        .zip(bias)
        .map(|(row, &bias)| (0..time).map(|t| output(row, bias, t)).collect())
        .collect()
}

fn map(x: &Signal, f: impl Fn(f64) -> f64) -> Signal {
    x.iter().map(|row| row.iter().map(|&x| f(x)).collect()).collect()
}

fn sum(a: &[Vec<f64>], b: &[Vec<f64>]) -> Signal {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect()).collect()
}

fn relu(x: f64) -> f64 {
    x.max(0.0)
}

fn uniform(row: &[f64]) -> Vec<f64> {
    vec![1.0 / row.len() as f64; row.len()]
}

fn softmax(scores: &[f64]) -> Vec<f64> {
    let largest = scores.iter().copied().fold(f64::MIN, f64::max);
    let exponentials: Vec<f64> = scores.iter().map(|s| (s - largest).exp()).collect();
    let total: f64 = exponentials.iter().sum();
    exponentials.iter().map(|e| e / total).collect()
}

/// Weighted mean and deviation.
fn statistics(row: &[f64], weights: &[f64]) -> (f64, f64) {
    let mean: f64 = row.iter().zip(weights).map(|(x, w)| x * w).sum();
    let variance: f64 = row.iter().zip(weights).map(|(x, w)| (x - mean).powi(2) * w).sum();
    (mean, variance.max(1e-12).sqrt())
}
