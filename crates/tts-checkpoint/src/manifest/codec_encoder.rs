use super::{Builder, Part};
use crate::config::CodecEncoderConfig;

pub(super) fn list(list: &mut Builder, c: &CodecEncoderConfig) {
    list.part(Part::CodecEncoder);
    list.within("encoder", |list| {
        list.within("encoder", |list| convolutions(list, c));
        list.within("encoder_transformer", |list| transformer(list, c));
        let stride = c.downsample_stride();
        if stride > 1 {
            let shape = [c.hidden_size, c.hidden_size, 2 * stride];
            list.add("downsample.conv.weight", &shape);
        }
        list.within("quantizer", |list| quantizers(list, c));
    });
}

/// Layer numbers count the activations between the convolutions as well.
fn convolutions(list: &mut Builder, c: &CodecEncoderConfig) {
    list.conv("layers.0.conv", c.num_filters, 1, c.kernel_size);
    let (mut layer, mut channels) = (1, c.num_filters);
    for &stride in c.upsampling_ratios.iter().rev() {
        for _ in 0..c.num_residual_layers {
            let inner = channels / c.compress;
            let block = format!("layers.{layer}.block");
            list.conv(&format!("{block}.1.conv"), inner, channels, c.residual_kernel_size);
            list.conv(&format!("{block}.3.conv"), channels, inner, 1);
            layer += 1;
        }
        layer += 1;
        list.conv(&format!("layers.{layer}.conv"), 2 * channels, channels, 2 * stride);
        layer += 1;
        channels *= 2;
    }
    layer += 1;
    list.conv(&format!("layers.{layer}.conv"), c.hidden_size, channels, c.last_kernel_size);
}

fn transformer(list: &mut Builder, c: &CodecEncoderConfig) {
    let (width, queries) = (c.hidden_size, c.num_attention_heads * c.head_dim);
    let keys = c.num_key_value_heads * c.head_dim;
    for i in 0..c.num_hidden_layers {
        list.within(&format!("layers.{i}"), |list| {
            list.with_bias("input_layernorm", &[width], width);
            list.add("self_attn.q_proj.weight", &[queries, width]);
            list.add("self_attn.k_proj.weight", &[keys, width]);
            list.add("self_attn.v_proj.weight", &[keys, width]);
            list.add("self_attn.o_proj.weight", &[width, queries]);
            list.add("self_attn_layer_scale.scale", &[width]);
            list.with_bias("post_attention_layernorm", &[width], width);
            list.add("mlp.fc1.weight", &[c.intermediate_size, width]);
            list.add("mlp.fc2.weight", &[width, c.intermediate_size]);
            list.add("mlp_layer_scale.scale", &[width]);
        });
    }
}

fn quantizers(list: &mut Builder, c: &CodecEncoderConfig) {
    let inner = c.vector_quantization_hidden_dimension;
    let semantic = c.num_semantic_quantizers;
    for (name, levels) in [("semantic", semantic), ("acoustic", c.num_quantizers - semantic)] {
        list.within(&format!("{name}_residual_vector_quantizer"), |list| {
            list.add("input_proj.weight", &[inner, c.hidden_size, 1]);
            list.add("output_proj.weight", &[c.hidden_size, inner, 1]);
            for level in 0..levels {
                list.within(&format!("layers.{level}.codebook"), |list| {
                    list.add("cluster_usage", &[c.codebook_size]);
                    list.add("embed_sum", &[c.codebook_size, c.codebook_dim]);
                    list.add("initialized", &[1]);
                });
            }
        });
    }
}
