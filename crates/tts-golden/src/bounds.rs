use tts::Precision;

/// The bound on a stage: the tables of `docs/fidelity.md`. Only language models have another
/// precision than f32.
pub(crate) fn bound(stage: &str, precision: Precision) -> f64 {
    let in_f32 = precision == Precision::F32;
    match stage {
        "prompt_embeds" | "tts_pad_embed" | "trailing_text" if !in_f32 => 5e-2,
        s if s.ends_with("logits") && !in_f32 => 5e-1,
        s if s.ends_with("hidden") && !in_f32 => 2e-1,
        s if s.ends_with("logits") && s.starts_with("frame") => 4e-4,
        s if s.ends_with("logits") || s.ends_with("scores") => 2e-4,
        s if s.ends_with("hidden") => 5e-5,
        s if s.starts_with("wav") => 1e-4,
        s if s.starts_with("stage.decoder") => 2e-4,
        s if s.starts_with("stage.") => 5e-5,
        "mel" => 1e-4,
        "mel_basis" => 1e-6,
        // Embeddings of prompt, steps and trailing text. The hidden state in
        // the predictor's input is one of the talker's.
        s if s.ends_with("predictor_input") => 5e-5,
        _ => 1e-5,
    }
}
