use candle_core::{Result, Tensor};
use tts_checkpoint::Weights;

use crate::conv;
use crate::error::SpeakerError;

/// The variance of a constant channel, before the root.
const VARIANCE_FLOOR: f32 = 1e-12;
/// Channels that are pooled together; bounds the memory of a long recording.
const CHANNELS_AT_ONCE: usize = 64;

/// Attentive statistics pooling: mean and deviation over time under weights that
/// the network chooses per channel (`docs/model.md`, section 9.3).
#[derive(Debug)]
pub(crate) struct AttentiveStatisticsPooling {
    /// `[hidden, channels]`, for the input itself.
    input_weight: Tensor,
    /// `[hidden, 2 * channels]`, for mean and deviation of the whole input.
    context_weight: Tensor,
    /// `[hidden, 1]`.
    hidden_bias: Tensor,
    /// `[channels, hidden]`.
    score_weight: Tensor,
    /// `[channels, 1]`.
    score_bias: Tensor,
}

impl AttentiveStatisticsPooling {
    pub(crate) fn load(weights: &Weights) -> std::result::Result<Self, SpeakerError> {
        let (hidden_weight, hidden_bias) = conv::tensors(&weights.scope("tdnn.conv"))?;
        let (score_weight, score_bias) = conv::tensors(&weights.scope("conv"))?;
        let hidden_weight = hidden_weight.squeeze(2)?;
        let channels = score_weight.dim(0)?;
        Ok(Self {
            input_weight: hidden_weight.narrow(1, 0, channels)?.contiguous()?,
            context_weight: hidden_weight.narrow(1, channels, 2 * channels)?.contiguous()?,
            hidden_bias: hidden_bias.unsqueeze(1)?,
            score_weight: score_weight.squeeze(2)?,
            score_bias: score_bias.unsqueeze(1)?,
        })
    }

    /// `[channels, time]` to `[2 * channels, 1]`: means, then deviations.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (channels, time) = x.dims2()?;
        let uniform = Tensor::full(1.0 / time as f32, (1, 1), x.device())?;
        let context = by_channels(channels, |start, count| {
            statistics(&x.narrow(0, start, count)?, &uniform)
        })?;
        // The context is the same at every step, so it acts as a bias.
        let bias = (self.context_weight.matmul(&context)? + &self.hidden_bias)?;
        let hidden = self.input_weight.matmul(x)?.broadcast_add(&bias)?.relu()?.tanh()?;
        by_channels(channels, |start, count| {
            let scores = self.score_weight.narrow(0, start, count)?.matmul(&hidden)?;
            let scores = scores.broadcast_add(&self.score_bias.narrow(0, start, count)?)?;
            statistics(&x.narrow(0, start, count)?, &softmax(&scores)?)
        })
    }
}

/// Statistics of all channels, some at a time, `[2 * channels, 1]`.
fn by_channels(
    channels: usize,
    mut statistics: impl FnMut(usize, usize) -> Result<(Tensor, Tensor)>,
) -> Result<Tensor> {
    let (mut means, mut deviations) = (Vec::new(), Vec::new());
    for start in (0..channels).step_by(CHANNELS_AT_ONCE) {
        let (mean, deviation) = statistics(start, CHANNELS_AT_ONCE.min(channels - start))?;
        means.push(mean);
        deviations.push(deviation);
    }
    means.append(&mut deviations);
    Tensor::cat(&means, 0)
}

/// Mean and deviation over time, `[channels, 1]` each, under weights that add up
/// to 1.
fn statistics(x: &Tensor, weights: &Tensor) -> Result<(Tensor, Tensor)> {
    let mean = x.broadcast_mul(weights)?.sum_keepdim(1)?;
    let squares = x.broadcast_sub(&mean)?.sqr()?;
    let variance = squares.broadcast_mul(weights)?.sum_keepdim(1)?;
    Ok((mean, variance.maximum(VARIANCE_FLOOR)?.sqrt()?))
}

/// Softmax over time.
fn softmax(scores: &Tensor) -> Result<Tensor> {
    let exponentials = scores.broadcast_sub(&scores.max_keepdim(1)?)?.exp()?;
    exponentials.broadcast_div(&exponentials.sum_keepdim(1)?)
}
