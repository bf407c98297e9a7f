use std::sync::Arc;

use candle_core::{Error, Result, Tensor};
use tts_cpu::{Conv, Outputs, Pool, Signal};

use crate::values::with_values;

/// A product with every time of a signal, on the CPU: a convolution of one tap. It reads the
/// weights once, however few times there are, where the matrix library copies them first.
#[derive(Debug, Clone)]
pub(crate) struct TimeProduct {
    conv: Arc<Conv>,
}

impl TimeProduct {
    /// From a weight `[outputs, inputs]` in f32 on the CPU.
    pub(crate) fn new(weight: &Tensor) -> Result<Self> {
        let (outputs, inputs) = weight.dims2()?;
        let none = vec![0.0; outputs];
        let conv = with_values(weight, |weight| Conv::causal(weight, &none, inputs, 1))?;
        Ok(Self::of(conv.map_err(Error::wrap)?))
    }

    /// From a convolution of one tap.
    pub(crate) fn of(conv: Conv) -> Self {
        Self { conv: Arc::new(conv) }
    }

    pub(crate) fn conv(&self) -> &Conv {
        &self.conv
    }

    pub(crate) fn outputs(&self) -> usize {
        self.conv.outputs()
    }

    pub(crate) fn inputs(&self) -> usize {
        self.conv.inputs()
    }

    /// `[time, inputs]` to `[time, outputs]`.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (mut input, mut output) = (Signal::new(), Signal::new());
        with_values(x, |values| input.set_times(self.inputs(), 0, values))?.map_err(Error::wrap)?;
        let outputs = Outputs { plain: Some(&mut output), ..Outputs::default() };
        self.conv
            .forward(Pool::shared(), &mut input, &mut self.conv.new_tail(), outputs)
            .map_err(Error::wrap)?;
        Tensor::from_vec(output.times(), (input.time(), self.outputs()), x.device())
    }
}
