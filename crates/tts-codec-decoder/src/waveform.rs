use candle_core::{Device, Tensor};
use tts_checkpoint::{CodecDecoderConfig, Weights};

use crate::cpu_waveform::{CpuWaveform, CpuWaveformState};
use crate::error::CodecError;
use crate::stages::Stages;
use crate::tensor_waveform::{TensorWaveform, TensorWaveformState};

/// From upsampled latents to samples (`docs/model.md`, section 7.6): nine tenths of the work
/// of the codec.
#[derive(Debug)]
pub(crate) enum Waveform {
    Cpu(Box<CpuWaveform>),
    Tensors(TensorWaveform),
}

#[derive(Debug)]
pub(crate) enum WaveformState {
    Cpu(Box<CpuWaveformState>),
    Tensors(TensorWaveformState),
}

impl Waveform {
    pub(crate) fn load(c: &CodecDecoderConfig, weights: &Weights) -> Result<Self, CodecError> {
        Ok(match weights.device() {
            Device::Cpu => Self::Cpu(Box::new(CpuWaveform::load(c, weights)?)),
            _ => Self::Tensors(TensorWaveform::load(c, weights)?),
        })
    }

    pub(crate) fn new_state(&self) -> WaveformState {
        match self {
            Self::Cpu(cpu) => WaveformState::Cpu(Box::new(cpu.new_state())),
            Self::Tensors(tensors) => WaveformState::Tensors(tensors.new_state()),
        }
    }

    /// `[channels, time]` to samples in [-1, 1].
    pub(crate) fn forward(
        &self,
        x: &Tensor,
        state: &mut WaveformState,
        stages: &mut Stages<'_, '_>,
    ) -> Result<Tensor, CodecError> {
        match (self, state) {
            (Self::Cpu(cpu), WaveformState::Cpu(state)) => cpu.forward(x, state, stages),
            (Self::Tensors(tensors), WaveformState::Tensors(state)) => {
                Ok(tensors.forward(x, state, stages)?)
            }
            _ => Err(CodecError::ForeignState),
        }
    }
}
