use candle_core::{Device, Result as TensorResult, Tensor};
use tts_checkpoint::{SpeakerEncoderConfig, Weights};
use tts_profiling::{SyncClass, gpu_sync};

use crate::block::SeRes2NetBlock;
use crate::conv::Conv1d;
use crate::error::SpeakerError;
use crate::mel::{self, HOP, MelFrontEnd};
use crate::pooling::AttentiveStatisticsPooling;

/// Sees the output of a stage: its name and `[channels, time]`.
pub type Tap<'a> = dyn FnMut(&str, &Tensor) -> TensorResult<()> + 'a;

/// The speaker encoder of a Base checkpoint: an ECAPA-TDNN (`docs/model.md`,
/// section 9.3).
#[derive(Debug)]
pub struct SpeakerEncoder {
    mel: MelFrontEnd,
    first: Conv1d,
    blocks: Vec<SeRes2NetBlock>,
    /// Multi-layer feature aggregation.
    aggregation: Conv1d,
    pooling: AttentiveStatisticsPooling,
    projection: Conv1d,
    sample_rate: u32,
    min_samples: usize,
    device: Device,
}

impl SpeakerEncoder {
    /// Loads the encoder from the weights of a model. It computes in f32; only
    /// weights asked for in f32 keep all that is stored.
    ///
    /// # Errors
    /// If a weight is missing, not finite or does not fit on the device.
    pub fn load(config: &SpeakerEncoderConfig, weights: &Weights) -> Result<Self, SpeakerError> {
        let root = weights.scope("speaker_encoder");
        let blocks = root.scope("blocks");
        let dilation = |block: usize| config.enc_dilations.get(block).copied().unwrap_or(1);
        let last = config.enc_channels.len().saturating_sub(1);
        let first = Conv1d::load(dilation(0), &blocks.scope("0.conv"))?;
        let blocks = (1..last)
            .map(|i| SeRes2NetBlock::load(config.enc_res2net_scale, dilation(i), &blocks.scope(i)))
            .collect::<Result<Vec<_>, _>>()?;
        let aggregation = Conv1d::load(dilation(last), &root.scope("mfa.conv"))?;
        let min_frames = (blocks.iter().map(SeRes2NetBlock::min_time))
            .fold(first.min_time().max(aggregation.min_time()), usize::max);
        Ok(Self {
            mel: MelFrontEnd::new(config.sample_rate, config.mel_dim),
            first,
            blocks,
            aggregation,
            pooling: AttentiveStatisticsPooling::load(&root.scope("asp"))?,
            projection: Conv1d::load(1, &root.scope("fc"))?,
            sample_rate: config.sample_rate,
            min_samples: MelFrontEnd::MIN_SAMPLES.max(min_frames.saturating_mul(HOP)),
            device: weights.device().clone(),
        })
    }

    /// Sample rate of the audio in Hz.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Samples that are needed at least.
    pub fn min_samples(&self) -> usize {
        self.min_samples
    }

    /// The mel front-end.
    pub fn mel(&self) -> &MelFrontEnd {
        &self.mel
    }

    /// The x-vector of a recording: mono samples at
    /// [`sample_rate`](Self::sample_rate), used as they are even beyond [-1, 1].
    ///
    /// # Errors
    /// If there are fewer than [`min_samples`](Self::min_samples) samples, or one
    /// is NaN or infinite.
    pub fn embed(&self, samples: &[f32]) -> Result<Vec<f32>, SpeakerError> {
        self.embed_with(samples, &mut |_, _| Ok(()))
    }

    /// As [`SpeakerEncoder::embed`]; `tap` sees every stage: `mel`, `block{i}`,
    /// `mfa` and `pooling`.
    ///
    /// # Errors
    /// Those of [`SpeakerEncoder::embed`], and of `tap`.
    pub fn embed_with(&self, samples: &[f32], tap: &mut Tap<'_>) -> Result<Vec<f32>, SpeakerError> {
        mel::check(samples, self.min_samples)?;
        let mel = self.mel.log_mel(samples, &self.device)?;
        tap("mel", &mel)?;
        let embedding = self.forward(&mel, tap)?;
        gpu_sync!("speaker.x_vector", SyncClass::PerUtterance);
        Ok(embedding.to_vec1::<f32>()?)
    }

    /// `[bands, time]` to `[width]`.
    fn forward(&self, mel: &Tensor, tap: &mut Tap<'_>) -> TensorResult<Tensor> {
        let x = self.aggregation.forward(&self.block_outputs(mel, tap)?)?.relu()?;
        tap("mfa", &x)?;
        let pooled = self.pooling.forward(&x)?;
        tap("pooling", &pooled)?;
        self.projection.forward(&pooled)?.flatten_all()
    }

    /// The channels of all blocks behind the first convolution.
    fn block_outputs(&self, mel: &Tensor, tap: &mut Tap<'_>) -> TensorResult<Tensor> {
        let mut x = self.first.forward(mel)?.relu()?;
        tap("block0", &x)?;
        let mut outputs = Vec::with_capacity(self.blocks.len());
        for (i, block) in self.blocks.iter().enumerate() {
            x = block.forward(&x)?;
            tap(&format!("block{}", i + 1), &x)?;
            outputs.push(x.clone());
        }
        Tensor::cat(&outputs, 0)
    }
}
