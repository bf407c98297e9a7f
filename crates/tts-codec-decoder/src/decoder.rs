use candle_core::{DType, Device, Result as TensorResult, Tensor};
use tts_checkpoint::{CodecConfig, CodecDecoderConfig, Weights};
use tts_nn::{
    Bits, Blocks, CausalConv1d, ConvState, Decoder, DecoderConfig, DecoderState, Linear, can_wait,
};
use tts_profiling::{SyncClass, gpu_sync};

use crate::block;
use crate::error::CodecError;
use crate::quantizer::SplitQuantizer;
use crate::stages::Stages;
use crate::upsample::{Upsample, UpsampleState};
use crate::waveform::{Waveform, WaveformState};

/// Sees the output of a stage: its name and `[channels, time]`, or
/// `[time, channels]` inside the transformer.
pub type Tap<'a> = dyn FnMut(&str, &Tensor) -> TensorResult<()> + 'a;

/// Frames that go through the layers together; bounds the memory of a push.
const FRAMES_AT_ONCE: usize = 32;

/// The decoder of a codec.
#[derive(Debug)]
pub struct CodecDecoder {
    quantizer: SplitQuantizer,
    pre_conv: CausalConv1d,
    transformer_in: Linear,
    transformer: Decoder,
    transformer_out: Linear,
    upsamples: Vec<Upsample>,
    waveform: Waveform,
    samples_per_frame: usize,
    sample_rate: u32,
    device: Device,
}

/// Everything the decoder remembers of one signal.
#[derive(Debug)]
pub struct CodecState {
    pre_conv: ConvState,
    transformer: DecoderState,
    upsamples: Vec<UpsampleState>,
    waveform: WaveformState,
}

impl CodecDecoder {
    /// Loads the decoder from the weights of a codec.
    ///
    /// # Errors
    /// If a weight is not finite or does not fit on the device.
    pub fn load(config: &CodecConfig, weights: &Weights) -> Result<Self, CodecError> {
        let c = &config.decoder_config;
        let root = weights.scope("decoder");
        let transformer = root.scope("pre_transformer");
        let linear = |name: &str| -> Result<Linear, CodecError> {
            Linear::in_pieces(&transformer.scope(name), &["weight"], Some("bias"))
        };
        Ok(Self {
            quantizer: SplitQuantizer::load(c, &root.scope("quantizer"))?,
            pre_conv: block::conv(&root.scope("pre_conv.conv"), 1)?,
            transformer_in: linear("input_proj")?,
            transformer: Decoder::load::<CodecError>(
                Bits::Stored,
                decoder_config(c),
                &transformer,
            )?,
            transformer_out: linear("output_proj")?,
            upsamples: (c.upsampling_ratios.iter().enumerate())
                .map(|(i, &stride)| Upsample::load(stride, &root.scope(format!("upsample.{i}"))))
                .collect::<Result<_, _>>()?,
            waveform: Waveform::load(c, &root.scope("decoder"))?,
            samples_per_frame: config.decode_upsample_rate,
            sample_rate: config.output_sample_rate,
            device: weights.device().clone(),
        })
    }

    /// Samples of one frame.
    pub fn samples_per_frame(&self) -> usize {
        self.samples_per_frame
    }

    /// Sample rate of the output in Hz.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// The state at the start of a signal.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn new_state(&self) -> Result<CodecState, CodecError> {
        Ok(CodecState {
            pre_conv: ConvState::default(),
            transformer: self.transformer.new_state(0, DType::F32, &self.device)?,
            upsamples: self.upsamples.iter().map(|_| UpsampleState::default()).collect(),
            waveform: self.waveform.new_state()?,
        })
    }

    /// Continues a signal by some frames and returns their samples in [-1, 1],
    /// [`samples_per_frame`](Self::samples_per_frame) each.
    ///
    /// # Errors
    /// If a frame has the wrong width or a code is not in its codebook; nothing
    /// of the push has been decoded then.
    pub fn push<F: AsRef<[u32]>>(
        &self,
        frames: &[F],
        state: &mut CodecState,
    ) -> Result<Vec<f32>, CodecError> {
        self.quantizer.check(frames)?;
        let mut samples = Vec::with_capacity(frames.len() * self.samples_per_frame);
        for frames in frames.chunks(FRAMES_AT_ONCE) {
            let wave = self.forward(frames, state, &mut Stages::unseen())?;
            can_wait("codec_decoder.samples")?;
            gpu_sync!("codec_decoder.samples", SyncClass::PerChunk);
            samples.extend(wave.to_vec1::<f32>()?);
        }
        Ok(samples)
    }

    /// As [`CodecDecoder::push`], in one piece; `tap` sees every stage.
    ///
    /// # Errors
    /// Those of [`CodecDecoder::push`], and of `tap`.
    pub fn push_with<F: AsRef<[u32]>>(
        &self,
        frames: &[F],
        state: &mut CodecState,
        tap: &mut Tap<'_>,
    ) -> Result<Vec<f32>, CodecError> {
        self.quantizer.check(frames)?;
        let wave = self.forward(frames, state, &mut Stages::seen_by(tap))?;
        can_wait("codec_decoder.samples_with_stages")?;
        gpu_sync!("codec_decoder.samples_with_stages", SyncClass::PerChunk);
        Ok(wave.to_vec1::<f32>()?)
    }

    /// Checked frames to samples `[time]`.
    fn forward<F: AsRef<[u32]>>(
        &self,
        frames: &[F],
        state: &mut CodecState,
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

fn decoder_config(c: &CodecDecoderConfig) -> DecoderConfig {
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

#[cfg(test)]
mod tests {
    use tts_checkpoint::{Checkpoint, ModelFiles};

    use super::*;
    use crate::tensor_waveform::TensorWaveform;

    #[test]
    fn kernels_agree_with_tensors() {
        let checkpoint = Checkpoint::open(ModelFiles::Embedded(tts_fixture::FILES)).unwrap();
        let weights = checkpoint.codec_weights(&Device::Cpu);
        let mut codec = CodecDecoder::load(&checkpoint.codec, &weights).unwrap();
        let frames: Vec<Vec<u32>> =
            (0..50).map(|f| (0..16).map(|k| (f * 7 + k * 3) % 32).collect()).collect();
        let decode = |codec: &CodecDecoder| codec.push(&frames, &mut codec.new_state()?);
        let kernels = decode(&codec).unwrap();
        let config = &checkpoint.codec.decoder_config;
        let tensors = TensorWaveform::load(config, &weights.scope("decoder.decoder")).unwrap();
        let mut foreign = codec.new_state().unwrap();
        codec.waveform = Waveform::Tensors(tensors);
        let tensors = decode(&codec).unwrap();
        assert_eq!(kernels.len(), frames.len() * codec.samples_per_frame());
        let differences = kernels.iter().zip(&tensors).map(|(a, b)| (a - b).abs());
        let worst = differences.fold(0.0, f32::max);
        let loudest = kernels.iter().fold(0_f32, |loudest, x| loudest.max(x.abs()));
        assert!(loudest > 0.01 && worst <= 1e-4, "{worst:e} of {loudest}");
        assert!(matches!(codec.push(&frames, &mut foreign), Err(CodecError::ForeignState)));
    }
}
