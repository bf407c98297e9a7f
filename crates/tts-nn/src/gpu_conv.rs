use candle_core::{DType, Error, Result, Tensor};
use tts_cuda::{Conv, Queue, Remember};

use crate::buffer::Buffer;
use crate::conv_transpose::by_reach;
use crate::gpu::{address_of, no_kernels, queue_of, values_of};
use crate::snake::SnakeBeta;

/// A causal convolution on a GPU, ordinary or transposed, with the activation before it and the sum
/// behind it in one kernel: [`CausalConv1d`](crate::CausalConv1d) and
/// [`CausalConvTranspose1d`](crate::CausalConvTranspose1d) in f32.
#[derive(Debug, Clone)]
pub struct GpuConv {
    queue: Queue,
    /// `[taps, inputs, outputs * stride]`, the tap of the oldest input first.
    weights: Tensor,
    /// `[outputs]`.
    bias: Tensor,
    snake: Option<SnakeBeta>,
    dilation: usize,
    stride: usize,
    limit: Option<f32>,
}

/// What a convolution still needs of a signal.
#[derive(Debug)]
pub struct GpuConvState(Option<Buffer>);

impl GpuConvState {
    /// Starts a new signal.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn clear(&self) -> Result<()> {
        self.0.as_ref().map_or(Ok(()), Buffer::clear)
    }
}

impl GpuConv {
    /// A convolution with a weight `[outputs, inputs, kernel]` and a bias `[outputs]`, of activated
    /// inputs if there is a `snake`.
    ///
    /// # Errors
    /// If the weight has another rank, or shapes do not fit together; if there are no kernels for the
    /// device ([`queue_of`]).
    pub fn new(
        weight: &Tensor,
        bias: &Tensor,
        dilation: usize,
        snake: Option<SnakeBeta>,
    ) -> Result<Self> {
        let (outputs, ..) = weight.dims3()?;
        Self::with(&weight.permute((2, 1, 0))?, bias, [outputs, dilation, 1], snake)
    }

    /// A transposed convolution with a weight `[inputs, outputs, kernel]`.
    ///
    /// # Errors
    /// As [`GpuConv::new`].
    pub fn transposed(
        weight: &Tensor,
        bias: &Tensor,
        stride: usize,
        snake: Option<SnakeBeta>,
    ) -> Result<Self> {
        let weight = by_reach(weight, stride)?;
        let (inputs, outputs, taps, _) = weight.dims4()?;
        let weights = weight.permute((2, 0, 1, 3))?.contiguous()?.flip(&[0])?.reshape((
            taps,
            inputs,
            outputs * stride,
        ))?;
        Self::with(&weights, bias, [outputs, 1, stride], snake)
    }

    fn with(
        weights: &Tensor,
        bias: &Tensor,
        [outputs, dilation, stride]: [usize; 3],
        snake: Option<SnakeBeta>,
    ) -> Result<Self> {
        let Some(queue) = queue_of(weights.device())? else {
            return Err(no_kernels(weights));
        };
        let (taps, inputs, _) = weights.dims3()?;
        let in_f32 = |x: &Tensor| x.to_dtype(DType::F32)?.contiguous();
        let (weights, bias) = (in_f32(weights)?, in_f32(bias)?);
        values_of(&bias, &[outputs])?;
        for values in snake.iter().flat_map(|snake| [snake.frequency(), snake.gain()]) {
            values_of(values, &[inputs])?;
        }
        if taps == 0 {
            candle_core::bail!("a convolution without taps");
        }
        Ok(Self { queue, weights, bias, snake, dilation, stride, limit: None })
    }

    /// With outputs of at most this size.
    #[must_use]
    pub fn limited(self, limit: f32) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// Channels of the outputs.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn outputs(&self) -> Result<usize> {
        Ok(self.weights.dim(2)? / self.stride)
    }

    /// Outputs of a channel for every input.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// At the start of a signal.
    ///
    /// # Errors
    /// If the device has no room for it.
    pub fn new_state(&self) -> Result<GpuConvState> {
        let (taps, inputs, _) = self.weights.dims3()?;
        let keep = (taps - 1) * self.dilation;
        let tail = || Buffer::zeros((inputs, keep), DType::F32, self.weights.device());
        Ok(GpuConvState((keep > 0).then(tail).transpose()?))
    }

    /// `[inputs, time]` to `[outputs, time * stride]`, to which `add` is added.
    ///
    /// # Errors
    /// If shapes, types or devices differ; if the state is of another convolution.
    pub fn forward(
        &self,
        x: &Tensor,
        state: &GpuConvState,
        add: Option<&Tensor>,
    ) -> Result<Tensor> {
        let (_, _, rows) = self.weights.dims3()?;
        let y =
            Buffer::zeros((rows / self.stride, x.dim(1)? * self.stride), DType::F32, x.device())?;
        self.forward_into(x, state, add, &y)?;
        Ok((*y).clone())
    }

    /// As [`GpuConv::forward`]; the outputs take the place of what is in `y`.
    ///
    /// # Errors
    /// As there.
    pub fn forward_into(
        &self,
        x: &Tensor,
        state: &GpuConvState,
        add: Option<&Tensor>,
        y: &Buffer,
    ) -> Result<()> {
        let (taps, inputs, rows) = self.weights.dims3()?;
        let (time, keep, outputs) = (x.dim(1)?, (taps - 1) * self.dilation, rows / self.stride);
        let is_here = |x: &Tensor| x.device().same_device(self.weights.device());
        if !is_here(x) || !is_here(y) || !add.is_none_or(is_here) {
            candle_core::bail!("a signal on another device than its convolution");
        }
        let signal = values_of(x, &[inputs, time])?;
        let tail = match &state.0 {
            Some(tail) => Some(values_of(tail, &[inputs, keep])?),
            None if keep == 0 => None,
            None => candle_core::bail!("the state of another convolution"),
        };
        let snake = self.snake.as_ref().map(|snake| {
            Ok::<_, Error>([address_of(snake.frequency())?, address_of(snake.gain())?])
        });
        let conv = Conv {
            x: signal,
            tail,
            inputs: inputs as u32,
            time: time as u32,
            snake: snake.transpose()?,
            weights: address_of(&self.weights)?,
            bias: address_of(&self.bias)?,
            taps: taps as u32,
            dilation: self.dilation as u32,
            outputs: outputs as u32,
            stride: self.stride as u32,
            add: add.map(|add| values_of(add, y.dims())).transpose()?,
            limit: self.limit,
            y: values_of(y, &[outputs, time * self.stride])?,
        };
        // SAFETY: the tensors have these shapes, and are freed in the order of the queue.
        unsafe { conv.launch(&self.queue) }.map_err(Error::wrap)?;
        if let Some(tail) = tail {
            let remember = Remember {
                x: signal,
                tail,
                channels: inputs as u32,
                time: time as u32,
                keep: keep as u32,
            };
            // SAFETY: as before; the tail is that of the state, which nobody else has.
            unsafe { remember.launch(&self.queue) }.map_err(Error::wrap)?;
        }
        Ok(())
    }
}
