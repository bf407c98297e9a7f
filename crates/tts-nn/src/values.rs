use std::ops::{Deref, Range};

use std::marker::PhantomData;

use candle_core::{Error, Result, Storage, Tensor, WithDType};

/// Shows the values of a tensor in f32 that is on the CPU, row by row. Nothing is copied
/// unless the tensor is not contiguous, and nothing waits for a device.
///
/// # Errors
/// If the tensor is of another type or on another device.
pub fn with_values<T>(x: &Tensor, see: impl FnOnce(&[f32]) -> T) -> Result<T> {
    Ok(see(&Values::<f32>::of(&x.contiguous()?)?))
}

/// The values of a contiguous tensor that is on the CPU, row by row.
pub(crate) struct Values<'a, T> {
    storage: Box<dyn Deref<Target = Storage> + 'a>,
    range: Range<usize>,
    of: PhantomData<T>,
}

impl<'a, T: WithDType> Values<'a, T> {
    pub(crate) fn of(x: &'a Tensor) -> Result<Self> {
        let (storage, layout) = x.storage_and_layout();
        match &*storage {
            Storage::Cpu(storage) => storage.as_slice::<T>().map(|_| ())?,
            _ => candle_core::bail!("kernels for the CPU cannot see values on {:?}", x.device()),
        }
        let (start, end) = (layout.contiguous_offsets())
            .ok_or(Error::RequiresContiguous { op: "a kernel for the CPU" })?;
        Ok(Self { storage: Box::new(storage), range: start..end, of: PhantomData })
    }
}

impl<T: WithDType> Deref for Values<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let Storage::Cpu(storage) = &**self.storage else { return &[] };
        let values = storage.as_slice::<T>().ok();
        values.and_then(|values| values.get(self.range.clone())).unwrap_or_default()
    }
}
