use super::{Builder, Part};
use crate::config::SpeakerEncoderConfig;

pub(super) fn list(list: &mut Builder, c: &SpeakerEncoderConfig) {
    list.part(Part::SpeakerEncoder);
    let (Some(&first), Some(&last)) = (c.enc_channels.first(), c.enc_channels.last()) else {
        return;
    };
    list.within("speaker_encoder", |list| {
        list.conv("blocks.0.conv", first, c.mel_dim, c.enc_kernel_sizes[0]);
        let inner = 1..c.enc_channels.len() - 1;
        let pooled: usize = c.enc_channels[inner.clone()].iter().sum();
        for i in inner {
            let (inputs, channels) = (c.enc_channels[i - 1], c.enc_channels[i]);
            list.within(&format!("blocks.{i}"), |list| {
                list.conv("tdnn1.conv", channels, inputs, 1);
                let group = channels / c.enc_res2net_scale;
                for j in 0..c.enc_res2net_scale - 1 {
                    let name = format!("res2net_block.blocks.{j}.conv");
                    list.conv(&name, group, group, c.enc_kernel_sizes[i]);
                }
                list.conv("tdnn2.conv", channels, channels, 1);
                list.conv("se_block.conv1", c.enc_se_channels, channels, 1);
                list.conv("se_block.conv2", channels, c.enc_se_channels, 1);
            });
        }
        list.conv("mfa.conv", last, pooled, c.enc_kernel_sizes[c.enc_kernel_sizes.len() - 1]);
        list.conv("asp.tdnn.conv", c.enc_attention_channels, 3 * last, 1);
        list.conv("asp.conv", last, c.enc_attention_channels, 1);
        list.conv("fc", c.enc_dim, 2 * last, 1);
    });
}
