use candle_core::{DType, Device, Result as TensorResult, Tensor};
use tts_checkpoint::{CodecConfig, CodecEncoderConfig, Weights};
use tts_nn::{Bits, Blocks, Decoder, DecoderConfig, DecoderState, can_wait};
use tts_profiling::{SyncClass, gpu_sync};

use crate::downsample::{Downsample, DownsampleState};
use crate::error::EncoderError;
use crate::quantizer::SplitQuantizer;
use crate::seanet::{SeaNet, SeaNetState};

/// Sees the output of a stage: its name and `[channels, time]`, or
/// `[time, channels]` inside the transformer.
pub type Tap<'a> = dyn FnMut(&str, &Tensor) -> TensorResult<()> + 'a;

/// Frames that go through the layers together; bounds the memory of a call.
const FRAMES_AT_ONCE: usize = 16;

/// The encoder of a codec.
#[derive(Debug)]
pub struct CodecEncoder {
    convolutions: SeaNet,
    transformer: Decoder,
    /// Absent where the transformer runs at the frame rate.
    downsample: Option<Downsample>,
    quantizer: SplitQuantizer,
    /// Samples of one position of the transformer.
    hop: usize,
    samples_per_frame: usize,
    sample_rate: u32,
    device: Device,
}

/// Everything the encoder remembers of one signal.
#[derive(Debug)]
struct EncoderState {
    convolutions: SeaNetState,
    transformer: DecoderState,
    downsample: DownsampleState,
}

impl CodecEncoder {
    /// Loads the encoder from the weights of a codec.
    ///
    /// # Errors
    /// If a weight is not finite or does not fit on the device, or if the
    /// configuration asks for an absurd dilation.
    pub fn load(config: &CodecConfig, weights: &Weights) -> Result<Self, EncoderError> {
        let c = &config.encoder_config;
        let root = weights.scope("encoder");
        let transformer = root.scope("encoder_transformer");
        let stride = c.downsample_stride();
        let hop = c.upsampling_ratios.iter().product();
        Ok(Self {
            convolutions: SeaNet::load(c, &root.scope("encoder"))?,
            transformer: Decoder::load::<EncoderError>(
                Bits::Stored,
                transformer_config(c),
                &transformer,
            )?,
            downsample: (stride > 1)
                .then(|| Downsample::load(stride, &root.scope("downsample")))
                .transpose()?,
            quantizer: SplitQuantizer::load(config, &root.scope("quantizer"))?,
            hop,
            samples_per_frame: hop * stride,
            sample_rate: config.input_sample_rate,
            device: weights.device().clone(),
        })
    }

    /// Samples of one frame.
    pub fn samples_per_frame(&self) -> usize {
        self.samples_per_frame
    }

    /// Sample rate of the input in Hz.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Codes of one frame.
    pub fn codebooks(&self) -> usize {
        self.quantizer.codebooks()
    }

    /// Frames of a recording of that many samples; the last one may be incomplete.
    pub fn frames(&self, samples: usize) -> usize {
        samples.div_ceil(self.samples_per_frame)
    }

    /// Encodes a recording at [`sample_rate`](Self::sample_rate), one channel, into
    /// [`frames`](Self::frames) frames of [`codebooks`](Self::codebooks) codes.
    ///
    /// # Errors
    /// If there are no samples, or if one is not finite.
    pub fn encode(&self, samples: &[f32]) -> Result<Vec<Vec<u32>>, EncoderError> {
        self.encode_in_pieces(samples, FRAMES_AT_ONCE, &mut |_, _| Ok(()))
    }

    /// As [`CodecEncoder::encode`], in one piece, which takes memory in proportion
    /// to the square of the length; `tap` sees every stage.
    ///
    /// # Errors
    /// Those of [`CodecEncoder::encode`], and of `tap`.
    pub fn encode_with(
        &self,
        samples: &[f32],
        tap: &mut Tap<'_>,
    ) -> Result<Vec<Vec<u32>>, EncoderError> {
        self.encode_in_pieces(samples, self.frames(samples.len()), tap)
    }

    /// As [`CodecEncoder::encode`], `piece` frames at once; `tap` sees every stage of
    /// every piece.
    pub(crate) fn encode_in_pieces(
        &self,
        samples: &[f32],
        piece: usize,
        tap: &mut Tap<'_>,
    ) -> Result<Vec<Vec<u32>>, EncoderError> {
        check(samples)?;
        let mut state = self.new_state(samples.len())?;
        let codes = samples
            .chunks(piece * self.samples_per_frame)
            .map(|samples| self.forward(samples, &mut state, tap))
            .collect::<TensorResult<Vec<_>>>()?;
        let codes = Tensor::cat(&codes, 0)?;
        can_wait("codec_encoder.codes")?;
        gpu_sync!("codec_encoder.codes", SyncClass::PerUtterance);
        Ok(codes.to_vec2::<u32>()?)
    }

    /// The state at the start of a signal of that many samples.
    fn new_state(&self, samples: usize) -> TensorResult<EncoderState> {
        let positions = samples.div_ceil(self.hop);
        Ok(EncoderState {
            convolutions: self.convolutions.new_state(),
            transformer: self.transformer.new_state(positions, DType::F32, &self.device)?,
            downsample: DownsampleState::default(),
        })
    }

    /// The next samples of a signal to codes `[time, codebooks]`. A piece that is not
    /// a whole number of frames has to be the last.
    fn forward(
        &self,
        samples: &[f32],
        state: &mut EncoderState,
        tap: &mut Tap<'_>,
    ) -> TensorResult<Tensor> {
        let samples = Tensor::from_slice(samples, (1, samples.len()), &self.device)?;
        let x = self.convolutions.forward(&samples, &mut state.convolutions, tap)?;
        let x = x.t()?.unsqueeze(0)?;
        let x = self.transformer.forward(&x, &mut [&mut state.transformer], &mut |layer, x| {
            tap(&format!("transformer_layer{layer}"), &x.squeeze(0)?)
        })?;
        let mut x = x.squeeze(0)?.t()?;
        if let Some(downsample) = &self.downsample {
            x = downsample.forward(&x, &mut state.downsample)?;
            tap("downsample", &x)?;
        }
        self.quantizer.encode(&x, tap)
    }
}

/// Refuses what cannot be encoded.
fn check(samples: &[f32]) -> Result<(), EncoderError> {
    if samples.is_empty() {
        return Err(EncoderError::Empty);
    }
    match samples.iter().enumerate().find(|(_, sample)| !sample.is_finite()) {
        Some((index, &value)) => Err(EncoderError::NotFinite { index, value }),
        None => Ok(()),
    }
}

/// The configuration states a sliding window, but the reference does not apply it
/// (`docs/model.md`, section 8.4).
fn transformer_config(c: &CodecEncoderConfig) -> DecoderConfig {
    DecoderConfig {
        layers: c.num_hidden_layers,
        heads: c.num_attention_heads,
        kv_heads: c.num_key_value_heads,
        head_dim: c.head_dim,
        intermediate: c.intermediate_size,
        norm_eps: c.norm_eps,
        rope_theta: c.rope_theta,
        window: None,
        head_norms: false,
        layer_scales: true,
        blocks: Blocks::LayerGelu,
    }
}
