use tts_checkpoint::CodecDecoderConfig;

use super::{Decoder, StageWork, Work};

// What the released architecture fixes.
const PRE_CONV_KERNEL: usize = 3;
const KERNEL: usize = 7;
const CONVNEXT_EXPANSION: usize = 4;
const RESIDUAL_UNITS: usize = 3;

/// `frames` frames through the codec decoder in one pass, far enough into a signal
/// that the attention window is full.
pub fn codec_decode(config: &CodecDecoderConfig, frames: usize) -> StageWork {
    let c = config;
    let vector = c.codebook_dim / 2;
    let quantizers = Work::matrix(c.codebook_dim, vector, frames) * 2;
    let decoder = Decoder {
        layers: c.num_hidden_layers,
        hidden: c.hidden_size,
        intermediate: c.intermediate_size,
        heads: c.num_attention_heads,
        kv_heads: c.num_key_value_heads,
        head_dim: c.head_dim,
    };
    let around = Work::matrix(c.hidden_size, c.latent_dim, frames) * 2;
    let attention = decoder.attention(frames, c.sliding_window + frames, c.sliding_window);
    let (upsampling, time) = upsampling(c, frames);
    let blocks = Blocks::of(c, time);
    StageWork::new([
        ("quantisers", quantizers),
        ("first convolution", Work::conv(c.latent_dim, c.codebook_dim, PRE_CONV_KERNEL, frames)),
        ("transformer", decoder.projections(frames) + decoder.mlp(3, frames) + around + attention),
        ("upsampling", upsampling),
        ("convolution into blocks", Work::conv(c.decoder_dim, c.latent_dim, KERNEL, time)),
        ("transposed convolutions", blocks.transposed),
        ("residual units", blocks.residual),
        ("last convolution", Work::conv(1, blocks.channels, KERNEL, blocks.time)),
    ])
}

/// The ConvNeXt stages: their work and the time steps behind them.
fn upsampling(c: &CodecDecoderConfig, frames: usize) -> (Work, usize) {
    let (width, wide) = (c.latent_dim, CONVNEXT_EXPANSION * c.latent_dim);
    let mut time = frames;
    let stages = c.upsampling_ratios.iter().map(|&stride| {
        let transposed = Work::conv(width, width, stride, time);
        time *= stride;
        transposed + Work::conv(width, 1, KERNEL, time) + Work::matrix(wide, width, time) * 2
    });
    (stages.sum(), time)
}

/// The convolution blocks from `decoder_dim` channels down.
struct Blocks {
    transposed: Work,
    residual: Work,
    /// Channels and time steps behind the last block.
    channels: usize,
    time: usize,
}

impl Blocks {
    fn of(c: &CodecDecoderConfig, time: usize) -> Self {
        let start = Self {
            transposed: Work::default(),
            residual: Work::default(),
            channels: c.decoder_dim,
            time,
        };
        c.upsample_rates.iter().fold(start, |before, &stride| {
            let (channels, time) = (before.channels / 2, before.time * stride);
            let unit = Work::conv(channels, channels, KERNEL, time)
                + Work::conv(channels, channels, 1, time);
            let transposed = Work::conv(channels, before.channels, 2 * stride, before.time);
            Self {
                transposed: before.transposed + transposed,
                residual: before.residual + unit * RESIDUAL_UNITS,
                channels,
                time,
            }
        })
    }
}

/// Evaluations of the SnakeBeta activation, each of which takes a sine, for `frames`
/// frames.
pub fn snake_evaluations(config: &CodecDecoderConfig, frames: usize) -> u64 {
    let mut channels = config.decoder_dim;
    let mut time = frames * config.upsampling_ratios.iter().product::<usize>();
    let mut count = 0;
    for &stride in &config.upsample_rates {
        count += channels * time;
        (channels, time) = (channels / 2, time * stride);
        count += 2 * RESIDUAL_UNITS * channels * time;
    }
    (count + channels * time) as u64
}
