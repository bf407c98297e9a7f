use candle_core::{Result as TensorResult, Tensor};
use tts_checkpoint::{CodecConfig, Weights};
use tts_nn::{can_wait, queue_of};
use tts_profiling::{SyncClass, gpu_sync};

use crate::error::CodecError;
use crate::gpu_layers::{GpuLayers, GpuLayersState};
use crate::layers::{Layers, LayersState};
use crate::quantizer::CodeRange;
use crate::stages::Stages;

/// Sees the output of a stage: its name and `[channels, time]`, or
/// `[time, channels]` inside the transformer. On a GPU its values change with the next stage.
pub type Tap<'a> = dyn FnMut(&str, &Tensor) -> TensorResult<()> + 'a;

/// Frames that go through the layers together; bounds the memory of a push.
const FRAMES_AT_ONCE: usize = 32;

/// The decoder of a codec.
#[derive(Debug)]
pub struct CodecDecoder {
    path: Path,
    codes: CodeRange,
    samples_per_frame: usize,
    sample_rate: u32,
}

/// What the layers run on.
#[derive(Debug)]
enum Path {
    Tensors(Box<Layers>),
    Gpu(Box<GpuLayers>),
}

/// Everything the decoder remembers of one signal.
#[derive(Debug)]
pub struct CodecState {
    path: PathState,
    /// Samples that nobody has taken yet: on the host, and then those of the newest frames.
    samples: Vec<f32>,
    newest: Option<Tensor>,
}

#[derive(Debug)]
enum PathState {
    Tensors(Box<LayersState>),
    Gpu(Box<GpuLayersState>),
}

impl CodecState {
    /// Whether a GPU may repeat pieces as graphs, which is the default.
    pub fn set_graphs(&mut self, may: bool) {
        match &mut self.path {
            PathState::Gpu(state) => state.graphs = may,
            PathState::Tensors(_) => {}
        }
    }

    /// The samples of all frames that were [begun](CodecDecoder::begin) and not taken.
    ///
    /// # Errors
    /// If the device fails.
    pub fn take(&mut self) -> Result<Vec<f32>, CodecError> {
        self.fetch()?;
        Ok(std::mem::take(&mut self.samples))
    }

    /// Gets the samples of the newest frames to the host.
    fn fetch(&mut self) -> Result<(), CodecError> {
        let Some(newest) = self.newest.take() else { return Ok(()) };
        can_wait("codec_decoder.samples")?;
        // Without the rest of the memory that they lie in, which a read takes along.
        let newest = newest.force_contiguous()?;
        gpu_sync!("codec_decoder.samples", SyncClass::PerChunk);
        let newest = newest.to_vec1::<f32>()?;
        if self.samples.is_empty() {
            self.samples = newest;
        } else {
            self.samples.extend(newest);
        }
        Ok(())
    }
}

impl CodecDecoder {
    /// Loads the decoder from the weights of a codec.
    ///
    /// # Errors
    /// If a weight is not finite or does not fit on the device.
    pub fn load(config: &CodecConfig, weights: &Weights) -> Result<Self, CodecError> {
        let (c, root) = (&config.decoder_config, weights.scope("decoder"));
        let path = if queue_of(weights.device())?.is_some() {
            Path::Gpu(Box::new(GpuLayers::load(c, &root, FRAMES_AT_ONCE)?))
        } else {
            Path::Tensors(Box::new(Layers::load(c, &root)?))
        };
        Ok(Self {
            path,
            codes: CodeRange::new(c),
            samples_per_frame: config.decode_upsample_rate,
            sample_rate: config.output_sample_rate,
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
        let path = match &self.path {
            Path::Tensors(layers) => PathState::Tensors(Box::new(layers.new_state()?)),
            Path::Gpu(layers) => PathState::Gpu(Box::new(layers.new_state()?)),
        };
        Ok(CodecState { path, samples: Vec::new(), newest: None })
    }

    /// Records pieces of these lengths, in frames, for so many signals at once: the next states have
    /// them, and a GPU repeats them. There is nothing to do on the CPU.
    ///
    /// # Errors
    /// If a piece is longer than 32 frames; if the device has no room for them.
    pub fn warm_up(&self, signals: usize, lengths: &[usize]) -> Result<(), CodecError> {
        match &self.path {
            Path::Tensors(_) => Ok(()),
            Path::Gpu(layers) => layers.warm_up(signals, lengths),
        }
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
        self.begin(frames, state)?;
        state.take()
    }

    /// As [`CodecDecoder::push`], whose samples [`CodecState::take`] gives: a GPU works on the last 32
    /// frames meanwhile.
    ///
    /// # Errors
    /// As there.
    pub fn begin<F: AsRef<[u32]>>(
        &self,
        frames: &[F],
        state: &mut CodecState,
    ) -> Result<(), CodecError> {
        self.decode(frames, state, true)
    }

    /// Continues a signal by some frames whose samples nobody needs.
    ///
    /// # Errors
    /// Those of [`CodecDecoder::push`].
    pub fn skip<F: AsRef<[u32]>>(
        &self,
        frames: &[F],
        state: &mut CodecState,
    ) -> Result<(), CodecError> {
        self.decode(frames, state, false)
    }

    /// As [`CodecDecoder::push`], in one piece; `tap` sees every stage.
    ///
    /// # Errors
    /// Those of [`CodecDecoder::push`], and of `tap`; on a GPU, if there are more than 32 frames.
    pub fn push_with<F: AsRef<[u32]>>(
        &self,
        frames: &[F],
        state: &mut CodecState,
        tap: &mut Tap<'_>,
    ) -> Result<Vec<f32>, CodecError> {
        self.codes.check(frames)?;
        state.fetch()?;
        if !frames.is_empty() {
            state.newest = Some(self.forward(frames, state, &mut Stages::seen_by(tap))?);
        }
        state.take()
    }

    /// Checks frames and decodes them piece by piece. Nobody needs the samples unless they `are_heard`.
    fn decode<F: AsRef<[u32]>>(
        &self,
        frames: &[F],
        state: &mut CodecState,
        are_heard: bool,
    ) -> Result<(), CodecError> {
        self.codes.check(frames)?;
        for frames in frames.chunks(FRAMES_AT_ONCE) {
            // On a GPU, samples of the next piece take the place of those of the last one.
            state.fetch()?;
            let wave = self.forward(frames, state, &mut Stages::unseen())?;
            state.newest = are_heard.then_some(wave);
        }
        Ok(())
    }

    /// Checked frames to samples `[time]`.
    fn forward<F: AsRef<[u32]>>(
        &self,
        frames: &[F],
        state: &mut CodecState,
        stages: &mut Stages<'_, '_>,
    ) -> Result<Tensor, CodecError> {
        match (&self.path, &mut state.path) {
            (Path::Tensors(layers), PathState::Tensors(state)) => {
                layers.forward(frames, state, stages)
            }
            (Path::Gpu(layers), PathState::Gpu(state)) => layers.forward(frames, state, stages),
            _ => Err(CodecError::ForeignState),
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use tts_checkpoint::{Checkpoint, ModelFiles};

    use super::*;
    use crate::tensor_waveform::TensorWaveform;
    use crate::waveform::Waveform;

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
        let Path::Tensors(layers) = &mut codec.path else { unreachable!("a path for the CPU") };
        layers.waveform = Waveform::Tensors(tensors);
        let tensors = decode(&codec).unwrap();
        assert_eq!(kernels.len(), frames.len() * codec.samples_per_frame());
        let differences = kernels.iter().zip(&tensors).map(|(a, b)| (a - b).abs());
        let worst = differences.fold(0.0, f32::max);
        let loudest = kernels.iter().fold(0_f32, |loudest, x| loudest.max(x.abs()));
        assert!(loudest > 0.01 && worst <= 1e-4, "{worst:e} of {loudest}");
        assert!(matches!(codec.push(&frames, &mut foreign), Err(CodecError::ForeignState)));
    }
}
