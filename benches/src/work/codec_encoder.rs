use tts_checkpoint::CodecConfig;

use super::{Decoder, StageWork, Work};

/// `frames` frames from the start of a recording through the codec encoder in one
/// pass, in which a position of the transformer sees all before it.
pub fn codec_encode(config: &CodecConfig, frames: usize) -> StageWork {
    let c = &config.encoder_config;
    let stride = c.downsample_stride();
    let positions = frames * stride;
    let convolutions = convolutions(config, positions);
    let decoder = Decoder {
        layers: c.num_hidden_layers,
        hidden: c.hidden_size,
        intermediate: c.intermediate_size,
        heads: c.num_attention_heads,
        kv_heads: c.num_key_value_heads,
        head_dim: c.head_dim,
    };
    let attention = decoder.attention(positions, positions, usize::MAX - positions);
    let downsampling = if stride > 1 {
        Work::conv(c.hidden_size, c.hidden_size, 2 * stride, frames)
    } else {
        Work::default()
    };
    let projected = c.vector_quantization_hidden_dimension;
    let projections = Work::matrix(projected, c.hidden_size, frames) * 2;
    let codebooks = Work::matrix(c.codebook_size, c.codebook_dim, frames);
    StageWork::new([
        ("convolutions", convolutions),
        ("transformer", decoder.projections(positions) + decoder.mlp(2, positions) + attention),
        ("downsampling", downsampling),
        ("quantisers", projections + codebooks * config.encoder_valid_num_quantizers),
    ])
}

/// The convolution stack, whose output has `positions` time steps.
fn convolutions(config: &CodecConfig, positions: usize) -> Work {
    let c = &config.encoder_config;
    let mut time = positions * c.upsampling_ratios.iter().product::<usize>();
    let mut channels = c.num_filters;
    let mut work = Work::conv(channels, 1, c.kernel_size, time);
    for &stride in c.upsampling_ratios.iter().rev() {
        let inner = channels / c.compress;
        let block = Work::conv(inner, channels, c.residual_kernel_size, time)
            + Work::conv(channels, inner, 1, time);
        time /= stride;
        work = work
            + block * c.num_residual_layers
            + Work::conv(2 * channels, channels, 2 * stride, time);
        channels *= 2;
    }
    work + Work::conv(c.hidden_size, channels, c.last_kernel_size, time)
}
