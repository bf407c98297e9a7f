use candle_core::{DType, Device, Result as TensorResult, Tensor};
use tts_checkpoint::{CodecDecoderConfig, Weights};
use tts_nn::{Bits, Blocks, CausalConv1d, ConvState, Decoder, DecoderConfig, DecoderState, Linear};

use crate::block;
use crate::error::CodecError;
use crate::quantizer::SplitQuantizer;
use crate::stages::Stages;
use crate::upsample::{Upsample, UpsampleState};
use crate::waveform::{Waveform, WaveformState};

/// All layers of the decoder, on tensors or with kernels for the CPU.
#[derive(Debug)]
pub(crate) struct Layers {
    quantizer: SplitQuantizer,
    pre_conv: CausalConv1d,
    transformer_in: Linear,
    transformer: Decoder,
    transformer_out: Linear,
    upsamples: Vec<Upsample>,
    pub(crate) waveform: Waveform,
    device: Device,
}

#[derive(Debug)]
pub(crate) struct LayersState {
    pre_conv: ConvState,
    transformer: DecoderState,
    upsamples: Vec<UpsampleState>,
    waveform: WaveformState,
}

impl Layers {
    /// From the weights of a decoder.
    pub(crate) fn load(c: &CodecDecoderConfig, weights: &Weights) -> Result<Self, CodecError> {
        let transformer = weights.scope("pre_transformer");
        let linear = |name: &str| -> Result<Linear, CodecError> {
            Linear::in_pieces(&transformer.scope(name), &["weight"], Some("bias"))
        };
        Ok(Self {
            quantizer: SplitQuantizer::load(c, &weights.scope("quantizer"))?,
            pre_conv: block::conv(&weights.scope("pre_conv.conv"), 1)?,
            transformer_in: linear("input_proj")?,
            transformer: Decoder::load::<CodecError>(
                Bits::Stored,
                decoder_config(c),
                &transformer,
            )?,
            transformer_out: linear("output_proj")?,
            upsamples: (c.upsampling_ratios.iter().enumerate())
                .map(|(i, &stride)| Upsample::load(stride, &weights.scope(format!("upsample.{i}"))))
                .collect::<Result<_, _>>()?,
            waveform: Waveform::load(c, &weights.scope("decoder"))?,
            device: weights.device().clone(),
        })
    }

    pub(crate) fn new_state(&self) -> TensorResult<LayersState> {
        Ok(LayersState {
            pre_conv: ConvState::default(),
            transformer: self.transformer.new_state(0, DType::F32, &self.device)?,
            upsamples: self.upsamples.iter().map(|_| UpsampleState::default()).collect(),
            waveform: self.waveform.new_state(),
        })
    }

    /// Checked frames to samples `[time]`.
    pub(crate) fn forward<F: AsRef<[u32]>>(
        &self,
        frames: &[F],
        state: &mut LayersState,
        stages: &mut Stages<'_, '_>,
    ) -> Result<Tensor, CodecError> {
        let quantized = self.quantizer.decode(frames, &self.device, stages)?;
        let x = self.pre_conv.forward(&quantized, &mut state.pre_conv)?;
        stages.show("pre_conv", &x)?;
        let mut x = self.transform(&x, &mut state.transformer, stages)?;
        for (i, (upsample, state)) in self.upsamples.iter().zip(&mut state.upsamples).enumerate() {
            let (conv, output) = upsample.forward(&x, state)?;
            stages.show(format_args!("upsample{i}_conv"), &conv)?;
            stages.show(format_args!("upsample{i}"), &output)?;
            x = output;
        }
        self.waveform.forward(&x, &mut state.waveform, stages)
    }

    /// `[channels, time]` through the transformer to the same shape.
    fn transform(
        &self,
        x: &Tensor,
        state: &mut DecoderState,
        stages: &mut Stages<'_, '_>,
    ) -> TensorResult<Tensor> {
        let x = self.transformer_in.forward(&x.t()?)?;
        stages.show("transformer_in", &x)?;
        let x = self.transformer.forward(&x.unsqueeze(0)?, &mut [state], &mut |layer, x| {
            stages.show(format_args!("transformer_layer{layer}"), &x.squeeze(0)?)
        })?;
        let x = self.transformer_out.forward(&x.squeeze(0)?)?;
        stages.show("transformer_out", &x)?;
        x.t()
    }
}

/// The transformer of a decoder.
pub(crate) fn decoder_config(c: &CodecDecoderConfig) -> DecoderConfig {
    DecoderConfig {
        layers: c.num_hidden_layers,
        heads: c.num_attention_heads,
        kv_heads: c.num_key_value_heads,
        head_dim: c.head_dim,
        intermediate: c.intermediate_size,
        norm_eps: c.rms_norm_eps,
        rope_theta: c.rope_theta,
        window: Some(c.sliding_window),
        head_norms: false,
        layer_scales: true,
        blocks: Blocks::RmsGated,
    }
}
