use candle_core::{Result, Tensor};
use tts_checkpoint::Weights;
use tts_nn::ConvState;

use crate::error::EncoderError;
use crate::strided::StridedConv1d;

/// The convolution from the rate of the transformer down to the frame rate. Unlike
/// all others it takes the signal to go on as it begins and ends
/// (`docs/model.md`, section 8.3).
#[derive(Debug)]
pub(crate) struct Downsample {
    conv: StridedConv1d,
}

#[derive(Debug, Default)]
pub(crate) struct DownsampleState {
    conv: ConvState,
    started: bool,
}

impl Downsample {
    pub(crate) fn load(
        stride: usize,
        weights: &Weights,
    ) -> std::result::Result<Self, EncoderError> {
        Ok(Self { conv: StridedConv1d::new(&weights.tensor("conv.weight")?, None, stride)? })
    }

    /// `[channels, time]` to `[channels, ceil(time / stride)]`. A piece whose length
    /// is not a multiple of the stride has to be the last.
    pub(crate) fn forward(&self, x: &Tensor, state: &mut DownsampleState) -> Result<Tensor> {
        let time = x.dim(1)?;
        let before = if state.started { 0 } else { self.conv.context() };
        state.started = true;
        let padded = x.pad_with_same(1, before, self.conv.missing(time))?;
        let y = self.conv.forward(&padded, &mut state.conv)?;
        // The outputs at the copies in front are not part of the signal. A GPU multiplies rows only that
        // are one behind the other.
        let kept = self.conv.outputs(time);
        y.narrow(1, y.dim(1)? - kept, kept)?.contiguous()
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::{Downsample, DownsampleState};
    use crate::strided::StridedConv1d;

    #[test]
    fn a_constant_signal_stays_constant_to_its_edges() {
        for (kernel, stride) in [(4, 2), (3, 2), (6, 3), (7, 3)] {
            let taps: Vec<f32> = (1..=kernel).map(|tap| tap as f32).collect();
            let sum: f32 = taps.iter().sum();
            let weight = Tensor::from_vec(taps, (1, 1, kernel), &Device::Cpu).unwrap();
            let conv = StridedConv1d::new(&weight, None, stride).unwrap();
            let downsample = Downsample { conv };
            let mut state = DownsampleState::default();
            for (time, outputs) in [(stride, 1), (2 * stride, 2), (stride + 1, 2)] {
                let x = Tensor::full(2_f32, (1, time), &Device::Cpu).unwrap();
                let y = downsample.forward(&x, &mut state).unwrap();
                assert_eq!(y.to_vec2::<f32>().unwrap(), [vec![2.0 * sum; outputs]]);
            }
        }
    }
}
