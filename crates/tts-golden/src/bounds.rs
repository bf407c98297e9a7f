/// The bound on a stage: the table of `docs/fidelity.md`.
pub(crate) fn bound(stage: &str) -> f64 {
    match stage {
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
