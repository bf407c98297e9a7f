use candle_core::{DType, Result, Tensor};
use tts_cuda::{Float, WEIGHT_GROUP, Weights, quantize_fp8};
use tts_profiling::{SyncClass, gpu_sync};

use crate::bits::Bits;
use crate::gpu::{address_of, aligned, float};
use crate::graph::can_wait;

/// A matrix on a GPU as kernels read it.
#[derive(Debug, Clone)]
pub(crate) struct GpuWeights {
    /// `[outputs, inputs]`.
    values: Tensor,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Float(Float),
    /// With the scales of bytes, `[outputs, groups]`.
    Int8(Tensor),
    /// The same.
    Fp8(Tensor),
}

impl GpuWeights {
    /// In some `bits` that there are kernels for.
    pub(crate) fn new(weights: &Tensor, bits: Bits) -> Result<Self> {
        let (values, kind) = match bits {
            Bits::Stored => (weights.clone(), Kind::Float(float(weights.dtype())?)),
            Bits::Int8 => {
                let (values, scales) = quantize(weights)?;
                (values, Kind::Int8(scales))
            }
            Bits::Fp8 => {
                let (values, scales) = to_fp8(weights)?;
                (values, Kind::Fp8(scales))
            }
            Bits::Packed(_) => candle_core::bail!("weights for the CPU on a GPU"),
        };
        Ok(Self { values: aligned(&values)?, kind })
    }

    /// `(outputs, inputs)`.
    pub(crate) fn dims(&self) -> Result<(usize, usize)> {
        self.values.dims2()
    }

    /// Where they are.
    pub(crate) fn weights(&self) -> Result<Weights> {
        let values = address_of(&self.values)?;
        Ok(match &self.kind {
            Kind::Float(dtype) => Weights::floats(*dtype, values),
            Kind::Int8(scales) => Weights::Int8 { values, scales: address_of(scales)? },
            Kind::Fp8(scales) => Weights::Fp8 { values, scales: address_of(scales)? },
        })
    }

    /// What the addresses are of.
    pub(crate) fn into_tensors(self) -> impl Iterator<Item = Tensor> {
        let scales = match self.kind {
            Kind::Float(_) => None,
            Kind::Int8(scales) | Kind::Fp8(scales) => Some(scales),
        };
        [Some(self.values), scales].into_iter().flatten()
    }
}

/// [`quantize_fp8`] of weights `[outputs, inputs]`: bytes and their scales. The host does it.
fn to_fp8(weights: &Tensor) -> Result<(Tensor, Tensor)> {
    let (outputs, inputs) = weights.dims2()?;
    let on_device = weights.to_dtype(DType::F32)?.flatten_all()?;
    can_wait("load.fp8")?;
    gpu_sync!("load.fp8", SyncClass::Load);
    let weights = on_device.to_vec1::<f32>()?;
    let (bytes, scales) = quantize_fp8(&weights, inputs);
    let groups = inputs.div_ceil(WEIGHT_GROUP);
    let device = on_device.device();
    let bytes = Tensor::from_vec(bytes, (outputs, inputs), device)?;
    Ok((bytes, Tensor::from_vec(scales, (outputs, groups), device)?))
}

/// [`tts_cuda::quantize`] where the weights are, `[outputs, inputs]`: signed bytes, in the type for
/// unsigned ones, and their scales.
fn quantize(weights: &Tensor) -> Result<(Tensor, Tensor)> {
    /// Added and taken away again, it leaves whole numbers, the even ones of two that are as near.
    const WHOLE: f64 = 12_582_912.0;
    let (outputs, inputs) = weights.dims2()?;
    let groups = inputs.div_ceil(WEIGHT_GROUP);
    let padded =
        weights.to_dtype(DType::F32)?.pad_with_zeros(1, 0, groups * WEIGHT_GROUP - inputs)?;
    let padded = padded.reshape((outputs, groups, WEIGHT_GROUP))?;
    let largest = padded.abs()?.max_keepdim(2)?;
    let scales = largest.broadcast_div(&Tensor::full(127_f32, (1, 1, 1), weights.device())?)?;
    // Zeros have no scale to be divided by.
    let unit = scales.gt(0_f32)?.where_cond(&scales, &scales.ones_like()?)?;
    let numbers = ((padded.broadcast_div(&unit)? + WHOLE)? - WHOLE)?;
    let bytes = numbers.lt(0_f32)?.where_cond(&(&numbers + 256.0)?, &numbers)?;
    let bytes = bytes.to_dtype(DType::U8)?.reshape((outputs, groups * WEIGHT_GROUP))?;
    let bytes = bytes.narrow(1, 0, inputs)?.contiguous()?;
    Ok((bytes, scales.reshape((outputs, groups))?.contiguous()?))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn bytes_are_those_that_kernels_are_tested_with() -> Result<()> {
        for inputs in [1, 127, 128, 130, 300] {
            let value = |i: usize| match i % 200 {
                // A group of zeros, ties, and anything.
                150.. => 0.0,
                149 => 127.0,
                100..149 => (i % 50) as f32 + 0.5,
                _ => ((i * 37 + 11) % 101) as f32 / 7.0 - 7.0,
            };
            let values: Vec<f32> = (0..3 * inputs).map(value).collect();
            let weights = Tensor::from_slice(&values, (3, inputs), &Device::Cpu)?;
            let (bytes, scales) = quantize(&weights)?;
            let (expected, expected_scales) = tts_cuda::quantize(&values, inputs);
            let bytes = bytes.flatten_all()?.to_vec1::<u8>()?;
            assert_eq!(bytes.iter().map(|&byte| byte as i8).collect::<Vec<_>>(), expected);
            assert_eq!(scales.flatten_all()?.to_vec1::<f32>()?, expected_scales);
        }
        Ok(())
    }
}
