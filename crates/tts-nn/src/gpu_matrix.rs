use candle_core::{DType, Error, Result, Tensor};
use tts_cuda::{Gemv, Queue, Use};

use crate::buffer::Buffer;
use crate::gpu::{address_of, aligned, values_of};
use crate::gpu_weights::GpuWeights;

/// A matrix and perhaps a bias on a GPU, for the kernel that multiplies few rows.
#[derive(Debug, Clone)]
pub(crate) struct GpuMatrix {
    queue: Queue,
    weights: GpuWeights,
    /// `[outputs]` in f32.
    bias: Option<Tensor>,
}

impl GpuMatrix {
    /// In bytes, or as it is.
    pub(crate) fn new(
        queue: Queue,
        weights: &Tensor,
        in_bytes: bool,
        bias: Option<Tensor>,
    ) -> Result<Self> {
        let (outputs, _) = weights.dims2()?;
        let bias = match bias {
            Some(bias) if bias.dims() == [outputs] => Some(aligned(&bias.to_dtype(DType::F32)?)?),
            Some(bias) => candle_core::bail!("a bias {:?} for {outputs} outputs", bias.dims()),
            None => None,
        };
        Ok(Self { queue, weights: GpuWeights::new(weights, in_bytes)?, bias })
    }

    /// `(outputs, inputs)`.
    pub(crate) fn dims(&self) -> Result<(usize, usize)> {
        self.weights.dims()
    }

    /// `[rows, inputs]` to `[rows, outputs]` in f32.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (rows, (outputs, _)) = (x.dim(0)?, self.dims()?);
        let y = Buffer::zeros((rows, outputs), DType::F32, x.device())?;
        self.forward_into(&x.to_dtype(DType::F32)?.contiguous()?, rows, &y)?;
        Ok((*y).clone())
    }

    /// As [`GpuMatrix::forward`], with `rows` rows in f32 at any dimensions of both.
    pub(crate) fn forward_into(&self, x: &Tensor, rows: usize, y: &Buffer) -> Result<()> {
        let (outputs, inputs) = self.dims()?;
        if (x.elem_count(), y.elem_count()) != (rows * inputs, rows * outputs) {
            candle_core::bail!(
                "{:?} to {:?} by {outputs} outputs of {inputs} inputs",
                x.dims(),
                y.dims()
            );
        }
        let gemv = Gemv {
            x: values_of(x, x.dims())?,
            norm: None,
            weights: self.weights.weights()?,
            bias: self.bias.as_ref().map(address_of).transpose()?,
            y: values_of(y, y.dims())?,
            rows: rows as u32,
            width: inputs as u32,
            outputs: outputs as u32,
            to: Use::Store,
        };
        // SAFETY: the tensors have these sizes, and are freed in the order of the queue.
        unsafe { gemv.launch(&self.queue) }.map_err(Error::wrap)
    }
}
