use tts_checkpoint::{CodePredictorConfig, TalkerConfig};

use super::{Decoder, StageWork, Work};

fn talker(c: &TalkerConfig) -> Decoder {
    Decoder {
        layers: c.num_hidden_layers,
        hidden: c.hidden_size,
        intermediate: c.intermediate_size,
        heads: c.num_attention_heads,
        kv_heads: c.num_key_value_heads,
        head_dim: c.head_dim,
    }
}

fn predictor(c: &CodePredictorConfig) -> Decoder {
    Decoder {
        layers: c.num_hidden_layers,
        hidden: c.hidden_size,
        intermediate: c.intermediate_size,
        heads: c.num_attention_heads,
        kv_heads: c.num_key_value_heads,
        head_dim: c.head_dim,
    }
}

/// A prompt of `positions` positions through the talker in one pass, and the logits
/// of the last one. The text projection is not in it.
pub fn prefill(config: &TalkerConfig, positions: usize) -> StageWork {
    talker_pass(config, positions, positions)
}

/// One step of the talker that sees `context` positions, its own included.
pub fn talker_step(config: &TalkerConfig, context: usize) -> StageWork {
    talker_pass(config, 1, context)
}

fn talker_pass(c: &TalkerConfig, rows: usize, seen: usize) -> StageWork {
    let decoder = talker(c);
    StageWork::new([
        ("projections", decoder.projections(rows)),
        ("attention", decoder.attention(rows, seen, usize::MAX - rows)),
        ("MLP", decoder.mlp(3, rows)),
        ("head", Work::matrix(c.vocab_size, c.hidden_size, 1)),
    ])
}

/// One frame of the code predictor: a pass per codebook but the first. The first
/// pass has two positions, the others one. Weights are counted in every pass, since
/// no cache of a processor holds them all.
pub fn predictor_frame(config: &TalkerConfig) -> StageWork {
    let c = &config.code_predictor_config;
    let decoder = predictor(c);
    let passes = c.num_code_groups - 1;
    let rows = |pass: usize| if pass == 0 { 2 } else { 1 };
    let input = |pass| {
        if c.hidden_size == config.hidden_size {
            Work::default()
        } else {
            Work::matrix(c.hidden_size, config.hidden_size, rows(pass))
        }
    };
    let attention = |pass| decoder.attention(rows(pass), pass + 2, usize::MAX - 2);
    StageWork::new([
        ("input projection", (0..passes).map(input).sum()),
        ("projections", (0..passes).map(|pass| decoder.projections(rows(pass))).sum()),
        ("attention", (0..passes).map(attention).sum()),
        ("MLP", (0..passes).map(|pass| decoder.mlp(3, rows(pass))).sum()),
        ("heads", Work::matrix(c.vocab_size, c.hidden_size, 1) * passes),
    ])
}
