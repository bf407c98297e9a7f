use candle_core::{DType, Device, Tensor};
use half::{bf16, f16};
use safetensors::Dtype;

use crate::error::CheckpointError;
use crate::store::TensorStore;

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
    let values: Vec<f32> = match dtype {
        Dtype::F32 => data.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
        Dtype::BF16 => {
            data.as_chunks().0.iter().map(|&b| bf16::from_le_bytes(b).to_f32()).collect()
        }
        Dtype::F16 => data.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b).to_f32()).collect(),
        other => {
            return Err(CheckpointError::Unsupported {
                path: store.path().clone(),
                field: name.to_owned(),
                found: format!("{other:?}"),
                reason: "weights are bf16, f16 or f32".to_owned(),
            });
        }
    };
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(values),
        Some(index) => Err(CheckpointError::NotFinite {
            path: store.path().clone(),
            name: name.to_owned(),
            index,
            value: values[index],
        }),
    }
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
