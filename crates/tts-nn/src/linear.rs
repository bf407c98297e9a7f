use candle_core::{Result, Tensor};
use tts_cpu::Scheme;

use crate::packed::PackedMatrix;
use crate::product;
use crate::time_product::TimeProduct;

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
    /// For pieces of a signal, on the CPU and elsewhere.
    Times(TimeProduct),
    DenseTimes(Tensor),
}

impl Linear {
    /// From a weight `[outputs, inputs]` and a bias `[outputs]`.
    pub fn new(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight: Weight::Dense(weight), bias }
    }

    /// The weight rounded to few bits if there is a `scheme`: it and all inputs are to be
    /// in f32 on the CPU then. Else as [`Linear::new`].
    ///
    /// # Errors
    /// If the weight is to be rounded and is not in f32 on the CPU.
    pub fn in_bits(scheme: Option<Scheme>, weight: Tensor, bias: Option<Tensor>) -> Result<Self> {
        let Some(scheme) = scheme else { return Ok(Self::new(weight, bias)) };
        let weight = Weight::Packed(PackedMatrix::new(scheme, &weight)?);
        Ok(Self { weight, bias })
    }

    /// One layer that computes several at once: the outputs are concatenated in
    /// the order of `weights`. Each output value is the same as from its own
    /// layer.
    ///
    /// # Errors
    /// If the numbers of inputs differ.
    pub fn fused(weights: &[Tensor]) -> Result<Self> {
        Ok(Self::new(Tensor::cat(weights, 0)?, None))
    }

    /// For rows that are a signal pushed in pieces: a row comes out the same, bit
    /// for bit, whatever the piece it is in.
    #[must_use]
    pub fn in_pieces(self) -> Self {
        let weight = match self.weight {
            // What is not in f32 on the CPU is left to the matrix library.
            Weight::Dense(weight) => {
                TimeProduct::new(&weight).map_or(Weight::DenseTimes(weight), Weight::Times)
            }
            weight => weight,
        };
        Self { weight, ..self }
    }

    /// `[.., inputs]` to `[.., outputs]`.
    ///
    /// # Errors
    /// If the last dimension is not the number of inputs.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (outputs, inputs) = match &self.weight {
            Weight::Dense(weight) | Weight::DenseTimes(weight) => weight.dims2()?,
            Weight::Packed(matrix) => (matrix.outputs(), matrix.inputs()),
            Weight::Times(product) => (product.outputs(), product.inputs()),
        };
        let mut shape = x.dims().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = outputs;
        }
        let x = x.reshape(((), inputs))?;
        let y = match &self.weight {
            Weight::Packed(matrix) => matrix.forward(&x)?,
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
}
