use candle_core::{DType, Device, Tensor};
use half::f16;
use safetensors::Dtype;

use crate::error::CheckpointError;
use crate::store::TensorStore;

/// Values that are tested together.
const PART: usize = 1 << 12;

/// Reads a tensor in its stored type and returns it as f32 values.
///
/// # Errors
/// If the type is none of bf16, f16 and f32, or a value is not finite.
pub(crate) fn to_f32(
    store: &TensorStore,
    name: &str,
    dtype: Dtype,
    data: &[u8],
) -> Result<Vec<f32>, CheckpointError> {
    let mut values = vec![0.0; data.len() / (dtype.bitsize() / 8).max(1)];
    each_f32(store, name, dtype, data, &mut values, |place, value| *place = value)?;
    Ok(values)
}

/// Reads a tensor in its stored type; `put` is given a place of `values` and what belongs there.
///
/// # Errors
/// If the type is none of bf16, f16 and f32, or a place has a value afterwards that is not finite.
pub(crate) fn each_f32(
    store: &TensorStore,
    name: &str,
    dtype: Dtype,
    data: &[u8],
    values: &mut [f32],
    put: impl Fn(&mut f32, f32),
) -> Result<(), CheckpointError> {
    match dtype {
        Dtype::F32 => {
            let stored = data.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b));
            values.iter_mut().zip(stored).for_each(|(place, value)| put(place, value));
        }
        Dtype::BF16 => {
            // The upper half of a float.
            let widen = |&b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16);
            let stored = data.as_chunks().0.iter().map(widen);
            values.iter_mut().zip(stored).for_each(|(place, value)| put(place, value));
        }
        Dtype::F16 => {
            let stored = data.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b).to_f32());
            values.iter_mut().zip(stored).for_each(|(place, value)| put(place, value));
        }
        other => {
            return Err(CheckpointError::Unsupported {
                path: store.path().clone(),
                field: name.to_owned(),
                found: format!("{other:?}"),
                reason: "weights are bf16, f16 or f32".to_owned(),
            });
        }
    }
    match not_finite(values) {
        None => Ok(()),
        Some((index, value)) => Err(CheckpointError::NotFinite {
            path: store.path().clone(),
            name: name.to_owned(),
            index,
            value,
        }),
    }
}

/// The first value that is not finite, and where it is.
fn not_finite(values: &[f32]) -> Option<(usize, f32)> {
    // Without a way out within a part, compilers test many values at once.
    let is_bad = |part: &[f32]| part.iter().fold(false, |bad, value| bad | !value.is_finite());
    let part = values.chunks(PART).position(is_bad)?;
    let mut rest = values.iter().copied().enumerate().skip(part * PART);
    rest.find(|(_, value)| !value.is_finite())
}

/// Puts values onto a device in the compute type.
pub(crate) fn tensor(
    name: &str,
    values: Vec<f32>,
    shape: &[usize],
    dtype: DType,
    device: &Device,
) -> Result<Tensor, CheckpointError> {
    Tensor::from_vec(values, shape, device)
        .and_then(|tensor| tensor.to_dtype(dtype))
        .map_err(|source| CheckpointError::Tensor { name: name.to_owned(), source })
}
