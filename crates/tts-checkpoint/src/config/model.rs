use std::collections::BTreeMap;

use serde::Deserialize;

use super::check::Checker;
use crate::error::CheckpointError;

/// `tts_model_type`: what a checkpoint can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Clones a voice from reference audio.
    Base,
    /// Speaks with built-in speakers.
    CustomVoice,
    /// Speaks with a voice described in words.
    VoiceDesign,
}

impl ModelKind {
    /// The value in `config.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::CustomVoice => "custom_voice",
            Self::VoiceDesign => "voice_design",
        }
    }
}

/// `config.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct ModelConfig {
    /// Codec family; this engine implements `qwen3_tts_tokenizer_12hz`.
    pub tokenizer_type: String,
    /// `0b6` or `1b7` in the released files; only decides whether instructions
    /// are dropped.
    pub tts_model_size: String,
    /// What the checkpoint can do.
    pub tts_model_type: ModelKind,
    /// Text id of `<|im_start|>`.
    pub im_start_token_id: u32,
    /// Text id of `<|im_end|>`.
    pub im_end_token_id: u32,
    /// Text id of the filler on the text channel.
    pub tts_pad_token_id: u32,
    /// Text id of the start of text.
    pub tts_bos_token_id: u32,
    /// Text id of the end of text.
    pub tts_eos_token_id: u32,
    /// Text id of `assistant`.
    pub assistant_token_id: Option<u32>,
    /// The talker and, inside it, the code predictor.
    pub talker_config: TalkerConfig,
    /// The speaker encoder; only Base checkpoints have one.
    pub speaker_encoder_config: Option<SpeakerEncoderConfig>,
}

/// `talker_config`.
#[derive(Debug, Clone, Deserialize)]
pub struct TalkerConfig {
    /// Rows of the codec vocabulary: codes, then control, language and speaker ids.
    pub vocab_size: usize,
    /// Model width.
    pub hidden_size: usize,
    /// Width of the gated MLP.
    pub intermediate_size: usize,
    /// Decoder layers.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads.
    pub num_key_value_heads: usize,
    /// Width of one head; unrelated to `hidden_size`.
    pub head_dim: usize,
    /// Activation of the MLP; `silu`.
    pub hidden_act: String,
    /// Positions the model was made for.
    pub max_position_embeddings: usize,
    /// Epsilon of every RMSNorm.
    pub rms_norm_eps: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Multi-stream rotary sections; all streams are equal in practice.
    pub rope_scaling: Option<RopeScaling>,
    /// Biases in attention; false.
    pub attention_bias: bool,
    /// Sliding-window attention; false.
    pub use_sliding_window: bool,
    /// Codebooks of one frame.
    pub num_code_groups: usize,
    /// Width of the text embedding.
    pub text_hidden_size: usize,
    /// Rows of the text embedding.
    pub text_vocab_size: usize,
    /// Codec id of the filler.
    pub codec_pad_id: u32,
    /// Codec id of the start of codes.
    pub codec_bos_id: u32,
    /// Codec id of the end of speech.
    pub codec_eos_token_id: u32,
    /// Codec id that opens a language tag.
    pub codec_think_id: u32,
    /// Codec id that stands for "no language tag".
    pub codec_nothink_id: u32,
    /// Codec id before the language.
    pub codec_think_bos_id: u32,
    /// Codec id after the language.
    pub codec_think_eos_id: u32,
    /// Codec id of each language and dialect, lower-case names.
    pub codec_language_id: BTreeMap<String, u32>,
    /// Codec id of each built-in speaker.
    pub spk_id: BTreeMap<String, u32>,
    /// The dialect a speaker speaks, if any.
    pub spk_is_dialect: BTreeMap<String, Dialect>,
    /// The code predictor.
    pub code_predictor_config: CodePredictorConfig,
}

/// Value of `spk_is_dialect`: `false`, or a key of `codec_language_id`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Dialect {
    /// `false` in the file.
    Flag(bool),
    /// The dialect.
    Named(String),
}

impl Dialect {
    /// The dialect, if there is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Flag(_) => None,
            Self::Named(name) => Some(name),
        }
    }
}

/// `rope_scaling`.
#[derive(Debug, Clone, Deserialize)]
pub struct RopeScaling {
    /// Kind of scaling; `default` means none.
    pub rope_type: String,
    /// Frequencies of the three position streams; they sum to half a head.
    pub mrope_section: Option<Vec<usize>>,
}

/// `talker_config.code_predictor_config`.
#[derive(Debug, Clone, Deserialize)]
pub struct CodePredictorConfig {
    /// Entries of one codebook.
    pub vocab_size: usize,
    /// Model width.
    pub hidden_size: usize,
    /// Width of the gated MLP.
    pub intermediate_size: usize,
    /// Decoder layers.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads.
    pub num_key_value_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Activation of the MLP; `silu`.
    pub hidden_act: String,
    /// Epsilon of every RMSNorm.
    pub rms_norm_eps: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Multi-stream rotary sections; absent here.
    pub rope_scaling: Option<RopeScaling>,
    /// Biases in attention; false.
    pub attention_bias: bool,
    /// Sliding-window attention; false.
    pub use_sliding_window: bool,
    /// Positions the model was made for.
    pub max_position_embeddings: usize,
    /// Codebooks of one frame; the same as the talker's.
    pub num_code_groups: usize,
}

/// `speaker_encoder_config` (ECAPA-TDNN). Released files hold only `enc_dim` and
/// `sample_rate`; the other values are architecture constants there.
#[derive(Debug, Clone, Deserialize)]
pub struct SpeakerEncoderConfig {
    /// Width of the x-vector; the talker's width.
    pub enc_dim: usize,
    /// Sample rate of the reference audio in Hz.
    pub sample_rate: u32,
    /// Mel bands.
    #[serde(default = "ecapa::mel_dim")]
    pub mel_dim: usize,
    /// Channels of each block.
    #[serde(default = "ecapa::channels")]
    pub enc_channels: Vec<usize>,
    /// Kernel of each block.
    #[serde(default = "ecapa::kernel_sizes")]
    pub enc_kernel_sizes: Vec<usize>,
    /// Dilation of each block.
    #[serde(default = "ecapa::dilations")]
    pub enc_dilations: Vec<usize>,
    /// Channels of the attention in the pooling.
    #[serde(default = "ecapa::attention_channels")]
    pub enc_attention_channels: usize,
    /// Groups of a Res2Net block.
    #[serde(default = "ecapa::res2net_scale")]
    pub enc_res2net_scale: usize,
    /// Bottleneck of squeeze and excitation.
    #[serde(default = "ecapa::se_channels")]
    pub enc_se_channels: usize,
}

/// Constants of the released speaker encoder (`docs/model.md`, section 2.6).
mod ecapa {
    pub(super) fn mel_dim() -> usize {
        128
    }
    pub(super) fn channels() -> Vec<usize> {
        vec![512, 512, 512, 512, 1536]
    }
    pub(super) fn kernel_sizes() -> Vec<usize> {
        vec![5, 3, 3, 3, 1]
    }
    pub(super) fn dilations() -> Vec<usize> {
        vec![1, 2, 3, 4, 1]
    }
    pub(super) fn attention_channels() -> usize {
        128
    }
    pub(super) fn res2net_scale() -> usize {
        8
    }
    pub(super) fn se_channels() -> usize {
        128
    }
}

/// The released talker vocabulary ends with this many control rows, which are
/// never sampled except for the end of speech.
const CONTROL_ROWS: usize = 1024;

impl ModelConfig {
    /// Codec ids `codes..vocab_size` are control rows; ids below are codes.
    pub fn code_count(&self) -> usize {
        self.talker_config.vocab_size - CONTROL_ROWS
    }

    /// Whether this checkpoint ignores instructions (small CustomVoice models). As
    /// in the official package, any part of "0b6" counts as small.
    pub fn drops_instruct(&self) -> bool {
        self.tts_model_type == ModelKind::CustomVoice && "0b6".contains(&self.tts_model_size)
    }

    pub(crate) fn check(&self, at: &Checker) -> Result<(), CheckpointError> {
        at.codec_family("tokenizer_type", &self.tokenizer_type)?;
        let t = &self.talker_config;
        let talker = at.within("talker_config");
        t.check(&talker)?;
        for (field, id) in [
            ("im_start_token_id", self.im_start_token_id),
            ("im_end_token_id", self.im_end_token_id),
            ("tts_pad_token_id", self.tts_pad_token_id),
            ("tts_bos_token_id", self.tts_bos_token_id),
            ("tts_eos_token_id", self.tts_eos_token_id),
        ] {
            at.id_below(field, id, t.text_vocab_size, "talker_config.text_vocab_size")?;
        }
        match (&self.speaker_encoder_config, self.tts_model_type) {
            (None, ModelKind::Base) => {
                at.fail("speaker_encoder_config", "missing; a base model needs one")
            }
            (Some(speaker), ModelKind::Base) => {
                speaker.check(&at.within("speaker_encoder_config"), t.hidden_size)
            }
            _ => Ok(()),
        }
    }
}

impl TalkerConfig {
    fn check(&self, at: &Checker) -> Result<(), CheckpointError> {
        at.decoder(&super::check::DecoderDims {
            hidden: self.hidden_size,
            intermediate: self.intermediate_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            kv_heads: self.num_key_value_heads,
            head_dim: self.head_dim,
            eps: self.rms_norm_eps,
            theta: self.rope_theta,
            activation: &self.hidden_act,
            attention_bias: self.attention_bias,
        })?;
        at.is("use_sliding_window", self.use_sliding_window, false)?;
        at.rope_scaling(self.rope_scaling.as_ref(), self.head_dim)?;
        at.size("text_hidden_size", self.text_hidden_size)?;
        at.size("text_vocab_size", self.text_vocab_size)?;
        at.size("max_position_embeddings", self.max_position_embeddings)?;
        at.range("num_code_groups", self.num_code_groups, 2, 256)?;
        at.size("vocab_size", self.vocab_size)?;
        if self.vocab_size <= CONTROL_ROWS {
            return at.fail(
                "vocab_size",
                format!("{}; expected more than the {CONTROL_ROWS} control rows", self.vocab_size),
            );
        }
        for (field, id) in [
            ("codec_pad_id", self.codec_pad_id),
            ("codec_bos_id", self.codec_bos_id),
            ("codec_eos_token_id", self.codec_eos_token_id),
            ("codec_think_id", self.codec_think_id),
            ("codec_nothink_id", self.codec_nothink_id),
            ("codec_think_bos_id", self.codec_think_bos_id),
            ("codec_think_eos_id", self.codec_think_eos_id),
        ] {
            at.id_below(field, id, self.vocab_size, "vocab_size")?;
        }
        for (map, ids) in [("codec_language_id", &self.codec_language_id), ("spk_id", &self.spk_id)]
        {
            for (name, &id) in ids {
                at.within(map).id_below(name, id, self.vocab_size, "vocab_size")?;
            }
        }
        for (speaker, dialect) in &self.spk_is_dialect {
            if let Some(dialect) = dialect.name()
                && !self.codec_language_id.contains_key(dialect)
            {
                let problem = format!("{dialect:?} is not a key of `codec_language_id`");
                return at.within("spk_is_dialect").fail(speaker, problem);
            }
        }
        let predictor = &self.code_predictor_config;
        let inner = at.within("code_predictor_config");
        predictor.check(&inner)?;
        inner.equals(
            "num_code_groups",
            predictor.num_code_groups,
            "talker_config.num_code_groups",
            self.num_code_groups,
        )
    }
}

impl CodePredictorConfig {
    fn check(&self, at: &Checker) -> Result<(), CheckpointError> {
        at.decoder(&super::check::DecoderDims {
            hidden: self.hidden_size,
            intermediate: self.intermediate_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            kv_heads: self.num_key_value_heads,
            head_dim: self.head_dim,
            eps: self.rms_norm_eps,
            theta: self.rope_theta,
            activation: &self.hidden_act,
            attention_bias: self.attention_bias,
        })?;
        at.is("use_sliding_window", self.use_sliding_window, false)?;
        at.rope_scaling(self.rope_scaling.as_ref(), self.head_dim)?;
        at.size("vocab_size", self.vocab_size)
    }
}

impl SpeakerEncoderConfig {
    fn check(&self, at: &Checker, width: usize) -> Result<(), CheckpointError> {
        at.equals("enc_dim", self.enc_dim, "talker_config.hidden_size", width)?;
        at.size("mel_dim", self.mel_dim)?;
        at.size("enc_attention_channels", self.enc_attention_channels)?;
        at.size("enc_se_channels", self.enc_se_channels)?;
        at.range("sample_rate", self.sample_rate as usize, 8_000, 192_000)?;
        let blocks = self.enc_channels.len();
        at.range("enc_channels", blocks, 3, 64)?;
        at.equals("enc_kernel_sizes", self.enc_kernel_sizes.len(), "enc_channels", blocks)?;
        at.equals("enc_dilations", self.enc_dilations.len(), "enc_channels", blocks)?;
        for list in [&self.enc_channels, &self.enc_kernel_sizes, &self.enc_dilations] {
            for &value in list {
                at.size("enc_channels, enc_kernel_sizes, enc_dilations", value)?;
            }
        }
        at.range("enc_res2net_scale", self.enc_res2net_scale, 2, 64)?;
        for &channels in &self.enc_channels[1..blocks - 1] {
            at.divides("enc_channels", channels, "enc_res2net_scale", self.enc_res2net_scale)?;
            // Every inner block adds its input.
            at.equals("enc_channels", channels, "enc_channels[0]", self.enc_channels[0])?;
        }
        Ok(())
    }
}
