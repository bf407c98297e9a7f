//! Every tensor a configuration implies (`docs/model.md`, section 1.3).

mod codec_decoder;
mod codec_encoder;
mod language_models;
mod speaker_encoder;

use crate::config::{CodecConfig, ModelConfig};

/// The part of a checkpoint a tensor belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Text embedding of the talker.
    TextEmbedding,
    /// The talker, without its text embedding.
    Talker,
    /// The code predictor.
    CodePredictor,
    /// The speaker encoder.
    SpeakerEncoder,
    /// Codes to samples.
    CodecDecoder,
    /// Samples to codes.
    CodecEncoder,
}

impl Part {
    /// Every part, in file order.
    pub const ALL: [Self; 6] = [
        Self::TextEmbedding,
        Self::Talker,
        Self::CodePredictor,
        Self::SpeakerEncoder,
        Self::CodecDecoder,
        Self::CodecEncoder,
    ];

    /// A name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TextEmbedding => "text embedding",
            Self::Talker => "talker",
            Self::CodePredictor => "code predictor",
            Self::SpeakerEncoder => "speaker encoder",
            Self::CodecDecoder => "codec decoder",
            Self::CodecEncoder => "codec encoder",
        }
    }
}

/// A tensor the configuration implies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorSpec {
    /// Its full name in the file.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// What it belongs to.
    pub part: Part,
}

/// The tensors of `model.safetensors`.
pub fn model_tensors(config: &ModelConfig) -> Vec<TensorSpec> {
    let mut list = Builder::new(Part::Talker);
    language_models::list(&mut list, config);
    if let Some(speaker) = &config.speaker_encoder_config {
        speaker_encoder::list(&mut list, speaker);
    }
    list.specs
}

/// The tensors of `speech_tokenizer/model.safetensors`.
pub fn codec_tensors(config: &CodecConfig) -> Vec<TensorSpec> {
    let mut list = Builder::new(Part::CodecDecoder);
    codec_decoder::list(&mut list, &config.decoder_config);
    codec_encoder::list(&mut list, &config.encoder_config);
    list.specs
}

/// Collects specs below a name prefix.
struct Builder {
    specs: Vec<TensorSpec>,
    prefix: String,
    part: Part,
}

impl Builder {
    fn new(part: Part) -> Self {
        Self { specs: Vec::new(), prefix: String::new(), part }
    }

    fn part(&mut self, part: Part) {
        self.part = part;
    }

    fn add(&mut self, name: &str, shape: &[usize]) {
        let name = format!("{}{name}", self.prefix);
        self.specs.push(TensorSpec { name, shape: shape.to_vec(), part: self.part });
    }

    /// `name.weight` and `name.bias`; the bias has the extent of `channels`.
    fn with_bias(&mut self, name: &str, shape: &[usize], channels: usize) {
        self.add(&format!("{name}.weight"), shape);
        self.add(&format!("{name}.bias"), &[channels]);
    }

    /// A linear layer with bias, `[outputs, inputs]`.
    fn linear(&mut self, name: &str, outputs: usize, inputs: usize) {
        self.with_bias(name, &[outputs, inputs], outputs);
    }

    /// A convolution with bias, `[outputs, inputs, kernel]`.
    fn conv(&mut self, name: &str, outputs: usize, inputs: usize, kernel: usize) {
        self.with_bias(name, &[outputs, inputs, kernel], outputs);
    }

    /// Adds what `fill` lists under `prefix.`.
    fn within(&mut self, prefix: &str, fill: impl FnOnce(&mut Self)) {
        let length = self.prefix.len();
        self.prefix += prefix;
        self.prefix.push('.');
        fill(self);
        self.prefix.truncate(length);
    }
}

/// The dimensions of a decoder layer, shared by all three decoders.
struct LayerDims {
    hidden: usize,
    intermediate: usize,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
}

impl LayerDims {
    /// Projections, norms and MLP of one pre-norm decoder layer.
    fn list(&self, list: &mut Builder) {
        let (queries, keys) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        list.add("input_layernorm.weight", &[self.hidden]);
        list.add("self_attn.q_proj.weight", &[queries, self.hidden]);
        list.add("self_attn.k_proj.weight", &[keys, self.hidden]);
        list.add("self_attn.v_proj.weight", &[keys, self.hidden]);
        list.add("self_attn.o_proj.weight", &[self.hidden, queries]);
        list.add("post_attention_layernorm.weight", &[self.hidden]);
        list.add("mlp.gate_proj.weight", &[self.intermediate, self.hidden]);
        list.add("mlp.up_proj.weight", &[self.intermediate, self.hidden]);
        list.add("mlp.down_proj.weight", &[self.hidden, self.intermediate]);
    }
}

#[cfg(test)]
mod tests;
