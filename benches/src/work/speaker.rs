use tts_checkpoint::SpeakerEncoderConfig;

use super::{StageWork, Work};

/// The network of the speaker encoder over `time` mel frames. The mel front-end is
/// not in it.
pub fn x_vector(config: &SpeakerEncoderConfig, time: usize) -> StageWork {
    let c = config;
    let kernel = |block: usize| c.enc_kernel_sizes.get(block).copied().unwrap_or(1);
    let first = c.enc_channels.first().copied().unwrap_or_default();
    let last = c.enc_channels.len().saturating_sub(1);
    let wide = c.enc_channels.get(last).copied().unwrap_or_default();
    let inner = c.enc_channels.get(1..last).unwrap_or_default();
    let blocks = c.enc_channels.iter().zip(inner).enumerate().map(|(i, (&inputs, &channels))| {
        let group = channels / c.enc_res2net_scale;
        Work::matrix(channels, inputs, time)
            + Work::conv(group, group, kernel(i + 1), time) * (c.enc_res2net_scale - 1)
            + Work::matrix(channels, channels, time)
            + Work::matrix(c.enc_se_channels, channels, 1) * 2
    });
    // Mean and deviation of the whole input are the same at every step.
    let hidden = c.enc_attention_channels;
    let pooling = Work::matrix(hidden, wide, time)
        + Work::matrix(hidden, 2 * wide, 1)
        + Work::matrix(wide, hidden, time);
    StageWork::new([
        ("first convolution", Work::conv(first, c.mel_dim, kernel(0), time)),
        ("blocks", blocks.sum()),
        ("aggregation", Work::conv(wide, inner.iter().sum(), kernel(last), time)),
        ("pooling", pooling),
        ("projection", Work::matrix(c.enc_dim, 2 * wide, 1)),
    ])
}
