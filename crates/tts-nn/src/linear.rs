use candle_core::{Result, Tensor};

use crate::bits::Bits;
use crate::buffer::Buffer;
use crate::gpu::{no_kernels, queue_of};
use crate::gpu_matrix::GpuMatrix;
use crate::gpu_weights::GpuWeights;
use crate::packed::PackedMatrix;
use crate::product;
use crate::source::{self, Source};
use crate::time_product::TimeProduct;
use crate::values::with_values;

/// A layer `y = x Wᵀ + b`.
#[derive(Debug, Clone)]
pub struct Linear {
    weight: Weight,
    bias: Option<Tensor>,
}

#[derive(Debug, Clone)]
enum Weight {
    Dense(Tensor),
    Packed(PackedMatrix),
    /// With its bias.
    Gpu(GpuMatrix),
    /// For pieces of a signal, on the CPU and elsewhere.
    Times(TimeProduct),
    DenseTimes(Tensor),
}

impl Linear {
    /// From a weight `[outputs, inputs]` and a bias `[outputs]`.
    pub fn new(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight: Weight::Dense(weight), bias }
    }

    /// From the weight `[outputs, inputs]` and perhaps a bias `[outputs]` of a source, the weight in
    /// some `bits`: where it is packed it and all inputs are to be in f32 on the CPU. On an NVIDIA GPU
    /// outputs are in f32.
    ///
    /// # Errors
    /// Those of the source; if the weight is to be packed and is not in f32 on the CPU; if it is to
    /// be in bytes and there are no kernels for them.
    pub fn in_bits<E: From<candle_core::Error>>(
        bits: Bits,
        source: &impl Source<E>,
        weight: &str,
        bias: Option<&str>,
    ) -> std::result::Result<Self, E> {
        let bias = bias.map(|name| source.tensor(name)).transpose()?;
        if let Bits::Packed(scheme) = bits {
            let weight = Weight::Packed(PackedMatrix::load(scheme, source, weight)?);
            return Ok(Self { weight, bias });
        }
        let weight = source.tensor(weight)?;
        let Some(queue) = queue_of(weight.device())? else {
            return if bits == Bits::Stored {
                Ok(Self::new(weight, bias))
            } else {
                Err(no_kernels(&weight).into())
            };
        };
        let matrix = GpuMatrix::with(queue, GpuWeights::new(&weight, bits)?, bias)?;
        Ok(Self { weight: Weight::Gpu(matrix), bias: None })
    }

    /// One layer that computes several at once: the outputs are concatenated in
    /// the order of `weights`. Each output value is the same as from its own
    /// layer.
    ///
    /// # Errors
    /// Those of the source; if the numbers of inputs differ.
    pub(crate) fn fused<E: From<candle_core::Error>>(
        source: &impl Source<E>,
        weights: &[&str],
    ) -> std::result::Result<Self, E> {
        Ok(Self::new(rows(source, weights)?, None))
    }

    /// For rows that are a signal pushed in pieces: a row comes out the same, bit
    /// for bit, whatever the piece it is in. Several `weights` are fused: the outputs are
    /// concatenated in their order. Dimensions of a weight behind the second are to be of one.
    ///
    /// # Errors
    /// Those of the source; if the numbers of inputs differ.
    pub fn in_pieces<E: From<candle_core::Error>>(
        source: &impl Source<E>,
        weights: &[&str],
        bias: Option<&str>,
    ) -> std::result::Result<Self, E> {
        let bias = bias.map(|name| source.tensor(name)).transpose()?;
        let name = weights.join(" ");
        if let Some(conv) = source::packed_before(source, &name)? {
            return Ok(Self { weight: Weight::Times(TimeProduct::of(conv)), bias });
        }
        let weight = rows(source, weights)?;
        // What is not in f32 on the CPU is left to the matrix library.
        let weight = match TimeProduct::new(&weight) {
            Ok(product) => {
                source.record(&name, weights, product.conv())?;
                Weight::Times(product)
            }
            Err(_) => Weight::DenseTimes(weight),
        };
        Ok(Self { weight, bias })
    }

    /// `[.., inputs]` to `[.., outputs]`.
    ///
    /// # Errors
    /// If the last dimension is not the number of inputs.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (outputs, inputs) = match &self.weight {
            Weight::Dense(weight) | Weight::DenseTimes(weight) => weight.dims2()?,
            Weight::Packed(matrix) => (matrix.outputs(), matrix.inputs()),
            Weight::Gpu(matrix) => matrix.dims()?,
            Weight::Times(product) => (product.outputs(), product.inputs()),
        };
        let mut shape = x.dims().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = outputs;
        }
        let x = x.reshape(((), inputs))?;
        let y = match &self.weight {
            Weight::Packed(matrix) => {
                let mut y = vec![0.0; x.dim(0)? * outputs];
                with_values(&x, |x| matrix.multiply(x, &mut y))??;
                Tensor::from_vec(y, (x.dim(0)?, outputs), x.device())?
            }
            Weight::Gpu(matrix) => matrix.forward(&x)?,
            Weight::Times(product) => product.forward(&x)?,
            Weight::DenseTimes(weight) => product::over_time(weight, &x.t()?)?.t()?,
            Weight::Dense(weight) => x.matmul(&weight.t()?)?,
        };
        let y = match &self.bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        };
        y.reshape(shape)
    }

    /// As [`Linear::forward`]; the outputs take the place of what is in `y`, rounded to its type.
    ///
    /// # Errors
    /// As [`Linear::forward`]; if `y` has another shape, or values of `x`.
    pub fn forward_into(&self, x: &Tensor, y: &Buffer) -> Result<()> {
        if let Weight::Gpu(matrix) = &self.weight {
            let (_, inputs) = matrix.dims()?;
            return matrix.forward_into(x, x.elem_count() / inputs.max(1), y);
        }
        let Weight::Packed(matrix) = &self.weight else {
            return y.set(&self.forward(x)?.to_dtype(y.dtype())?.contiguous()?);
        };
        with_values(x, |x| y.change(|y: &mut [f32]| matrix.multiply(x, y)))???;
        let Some(bias) = &self.bias else { return Ok(()) };
        with_values(bias, |bias| {
            y.change(|y: &mut [f32]| {
                for row in y.chunks_exact_mut(bias.len().max(1)) {
                    row.iter_mut().zip(bias).for_each(|(y, bias)| *y += bias);
                }
            })
        })?
    }
}

/// The rows of all `weights`.
fn rows<E: From<candle_core::Error>>(
    source: &impl Source<E>,
    weights: &[&str],
) -> std::result::Result<Tensor, E> {
    let mut all = Vec::with_capacity(weights.len());
    for name in weights {
        let weight = source.tensor(name)?;
        all.push(weight.reshape((weight.dim(0)?, ()))?);
    }
    Ok(Tensor::cat(&all, 0)?)
}
