use serde::Deserialize;

/// `generation_config.json`: sampling defaults of a checkpoint.
///
/// A missing file or field takes the hard default of the official package.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct GenerationConfig {
    /// Sample codebook 0; otherwise arg-max.
    pub do_sample: bool,
    /// Candidates kept for codebook 0; 0 keeps all.
    pub top_k: usize,
    /// Nucleus kept for codebook 0; 1 keeps all.
    pub top_p: f32,
    /// Temperature of codebook 0.
    pub temperature: f32,
    /// Penalty on codebook-0 tokens drawn before; 1 is off.
    pub repetition_penalty: f32,
    /// Sample the other codebooks; otherwise arg-max.
    pub subtalker_dosample: bool,
    /// Candidates kept for the other codebooks; 0 keeps all.
    pub subtalker_top_k: usize,
    /// Nucleus kept for the other codebooks; 1 keeps all.
    pub subtalker_top_p: f32,
    /// Temperature of the other codebooks.
    pub subtalker_temperature: f32,
    /// Codebook-0 tokens drawn at most; one less is the number of frames.
    pub max_new_tokens: usize,
}

impl Default for GenerationConfig {
    fn default() -> Self {
        Self {
            do_sample: true,
            top_k: 50,
            top_p: 1.0,
            temperature: 0.9,
            repetition_penalty: 1.05,
            subtalker_dosample: true,
            subtalker_top_k: 50,
            subtalker_top_p: 1.0,
            subtalker_temperature: 0.9,
            max_new_tokens: 2048,
        }
    }
}
