use super::{Builder, LayerDims, Part};
use crate::config::CodecDecoderConfig;

/// Kernels that the released architecture fixes.
const PRE_CONV_KERNEL: usize = 3;
const KERNEL: usize = 7;
const CONVNEXT_EXPANSION: usize = 4;

pub(super) fn list(list: &mut Builder, c: &CodecDecoderConfig) {
    list.part(Part::CodecDecoder);
    list.within("decoder", |list| {
        quantizer(list, c);
        list.conv("pre_conv.conv", c.latent_dim, c.codebook_dim, PRE_CONV_KERNEL);
        transformer(list, c);
        for (i, &stride) in c.upsampling_ratios.iter().enumerate() {
            list.within(&format!("upsample.{i}"), |list| upsample(list, c.latent_dim, stride));
        }
        blocks(list, c);
    });
}

fn quantizer(list: &mut Builder, c: &CodecDecoderConfig) {
    let vector = c.codebook_dim / 2;
    let semantic = c.num_semantic_quantizers;
    for (name, levels) in [("rvq_first", semantic), ("rvq_rest", c.num_quantizers - semantic)] {
        list.within(&format!("quantizer.{name}"), |list| {
            for level in 0..levels {
                let book = format!("vq.layers.{level}._codebook");
                list.add(&format!("{book}.embedding_sum"), &[c.codebook_size, vector]);
                list.add(&format!("{book}.cluster_usage"), &[c.codebook_size]);
            }
            list.add("input_proj.weight", &[vector, c.codebook_dim, 1]);
            list.add("output_proj.weight", &[c.codebook_dim, vector, 1]);
        });
    }
}

fn transformer(list: &mut Builder, c: &CodecDecoderConfig) {
    let dims = LayerDims {
        hidden: c.hidden_size,
        intermediate: c.intermediate_size,
        heads: c.num_attention_heads,
        kv_heads: c.num_key_value_heads,
        head_dim: c.head_dim,
    };
    list.within("pre_transformer", |list| {
        list.linear("input_proj", c.hidden_size, c.latent_dim);
        for i in 0..c.num_hidden_layers {
            list.within(&format!("layers.{i}"), |list| {
                dims.list(list);
                list.add("self_attn_layer_scale.scale", &[c.hidden_size]);
                list.add("mlp_layer_scale.scale", &[c.hidden_size]);
            });
        }
        list.add("norm.weight", &[c.hidden_size]);
        list.linear("output_proj", c.latent_dim, c.hidden_size);
    });
}

fn upsample(list: &mut Builder, width: usize, stride: usize) {
    list.conv("0.conv", width, width, stride);
    list.conv("1.dwconv.conv", width, 1, KERNEL);
    list.with_bias("1.norm", &[width], width);
    list.linear("1.pwconv1", CONVNEXT_EXPANSION * width, width);
    list.linear("1.pwconv2", width, CONVNEXT_EXPANSION * width);
    list.add("1.gamma", &[width]);
}

fn blocks(list: &mut Builder, c: &CodecDecoderConfig) {
    list.conv("decoder.0.conv", c.decoder_dim, c.latent_dim, KERNEL);
    let mut channels = c.decoder_dim;
    for (i, &stride) in c.upsample_rates.iter().enumerate() {
        let (inputs, outputs) = (channels, channels / 2);
        list.within(&format!("decoder.{}.block", i + 1), |list| {
            snake(list, "0", inputs);
            list.with_bias("1.conv", &[inputs, outputs, 2 * stride], outputs);
            for unit in 2..5 {
                list.within(&unit.to_string(), |list| {
                    snake(list, "act1", outputs);
                    list.conv("conv1.conv", outputs, outputs, KERNEL);
                    snake(list, "act2", outputs);
                    list.conv("conv2.conv", outputs, outputs, 1);
                });
            }
        });
        channels = outputs;
    }
    let last = c.upsample_rates.len() + 1;
    snake(list, &format!("decoder.{last}"), channels);
    list.conv(&format!("decoder.{}.conv", last + 1), 1, channels, KERNEL);
}

fn snake(list: &mut Builder, name: &str, channels: usize) {
    list.add(&format!("{name}.alpha"), &[channels]);
    list.add(&format!("{name}.beta"), &[channels]);
}
