use candle_core::{DType, Device, Result as TensorResult, Tensor};
use tts_checkpoint::{CheckpointError, CodecConfig, CodecDecoderConfig, Weights};
use tts_nn::{
    Blocks, CausalConv1d, ConvState, Decoder, DecoderConfig, DecoderState, Linear, SnakeBeta,
};
use tts_profiling::{SyncClass, gpu_sync};

use crate::block::{self, Block, BlockState};
use crate::error::CodecError;
use crate::quantizer::SplitQuantizer;
use crate::upsample::{Upsample, UpsampleState};

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
    first_conv: CausalConv1d,
    blocks: Vec<Block>,
    last_snake: SnakeBeta,
    last_conv: CausalConv1d,
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
    first_conv: ConvState,
    blocks: Vec<BlockState>,
    last_conv: ConvState,
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
        let linear = |name: &str| -> Result<Linear, CheckpointError> {
            let layer = transformer.scope(name);
            Ok(Linear::new(layer.tensor("weight")?, Some(layer.tensor("bias")?)).in_pieces())
        };
        let convolutions = root.scope("decoder");
        let last = c.upsample_rates.len() + 1;
        Ok(Self {
            quantizer: SplitQuantizer::load(c, &root.scope("quantizer"))?,
            pre_conv: block::conv(&root.scope("pre_conv.conv"), 1)?,
            transformer_in: linear("input_proj")?,
            transformer: Decoder::load(decoder_config(c), |name| -> Result<Tensor, CodecError> {
                Ok(transformer.tensor(name)?)
            })?,
            transformer_out: linear("output_proj")?,
            upsamples: (c.upsampling_ratios.iter().enumerate())
                .map(|(i, &stride)| Upsample::load(stride, &root.scope(format!("upsample.{i}"))))
                .collect::<Result<_, _>>()?,
            first_conv: block::conv(&convolutions.scope("0.conv"), 1)?,
            blocks: (c.upsample_rates.iter().enumerate())
                .map(|(i, &stride)| {
                    Block::load(stride, &convolutions.scope(format!("{}.block", i + 1)))
                })
                .collect::<Result<_, _>>()?,
            last_snake: block::snake(&convolutions.scope(last))?,
            last_conv: block::conv(&convolutions.scope(format!("{}.conv", last + 1)), 1)?,
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
            first_conv: ConvState::default(),
            blocks: self.blocks.iter().map(|_| BlockState::default()).collect(),
            last_conv: ConvState::default(),
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
            let wave = self.forward(frames, state, &mut |_, _| Ok(()))?;
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
        let wave = self.forward(frames, state, tap)?;
        gpu_sync!("codec_decoder.samples_with_stages", SyncClass::PerChunk);
        Ok(wave.to_vec1::<f32>()?)
    }

    /// Checked frames to samples `[time]`.
    fn forward<F: AsRef<[u32]>>(
        &self,
        frames: &[F],
        state: &mut CodecState,
        tap: &mut Tap<'_>,
    ) -> TensorResult<Tensor> {
        let quantized = self.quantizer.decode(frames, &self.device, tap)?;
        let x = self.pre_conv.forward(&quantized, &mut state.pre_conv)?;
        tap("pre_conv", &x)?;
        let mut x = self.transform(&x, &mut state.transformer, tap)?;
        for (i, (upsample, state)) in self.upsamples.iter().zip(&mut state.upsamples).enumerate() {
            let (conv, output) = upsample.forward(&x, state)?;
            tap(&format!("upsample{i}_conv"), &conv)?;
            tap(&format!("upsample{i}"), &output)?;
            x = output;
        }
        x = self.first_conv.forward(&x, &mut state.first_conv)?;
        tap("decoder0", &x)?;
        for (i, (block, state)) in self.blocks.iter().zip(&mut state.blocks).enumerate() {
            x = block.forward(&x, state)?;
            tap(&format!("decoder{}", i + 1), &x)?;
        }
        let last = self.blocks.len() + 1;
        x = self.last_snake.forward(&x)?;
        tap(&format!("decoder{last}"), &x)?;
        x = self.last_conv.forward(&x, &mut state.last_conv)?;
        tap(&format!("decoder{}", last + 1), &x)?;
        x.clamp(-1_f32, 1_f32)?.flatten_all()
    }

    /// `[channels, time]` through the transformer to the same shape.
    fn transform(
        &self,
        x: &Tensor,
        state: &mut DecoderState,
        tap: &mut Tap<'_>,
    ) -> TensorResult<Tensor> {
        let x = self.transformer_in.forward(&x.t()?)?;
        tap("transformer_in", &x)?;
        let x = self.transformer.forward(&x.unsqueeze(0)?, &mut [state], &mut |layer, x| {
            tap(&format!("transformer_layer{layer}"), &x.squeeze(0)?)
        })?;
        let x = self.transformer_out.forward(&x.squeeze(0)?)?;
        tap("transformer_out", &x)?;
        x.t()
    }
}

fn decoder_config(c: &CodecDecoderConfig) -> DecoderConfig {
    DecoderConfig {
        layers: c.num_hidden_layers,
        heads: c.num_attention_heads,
        kv_heads: c.num_key_value_heads,
        head_dim: c.head_dim,
        norm_eps: c.rms_norm_eps,
        rope_theta: c.rope_theta,
        window: Some(c.sliding_window),
        head_norms: false,
        layer_scales: true,
        blocks: Blocks::RmsGated,
    }
}
