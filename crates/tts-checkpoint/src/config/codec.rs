use serde::Deserialize;

use super::check::{Checker, DecoderDims};
use super::model::{ModelConfig, ModelKind};
use crate::error::CheckpointError;

/// `speech_tokenizer/config.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct CodecConfig {
    /// Codec family; this engine implements `qwen3_tts_tokenizer_12hz`.
    pub model_type: String,
    /// Codebooks the encoder keeps.
    pub encoder_valid_num_quantizers: usize,
    /// Sample rate of the encoder in Hz.
    pub input_sample_rate: u32,
    /// Sample rate of the decoder in Hz.
    pub output_sample_rate: u32,
    /// Samples per frame going in.
    pub encode_downsample_rate: usize,
    /// Samples per frame coming out.
    pub decode_upsample_rate: usize,
    /// Codes to samples.
    pub decoder_config: CodecDecoderConfig,
    /// Samples to codes.
    pub encoder_config: CodecEncoderConfig,
}

/// `decoder_config`.
#[derive(Debug, Clone, Deserialize)]
pub struct CodecDecoderConfig {
    /// Entries of one codebook.
    pub codebook_size: usize,
    /// Width after quantisation; codebook vectors have half of it.
    pub codebook_dim: usize,
    /// Width of the transformer.
    pub hidden_size: usize,
    /// Width around the transformer.
    pub latent_dim: usize,
    /// Width of the gated MLP.
    pub intermediate_size: usize,
    /// Transformer layers.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads.
    pub num_key_value_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Keys a query sees, itself included.
    pub sliding_window: usize,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Epsilon of every RMSNorm.
    pub rms_norm_eps: f64,
    /// Codebooks of one frame.
    pub num_quantizers: usize,
    /// Of these, codebooks of the first (semantic) quantiser.
    pub num_semantic_quantizers: usize,
    /// Strides of the decoder blocks.
    pub upsample_rates: Vec<usize>,
    /// Strides of the transposed convolutions before them.
    pub upsampling_ratios: Vec<usize>,
    /// Channels of the first decoder convolution; halved by every block.
    pub decoder_dim: usize,
    /// Biases in attention; false.
    pub attention_bias: bool,
    /// Activation of the MLP; `silu`.
    pub hidden_act: String,
}

/// `encoder_config` (Mimi).
#[derive(Debug, Clone, Deserialize)]
pub struct CodecEncoderConfig {
    /// Channels of the first convolution; doubled by every stride.
    pub num_filters: usize,
    /// Width of the transformer.
    pub hidden_size: usize,
    /// Strides, used in reverse order.
    pub upsampling_ratios: Vec<usize>,
    /// Kernel of the first convolution.
    pub kernel_size: usize,
    /// Kernel of the last convolution.
    pub last_kernel_size: usize,
    /// Kernel inside residual blocks.
    pub residual_kernel_size: usize,
    /// Residual blocks before each stride.
    pub num_residual_layers: usize,
    /// Dilation growth over them.
    pub dilation_growth_rate: usize,
    /// Bottleneck factor of residual blocks.
    pub compress: usize,
    /// Causal convolutions; true.
    pub use_causal_conv: bool,
    /// Padding of the convolutions; `constant`.
    pub pad_mode: String,
    /// Convolution on the shortcut of residual blocks; false.
    pub use_conv_shortcut: bool,
    /// Transformer layers.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads.
    pub num_key_value_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Width of the MLP.
    pub intermediate_size: usize,
    /// Activation of the MLP; `gelu`.
    pub hidden_act: String,
    /// Epsilon of every LayerNorm.
    pub norm_eps: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Codebooks in the file.
    pub num_quantizers: usize,
    /// Of these, codebooks of the semantic quantiser.
    pub num_semantic_quantizers: usize,
    /// Entries of one codebook.
    pub codebook_size: usize,
    /// Width of a codebook vector.
    pub codebook_dim: usize,
    /// Width inside the quantisers.
    pub vector_quantization_hidden_dimension: usize,
    /// Frames per second.
    #[serde(rename = "_frame_rate", alias = "frame_rate")]
    pub frame_rate: f64,
    /// Sample rate in Hz.
    pub sampling_rate: u32,
}

impl CodecConfig {
    pub(crate) fn check(&self, at: &Checker, model: &ModelConfig) -> Result<(), CheckpointError> {
        at.codec_family("model_type", &self.model_type)?;
        at.range("output_sample_rate", self.output_sample_rate as usize, 1_000, 384_000)?;
        at.range("input_sample_rate", self.input_sample_rate as usize, 1_000, 384_000)?;
        let d = &self.decoder_config;
        let decoder = at.within("decoder_config");
        d.check(&decoder)?;
        at.equals(
            "decode_upsample_rate",
            self.decode_upsample_rate,
            "the product of decoder_config.upsample_rates and upsampling_ratios",
            d.total_upsampling(),
        )?;
        let talker = &model.talker_config;
        decoder.equals(
            "num_quantizers",
            d.num_quantizers,
            "config.json: talker_config.num_code_groups",
            talker.num_code_groups,
        )?;
        let predictor = &talker.code_predictor_config;
        for (field, codes) in [
            ("code_predictor_config.vocab_size", predictor.vocab_size),
            ("vocab_size less the control rows", model.code_count()),
        ] {
            decoder.equals(
                "codebook_size",
                d.codebook_size,
                &format!("config.json: talker_config.{field}"),
                codes,
            )?;
        }
        let (e, encoder) = (&self.encoder_config, at.within("encoder_config"));
        e.check(&encoder)?;
        at.equals(
            "encode_downsample_rate",
            self.encode_downsample_rate,
            "the product of encoder_config.upsampling_ratios and the last stride",
            e.upsampling_ratios.iter().product::<usize>() * e.downsample_stride(),
        )?;
        at.equals(
            "input_sample_rate",
            self.input_sample_rate as usize,
            "encoder_config.sampling_rate",
            e.sampling_rate as usize,
        )?;
        // Only Base models are prompted with codes of the encoder.
        if model.tts_model_type == ModelKind::Base {
            at.equals(
                "encoder_valid_num_quantizers",
                self.encoder_valid_num_quantizers,
                "decoder_config.num_quantizers",
                d.num_quantizers,
            )?;
        }
        at.range("encoder_valid_num_quantizers", self.encoder_valid_num_quantizers, 1, 1024)?;
        at.within("encoder_config").range(
            "num_quantizers",
            self.encoder_config.num_quantizers,
            self.encoder_valid_num_quantizers,
            1024,
        )
    }
}

fn check_strides(at: &Checker, field: &str, strides: &[usize]) -> Result<(), CheckpointError> {
    at.range(field, strides.len(), 1, 16)?;
    strides.iter().try_for_each(|&stride| at.range(field, stride, 1, 1024))?;
    let product = strides.iter().fold(1_usize, |product, &s| product.saturating_mul(s));
    at.size(field, product)
}

impl CodecDecoderConfig {
    /// Samples per frame.
    pub fn total_upsampling(&self) -> usize {
        self.upsample_rates.iter().chain(&self.upsampling_ratios).product()
    }

    fn check(&self, at: &Checker) -> Result<(), CheckpointError> {
        at.decoder(&DecoderDims {
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
        at.size("codebook_size", self.codebook_size)?;
        at.size("codebook_dim", self.codebook_dim)?;
        at.divides("codebook_dim", self.codebook_dim, "the two quantisers", 2)?;
        at.size("latent_dim", self.latent_dim)?;
        at.size("sliding_window", self.sliding_window)?;
        at.range("num_quantizers", self.num_quantizers, 2, 256)?;
        at.range(
            "num_semantic_quantizers",
            self.num_semantic_quantizers,
            1,
            self.num_quantizers - 1,
        )?;
        check_strides(at, "upsample_rates", &self.upsample_rates)?;
        check_strides(at, "upsampling_ratios", &self.upsampling_ratios)?;
        at.size("upsample_rates", self.total_upsampling())?;
        at.size("decoder_dim", self.decoder_dim)?;
        let halvings = 1 << self.upsample_rates.len();
        at.divides("decoder_dim", self.decoder_dim, "2^len(upsample_rates)", halvings)
    }
}

impl CodecEncoderConfig {
    /// Stride from the convolutions' rate to the frame rate.
    pub fn downsample_stride(&self) -> usize {
        let hop: usize = self.upsampling_ratios.iter().product();
        let convolution_rate = (f64::from(self.sampling_rate) / hop as f64).ceil();
        (convolution_rate / self.frame_rate) as usize
    }

    fn check(&self, at: &Checker) -> Result<(), CheckpointError> {
        for (field, value) in [
            ("num_filters", self.num_filters),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("codebook_size", self.codebook_size),
            ("codebook_dim", self.codebook_dim),
            ("vector_quantization_hidden_dimension", self.vector_quantization_hidden_dimension),
        ] {
            at.size(field, value)?;
        }
        for (field, value, high) in [
            ("num_hidden_layers", self.num_hidden_layers, 1024),
            ("num_attention_heads", self.num_attention_heads, 4096),
            ("num_key_value_heads", self.num_key_value_heads, 4096),
            ("head_dim", self.head_dim, 4096),
            ("kernel_size", self.kernel_size, 1024),
            ("last_kernel_size", self.last_kernel_size, 1024),
            ("residual_kernel_size", self.residual_kernel_size, 1024),
            ("num_residual_layers", self.num_residual_layers, 64),
            ("dilation_growth_rate", self.dilation_growth_rate, 64),
            ("compress", self.compress, self.num_filters),
        ] {
            at.range(field, value, 1, high)?;
        }
        let (heads, kv_heads) = (self.num_attention_heads, self.num_key_value_heads);
        at.divides("num_attention_heads", heads, "num_key_value_heads", kv_heads)?;
        at.divides("head_dim", self.head_dim, "the rotary pair", 2)?;
        at.equals(
            "codebook_dim",
            self.codebook_dim,
            "vector_quantization_hidden_dimension",
            self.vector_quantization_hidden_dimension,
        )?;
        at.range("num_semantic_quantizers", self.num_semantic_quantizers, 1, self.num_quantizers)?;
        check_strides(at, "upsampling_ratios", &self.upsampling_ratios)?;
        let widest = self.num_filters.saturating_mul(1 << self.upsampling_ratios.len());
        at.size("num_filters", widest)?;
        at.positive("norm_eps", self.norm_eps)?;
        at.positive("rope_theta", self.rope_theta)?;
        at.positive("_frame_rate", self.frame_rate)?;
        at.range("sampling_rate", self.sampling_rate as usize, 1_000, 384_000)?;
        at.range("_frame_rate", self.downsample_stride(), 1, 64)?;
        at.is("use_causal_conv", self.use_causal_conv, true)?;
        at.is("use_conv_shortcut", self.use_conv_shortcut, false)?;
        at.activation("pad_mode", &self.pad_mode, "constant")?;
        at.activation("hidden_act", &self.hidden_act, "gelu")
    }
}
