use candle_core::{DType, Error, Result, Tensor};
use tts_cuda::{Gemv, Queue, Use};

use crate::bits::Bits;
use crate::buffer::Buffer;
use crate::gpu::{address_of, aligned, no_kernels, queue_of, values_of};
use crate::gpu_weights::GpuWeights;

/// A matrix and perhaps a bias on a GPU, for the kernel that multiplies few rows.
#[derive(Debug, Clone)]
pub struct GpuMatrix {
    queue: Queue,
    weights: GpuWeights,
    /// `[outputs]` in f32.
    bias: Option<Tensor>,
}

/// What becomes of products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epilogue {
    /// They take the place of the outputs.
    Store,
    /// They are added to the outputs.
    Add,
    /// Their GELU takes the place of the outputs.
    Gelu,
}

impl GpuMatrix {
    /// From a weight `[outputs, inputs]` and a bias `[outputs]`.
    ///
    /// # Errors
    /// If shapes do not fit together; if there are no kernels for the device ([`queue_of`]).
    pub fn new(weights: &Tensor, bias: Option<Tensor>) -> Result<Self> {
        let queue = queue_of(weights.device())?.ok_or_else(|| no_kernels(weights))?;
        Self::with(queue, GpuWeights::new(weights, Bits::Stored)?, bias)
    }

    /// With weights of any kind.
    pub(crate) fn with(queue: Queue, weights: GpuWeights, bias: Option<Tensor>) -> Result<Self> {
        let (outputs, _) = weights.dims()?;
        let bias = match bias {
            Some(bias) if bias.dims() == [outputs] => Some(aligned(&bias.to_dtype(DType::F32)?)?),
            Some(bias) => candle_core::bail!("a bias {:?} for {outputs} outputs", bias.dims()),
            None => None,
        };
        Ok(Self { queue, weights, bias })
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
        self.launch(x, inputs, rows, y, Epilogue::Store)
    }

    /// The products of every window of rows: of each row of `x`, `[rows + taps - 1, inputs / taps]`, and
    /// those behind it, to `y`, of as many numbers as `[rows, outputs]`. It is a causal convolution
    /// in time if the matrix has the oldest tap first, and the ordinary product with a single tap.
    ///
    /// # Errors
    /// If shapes or types do not fit together.
    pub fn windows_into(&self, x: &Tensor, y: &Buffer, to: Epilogue) -> Result<()> {
        let ((outputs, inputs), (length, width)) = (self.dims()?, x.dims2()?);
        let rows = y.elem_count() / outputs.max(1);
        let fits = width > 0
            && inputs.is_multiple_of(width)
            && length + 1 == rows + inputs / width
            && y.elem_count() == rows * outputs;
        if !fits {
            candle_core::bail!(
                "{:?} to {:?} by windows of {inputs} inputs to {outputs} outputs",
                x.dims(),
                y.dims()
            );
        }
        self.launch(x, width, rows, y, to)
    }

    fn launch(
        &self,
        x: &Tensor,
        stride: usize,
        rows: usize,
        y: &Buffer,
        to: Epilogue,
    ) -> Result<()> {
        let (outputs, inputs) = self.dims()?;
        let gemv = Gemv {
            x: values_of(x, x.dims())?,
            stride: stride as u32,
            norm: None,
            weights: self.weights.weights()?,
            bias: self.bias.as_ref().map(address_of).transpose()?,
            y: values_of(y, y.dims())?,
            rows: rows as u32,
            width: inputs as u32,
            outputs: outputs as u32,
            to: match to {
                Epilogue::Store => Use::Store,
                Epilogue::Add => Use::Add,
                Epilogue::Gelu => Use::Gelu,
            },
        };
        // SAFETY: the tensors have these sizes, and are freed in the order of the queue.
        unsafe { gemv.launch(&self.queue) }.map_err(Error::wrap)
    }
}
