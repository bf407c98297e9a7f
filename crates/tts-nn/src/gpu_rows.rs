//! Signals of many channels on a GPU, one row for each time.

use std::ops::Range;

use candle_core::{DType, Error, Result, Tensor};
use tts_cuda::{Carry, DepthwiseNorm, Queue, SumCodes, Transpose};

use crate::buffer::Buffer;
use crate::gpu::{address_of, no_kernels, queue_of, values_of};

/// Tables of one row for every code, of several codebooks.
#[derive(Debug)]
pub struct GpuCodebooks {
    queue: Queue,
    /// `[books, entries, width]` in f32.
    tables: Tensor,
}

impl GpuCodebooks {
    /// From `[books, entries, width]`.
    ///
    /// # Errors
    /// If the tables have another rank or no entry; if there are no kernels for the device ([`queue_of`]).
    pub fn new(tables: &Tensor) -> Result<Self> {
        let queue = queue_of(tables.device())?.ok_or_else(|| no_kernels(tables))?;
        if tables.dims3()?.1 == 0 {
            candle_core::bail!("codebooks without entries");
        }
        Ok(Self { queue, tables: tables.to_dtype(DType::F32)?.contiguous()? })
    }

    /// Puts the sums of the entries of some `books` into `y`, `[rows, width]`; `codes`, `[rows, books]`
    /// in u32, has those of all. A code without an entry counts as the last one.
    ///
    /// # Errors
    /// If shapes or types differ; if there is no such codebook.
    pub fn sum_into(&self, codes: &Tensor, books: Range<usize>, y: &Buffer) -> Result<()> {
        let (all, entries, width) = self.tables.dims3()?;
        let (rows, stride) = codes.dims2()?;
        if stride != all || books.end > all || books.is_empty() || codes.dtype() != DType::U32 {
            let (shape, of) = (codes.dims(), codes.dtype());
            candle_core::bail!("codes {shape:?} in {of:?} of books {books:?} of {all}");
        }
        let sum = SumCodes {
            tables: address_of(&self.tables)?
                .after(books.start * entries * width * size_of::<f32>()),
            books: books.len() as u32,
            entries: entries as u32,
            width: width as u32,
            codes: address_of(codes)?.after(books.start * size_of::<u32>()),
            stride: stride as u32,
            rows: rows as u32,
            y: values_of(y, &[rows, width])?,
        };
        // SAFETY: the tensors have these shapes, and are freed in the order of the queue.
        unsafe { sum.launch(&self.queue) }.map_err(Error::wrap)
    }
}

/// A causal convolution in which every channel has its own kernel, then a layer norm of each row.
#[derive(Debug)]
pub struct GpuDepthwiseNorm {
    queue: Queue,
    /// `[taps, width]`.
    weights: Tensor,
    /// Of the convolution, then weight and bias of the norm, `[width]`.
    others: [Tensor; 3],
    epsilon: f32,
}

impl GpuDepthwiseNorm {
    /// From a weight `[channels, 1, kernel]` and a bias `[channels]` of the convolution, and weight and
    /// bias `[channels]` of the norm.
    ///
    /// # Errors
    /// If shapes do not fit together; if there are no kernels for the device ([`queue_of`]).
    pub fn new(weight: &Tensor, bias: &Tensor, norm: [&Tensor; 2], epsilon: f64) -> Result<Self> {
        let queue = queue_of(weight.device())?.ok_or_else(|| no_kernels(weight))?;
        let in_f32 = |x: &Tensor| x.to_dtype(DType::F32)?.contiguous();
        let weights = in_f32(&weight.squeeze(1)?.t()?)?;
        let (taps, width) = weights.dims2()?;
        let [norm, norm_bias] = norm;
        let others = [in_f32(bias)?, in_f32(norm)?, in_f32(norm_bias)?];
        for other in &others {
            values_of(other, &[width])?;
        }
        if taps == 0 {
            candle_core::bail!("a convolution without taps");
        }
        Ok(Self { queue, weights, others, epsilon: epsilon as f32 })
    }

    /// Rows of the past that a row needs.
    pub fn keep(&self) -> usize {
        self.weights.dims().first().map_or(0, |taps| taps - 1)
    }

    /// From `x`, `[keep + rows, channels]`, to `y`, `[rows, channels]`.
    ///
    /// # Errors
    /// If shapes or types differ.
    pub fn forward_into(&self, x: &Tensor, y: &Buffer) -> Result<()> {
        let ((taps, width), rows) = (self.weights.dims2()?, y.dim(0)?);
        let [bias, norm, norm_bias] = &self.others;
        let launch = DepthwiseNorm {
            x: values_of(x, &[taps - 1 + rows, width])?,
            weights: address_of(&self.weights)?,
            bias: address_of(bias)?,
            taps: taps as u32,
            norm: [address_of(norm)?, address_of(norm_bias)?],
            epsilon: self.epsilon,
            rows: rows as u32,
            width: width as u32,
            y: values_of(y, &[rows, width])?,
        };
        // SAFETY: the tensors have these shapes, and are freed in the order of the queue.
        unsafe { launch.launch(&self.queue) }.map_err(Error::wrap)
    }
}

impl Buffer {
    /// On a GPU, puts the last `keep` rows of `[keep + rows, width]` first: those before the next ones.
    ///
    /// # Errors
    /// If there are fewer rows, or they are in another type than f32; if there are no kernels for the
    /// device ([`queue_of`]).
    pub fn carry(&self, keep: usize) -> Result<()> {
        let (rows, width) = self.dims2()?;
        let Some(new) = rows.checked_sub(keep) else {
            candle_core::bail!("{keep} rows of {rows} to keep");
        };
        let carry = Carry {
            x: values_of(self, self.dims())?,
            rows: new as u32,
            keep: keep as u32,
            width: width as u32,
        };
        // SAFETY: the buffer has this shape, and is freed in the order of the queue.
        unsafe { carry.launch(self.kernels()?) }.map_err(Error::wrap)
    }

    /// On a GPU, puts the columns of `x`, `[rows, columns]`, in the place of all values, `[columns,
    /// rows]`.
    ///
    /// # Errors
    /// If shapes or types differ; if there are no kernels for the device ([`queue_of`]).
    pub fn set_transposed(&self, x: &Tensor) -> Result<()> {
        let (rows, columns) = x.dims2()?;
        let transpose = Transpose {
            x: values_of(x, &[rows, columns])?,
            rows: rows as u32,
            columns: columns as u32,
            y: values_of(self, &[columns, rows])?,
        };
        // SAFETY: the tensors have these shapes, and are freed in the order of the queue.
        unsafe { transpose.launch(self.kernels()?) }.map_err(Error::wrap)
    }
}
