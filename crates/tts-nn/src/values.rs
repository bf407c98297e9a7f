use std::marker::PhantomData;
use std::ops::{Deref, Range};

use candle_core::{Error, Result, Storage, Tensor, WithDType};

/// Shows the values of a tensor in f32 that is on the CPU, row by row. Nothing is copied
/// unless the tensor is not contiguous, and nothing waits for a device.
///
/// # Errors
/// If the tensor is of another type or on another device.
pub fn with_values<T>(x: &Tensor, see: impl FnOnce(&[f32]) -> T) -> Result<T> {
    Ok(see(&Values::<f32, _>::of(&x.contiguous()?)?))
}

/// As [`with_values`], for ids in u32.
///
/// # Errors
/// If the tensor is of another type or on another device.
pub fn with_ids<T>(ids: &Tensor, see: impl FnOnce(&[u32]) -> T) -> Result<T> {
    Ok(see(&Values::<u32, _>::of(&ids.contiguous()?)?))
}

pub(crate) const KERNEL: &str = "a kernel for the CPU";

/// The values of a contiguous tensor that is on the CPU, row by row.
pub(crate) struct Values<T, S> {
    storage: S,
    range: Range<usize>,
    of: PhantomData<T>,
}

impl<T: WithDType> Values<T, ()> {
    pub(crate) fn of(x: &Tensor) -> Result<Values<T, impl Deref<Target = Storage>>> {
        let (storage, layout) = x.storage_and_layout();
        match &*storage {
            Storage::Cpu(storage) => storage.as_slice::<T>().map(|_| ())?,
            _ => candle_core::bail!("kernels for the CPU cannot see values on {:?}", x.device()),
        }
        let (start, end) =
            layout.contiguous_offsets().ok_or(Error::RequiresContiguous { op: KERNEL })?;
        Ok(Values { storage, range: start..end, of: PhantomData })
    }
}

impl<T: WithDType, S: Deref<Target = Storage>> Deref for Values<T, S> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let Storage::Cpu(storage) = &*self.storage else { return &[] };
        let values = storage.as_slice::<T>().ok();
        values.and_then(|values| values.get(self.range.clone())).unwrap_or_default()
    }
}
