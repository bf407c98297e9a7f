use candle_core::{Result, Storage, Tensor};

/// Shows the values of a tensor in f32 that is on the CPU, row by row. Nothing is copied
/// unless the tensor is not contiguous, and nothing waits for a device.
///
/// # Errors
/// If the tensor is of another type or on another device.
pub fn with_values<T>(x: &Tensor, see: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let x = x.contiguous()?;
    let (storage, layout) = x.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else {
        candle_core::bail!("kernels for the CPU cannot see values on {:?}", x.device());
    };
    let start = layout.start_offset();
    let values = storage.as_slice::<f32>()?.get(start..start + x.elem_count());
    Ok(see(values.unwrap_or_default()))
}
