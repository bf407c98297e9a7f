use candle_core::{Result, Tensor};
use tts_nn::{CausalConv1d, ConvState};

/// A causal convolution that moves on by `stride` inputs per output; the last
/// window is completed with zeros (`docs/model.md`, section 7.3).
///
/// The `stride` inputs of an output are folded into channels, which makes it a
/// convolution of stride 1 over the folded signal.
#[derive(Debug)]
pub(crate) struct StridedConv1d {
    conv: CausalConv1d,
    stride: usize,
    /// Folded inputs that one output depends on.
    reach: usize,
}

impl StridedConv1d {
    /// From a weight `[outputs, inputs, kernel]` and a bias `[outputs]`.
    pub(crate) fn new(weight: &Tensor, bias: Option<&Tensor>, stride: usize) -> Result<Self> {
        let (outputs, inputs, kernel) = weight.dims3()?;
        let reach = kernel.div_ceil(stride);
        // The window ends with the last of the `stride` inputs, so what is missing
        // to a multiple is missing at its start.
        let weight = weight
            .pad_with_zeros(2, reach * stride - kernel, 0)?
            .reshape((outputs, inputs, reach, stride))?
            .permute((0, 3, 1, 2))?
            .reshape((outputs, stride * inputs, reach))?;
        Ok(Self { conv: CausalConv1d::new(&weight, bias, 1)?, stride, reach })
    }

    /// Inputs before the current `stride` that an output depends on, rounded up to
    /// a multiple of the stride.
    pub(crate) fn context(&self) -> usize {
        (self.reach - 1) * self.stride
    }

    /// Outputs of `time` inputs.
    pub(crate) fn outputs(&self, time: usize) -> usize {
        time.div_ceil(self.stride)
    }

    /// Inputs that are missing after `time` of them to complete the last window.
    pub(crate) fn missing(&self, time: usize) -> usize {
        self.outputs(time) * self.stride - time
    }

    /// `[inputs, time]` to `[outputs, ceil(time / stride)]`. A piece whose length is
    /// not a multiple of the stride has to be the last.
    pub(crate) fn forward(&self, x: &Tensor, state: &mut ConvState) -> Result<Tensor> {
        let (inputs, time) = x.dims2()?;
        let outputs = self.outputs(time);
        let folded = x
            .pad_with_zeros(1, 0, self.missing(time))?
            .reshape((inputs, outputs, self.stride))?
            .permute((2, 0, 1))?
            .reshape((self.stride * inputs, outputs))?;
        self.conv.forward(&folded, state)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};
    use tts_nn::ConvState;

    use super::StridedConv1d;

    const INPUTS: usize = 3;
    const OUTPUTS: usize = 2;

    /// Values without a pattern that a mixed-up axis could hide behind.
    fn values(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| (((i + 7 * seed) * 37 + 11) % 101) as f32 / 50.0 - 1.0).collect()
    }

    fn tensor(values: &[f32], shape: &[usize]) -> Tensor {
        Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn pieces_of_whole_strides_equal_the_textbook_sum() {
        for stride in 1..=5 {
            for kernel in 1..=3 * stride {
                for time in [1, stride, stride + 1, 23] {
                    check(stride, kernel, time);
                }
            }
        }
    }

    fn check(stride: usize, kernel: usize, time: usize) {
        let (signal, bias) = (values(INPUTS * time, 1), values(OUTPUTS, 2));
        let weight = values(OUTPUTS * INPUTS * kernel, kernel);
        let conv = StridedConv1d::new(
            &tensor(&weight, &[OUTPUTS, INPUTS, kernel]),
            Some(&tensor(&bias, &[OUTPUTS])),
            stride,
        )
        .unwrap();
        // Window `t` ends with input `(t + 1) * stride - 1`; there is silence around
        // the signal.
        let expected = |o: usize, t: usize| {
            let mut sum = f64::from(bias[o]);
            for i in 0..INPUTS {
                for tap in 0..kernel {
                    let at = ((t + 1) * stride + tap).checked_sub(kernel);
                    if let Some(at) = at.filter(|&at| at < time) {
                        let w = weight[(o * INPUTS + i) * kernel + tap];
                        sum += f64::from(w) * f64::from(signal[i * time + at]);
                    }
                }
            }
            sum
        };
        let x = tensor(&signal, &[INPUTS, time]);
        for step in [stride, 2 * stride, 5 * stride, time.next_multiple_of(stride)] {
            let mut state = ConvState::default();
            let pieces: Vec<Tensor> = (0..time)
                .step_by(step)
                .map(|start| {
                    let piece = x.narrow(1, start, step.min(time - start)).unwrap();
                    conv.forward(&piece, &mut state).unwrap()
                })
                .collect();
            let y: Vec<Vec<f32>> = Tensor::cat(&pieces, 1).unwrap().to_vec2().unwrap();
            for (o, row) in y.iter().enumerate() {
                assert_eq!(row.len(), time.div_ceil(stride));
                for (t, &value) in row.iter().enumerate() {
                    let difference = (f64::from(value) - expected(o, t)).abs();
                    assert!(difference < 1e-5, "k {kernel} s {stride} T {time} step {step}: {t}");
                }
            }
        }
    }
}
