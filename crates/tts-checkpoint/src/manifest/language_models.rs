use super::{Builder, LayerDims, Part};
use crate::config::{CodePredictorConfig, ModelConfig, TalkerConfig};

pub(super) fn list(list: &mut Builder, config: &ModelConfig) {
    list.within("talker", |list| {
        let talker = &config.talker_config;
        self::talker(list, talker);
        list.part(Part::CodePredictor);
        list.within("code_predictor", |list| {
            code_predictor(list, &talker.code_predictor_config, talker.hidden_size);
        });
    });
}

fn talker(list: &mut Builder, c: &TalkerConfig) {
    list.part(Part::TextEmbedding);
    list.add("model.text_embedding.weight", &[c.text_vocab_size, c.text_hidden_size]);
    list.part(Part::Talker);
    list.add("model.codec_embedding.weight", &[c.vocab_size, c.hidden_size]);
    list.linear("text_projection.linear_fc1", c.text_hidden_size, c.text_hidden_size);
    list.linear("text_projection.linear_fc2", c.hidden_size, c.text_hidden_size);
    let dims = LayerDims {
        hidden: c.hidden_size,
        intermediate: c.intermediate_size,
        heads: c.num_attention_heads,
        kv_heads: c.num_key_value_heads,
        head_dim: c.head_dim,
    };
    layers(list, &dims, c.num_hidden_layers);
    list.add("model.norm.weight", &[c.hidden_size]);
    list.add("codec_head.weight", &[c.vocab_size, c.hidden_size]);
}

fn code_predictor(list: &mut Builder, c: &CodePredictorConfig, talker_width: usize) {
    for k in 0..c.num_code_groups - 1 {
        let shape = [c.vocab_size, talker_width];
        list.add(&format!("model.codec_embedding.{k}.weight"), &shape);
        list.add(&format!("lm_head.{k}.weight"), &[c.vocab_size, c.hidden_size]);
    }
    if c.hidden_size != talker_width {
        list.linear("small_to_mtp_projection", c.hidden_size, talker_width);
    }
    let dims = LayerDims {
        hidden: c.hidden_size,
        intermediate: c.intermediate_size,
        heads: c.num_attention_heads,
        kv_heads: c.num_key_value_heads,
        head_dim: c.head_dim,
    };
    layers(list, &dims, c.num_hidden_layers);
    list.add("model.norm.weight", &[c.hidden_size]);
}

fn layers(list: &mut Builder, dims: &LayerDims, count: usize) {
    for i in 0..count {
        list.within(&format!("model.layers.{i}"), |list| {
            dims.list(list);
            list.add("self_attn.q_norm.weight", &[dims.head_dim]);
            list.add("self_attn.k_norm.weight", &[dims.head_dim]);
        });
    }
}
