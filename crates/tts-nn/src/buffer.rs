use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Deref;

use candle_core::{
    CpuStorage, DType, Device, Error, InplaceOp1, Layout, Result, Shape, Tensor, WithDType,
};
use tts_cuda::{Put, Queue};

use crate::gpu::{address_of, no_kernels, queue_of};
use crate::values::{KERNEL, with_values};

/// A tensor whose values are changed where they are, so that computing them again takes no
/// memory.
#[derive(Debug)]
pub struct Buffer {
    tensor: Tensor,
    /// Its first value. The tensor library looks through the dimensions of what it changes,
    /// in memory that it allocates, and finds none here.
    first: Tensor,
    /// Where there are kernels for a GPU.
    queue: Option<Queue>,
}

impl Buffer {
    /// Of zeros.
    ///
    /// # Errors
    /// If the device has no room for it.
    pub fn zeros(shape: impl Into<Shape>, dtype: DType, device: &Device) -> Result<Self> {
        Self::of(Tensor::zeros(shape, dtype, device)?)
    }

    /// The values of a tensor, which change with it.
    ///
    /// # Errors
    /// If it is not contiguous, or empty; as [`queue_of`].
    pub fn of(tensor: Tensor) -> Result<Self> {
        if !tensor.is_contiguous() {
            return Err(Error::RequiresContiguous { op: KERNEL });
        }
        let first = tensor.flatten_all()?.narrow(0, 0, 1)?;
        let queue = queue_of(tensor.device())?;
        Ok(Self { tensor, first, queue })
    }

    /// Whether kernels for the CPU can see and change the values, as f32.
    pub fn is_on_host(&self) -> bool {
        self.tensor.device().is_cpu() && self.tensor.dtype() == DType::F32
    }

    /// Lets the values be changed, row by row. They must not be those of a tensor that is looked
    /// at meanwhile.
    ///
    /// # Errors
    /// If the values are of another type or on another device than the CPU.
    pub fn change<T: HostValue, R>(&self, change: impl FnOnce(&mut [T]) -> R) -> Result<R> {
        let change = Change {
            count: self.tensor.elem_count(),
            how: Cell::new(Some(change)),
            result: Cell::new(None),
            of: PhantomData,
        };
        self.first.inplace_op1(&change)?;
        change.result.into_inner().ok_or(Error::UnsupportedDTypeForOp(self.dtype(), KERNEL))
    }

    /// Puts zeros in the place of all.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn clear(&self) -> Result<()> {
        self.tensor.zero_set()
    }

    /// Puts other values in the place of all.
    ///
    /// # Errors
    /// If they have another shape or type or are not contiguous, or are the same.
    pub fn set(&self, values: &Tensor) -> Result<()> {
        if values.dims() != self.dims() {
            candle_core::bail!("{:?} in the place of {:?}", values.dims(), self.dims());
        }
        let width = self.elem_count();
        if self.put(values, 1, width, 0, width)? {
            Ok(())
        } else {
            self.tensor.slice_set(values, 0, 0)
        }
    }

    /// Puts other rows, along the first dimension, in the place of those from `first` on.
    ///
    /// # Errors
    /// As [`Buffer::set`]; if there are not as many from there on.
    pub fn set_rows(&self, first: usize, values: &Tensor) -> Result<()> {
        let (rows, width) = rows_of(values)?;
        let (room, own) = rows_of(&self.tensor)?;
        if own != width || first + rows > room {
            candle_core::bail!("{:?} from row {first} of {:?} on", values.dims(), self.dims());
        }
        let width = rows * width;
        if self.put(values, 1, width, first * own, width)? {
            return Ok(());
        }
        self.tensor.slice_set(values, 0, first)
    }

    /// Puts `[batch, width]` in the place of one of the columns of `[batch, columns, width]`.
    ///
    /// # Errors
    /// As [`Buffer::set`]; if there is no such column.
    pub fn set_column(&self, column: usize, values: &Tensor) -> Result<()> {
        let (batch, columns, width) = self.dims3()?;
        if values.dims2()? != (batch, width) || column >= columns {
            candle_core::bail!("{:?} as column {column} of {:?}", values.dims(), self.dims());
        }
        if self.put(values, batch, width, column * width, columns * width)? {
            return Ok(());
        }
        if !self.is_on_host() {
            return self.tensor.slice_set(&values.unsqueeze(1)?, 1, column);
        }
        with_values(values, |values| {
            self.change(|own: &mut [f32]| {
                let own = own.chunks_exact_mut(width.max(1)).skip(column).step_by(columns);
                own.zip(values.chunks_exact(width.max(1)))
                    .for_each(|(own, row)| own.copy_from_slice(row));
            })
        })?
    }

    /// Puts rows of numbers to `start` and each `stride` further on, which is inside, if there is a
    /// kernel for them; says whether.
    fn put(
        &self,
        values: &Tensor,
        rows: usize,
        width: usize,
        start: usize,
        stride: usize,
    ) -> Result<bool> {
        let Some(queue) = &self.queue else { return Ok(false) };
        let is_known = matches!(self.dtype(), DType::F32 | DType::U32);
        let fits = values.dtype() == self.dtype() && values.device().same_device(self.device());
        if !is_known || !fits || !values.is_contiguous() {
            return Ok(false);
        }
        let put = Put {
            from: address_of(values)?,
            rows: rows as u32,
            width: width as u32,
            to: address_of(&self.tensor)?.after(start * self.dtype().size_in_bytes()),
            stride: stride as u32,
        };
        // SAFETY: as many numbers as the kernel moves are in both tensors, from these places on, and
        // memory is freed in the order of the queue.
        unsafe { put.launch(queue) }.map_err(Error::wrap)?;
        Ok(true)
    }

    /// Of kernels for a GPU.
    pub(crate) fn kernels(&self) -> Result<&Queue> {
        self.queue.as_ref().ok_or_else(|| no_kernels(&self.tensor))
    }

    /// Puts values that the host has in the place of all, row by row.
    ///
    /// # Errors
    /// If they are of another type or number.
    pub fn write<T: HostValue>(&self, values: &[T]) -> Result<()> {
        if self.dtype() != T::DTYPE {
            return Err(Error::UnexpectedDType {
                msg: "values of the host",
                expected: self.dtype(),
                got: T::DTYPE,
            });
        }
        if values.len() != self.elem_count() {
            candle_core::bail!("{} values for {}", values.len(), self.elem_count());
        }
        if self.tensor.device().is_cpu() {
            return self.change(|own: &mut [T]| own.copy_from_slice(values));
        }
        self.set(&Tensor::from_slice(values, self.shape(), self.device())?)
    }

    /// Adds to all values.
    ///
    /// # Errors
    /// As [`Buffer::set`].
    pub fn add(&self, values: &Tensor) -> Result<()> {
        if !self.is_on_host() || values.dims() != self.dims() || values.dtype() != self.dtype() {
            return self.set(&(&self.tensor + values)?);
        }
        with_values(values, |values| {
            self.change(|sums: &mut [f32]| sums.iter_mut().zip(values).for_each(|(s, x)| *s += x))
        })?
    }
}

/// The first dimension, and numbers in each of its rows.
fn rows_of(x: &Tensor) -> Result<(usize, usize)> {
    let rows = x.dim(0)?;
    Ok((rows, x.elem_count() / rows.max(1)))
}

impl Deref for Buffer {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        &self.tensor
    }
}

/// A type of values that kernels for the CPU change.
pub trait HostValue: WithDType {
    /// Those of a storage, if it has values of this type.
    #[doc(hidden)]
    fn of(storage: &mut CpuStorage) -> Option<&mut [Self]>;
}

impl HostValue for f32 {
    fn of(storage: &mut CpuStorage) -> Option<&mut [Self]> {
        if let CpuStorage::F32(values) = storage { Some(values) } else { None }
    }
}

impl HostValue for u32 {
    fn of(storage: &mut CpuStorage) -> Option<&mut [Self]> {
        if let CpuStorage::U32(values) = storage { Some(values) } else { None }
    }
}

/// What changes values, until it has, and what it says then.
struct Change<T, F, R> {
    count: usize,
    how: Cell<Option<F>>,
    result: Cell<Option<R>>,
    of: PhantomData<T>,
}

impl<T: HostValue, F: FnOnce(&mut [T]) -> R, R> InplaceOp1 for Change<T, F, R> {
    fn name(&self) -> &'static str {
        KERNEL
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let start = layout.start_offset();
        let values = T::of(storage).and_then(|values| values.get_mut(start..start + self.count));
        if let (Some(values), Some(change)) = (values, self.how.take()) {
            self.result.set(Some(change(values)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_changed_where_they_are() -> Result<()> {
        let x = Tensor::zeros((3, 2), DType::F32, &Device::Cpu)?;
        let row = Buffer::of(x.narrow(0, 1, 1)?)?;
        row.change(|values: &mut [f32]| values.fill(7.0))?;
        row.add(&Tensor::new(&[[1_f32, 2.0]], &Device::Cpu)?)?;
        assert_eq!(x.to_vec2::<f32>()?, [[0.0, 0.0], [8.0, 9.0], [0.0, 0.0]]);
        assert!(row.change(|_: &mut [u32]| ()).is_err());
        assert!(row.set(&x).is_err());
        assert!(Buffer::of(x.narrow(1, 0, 1)?).is_err());
        row.write(&[3.0_f32, 4.0])?;
        assert_eq!(x.to_vec2::<f32>()?, [[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]]);
        assert!(row.write(&[3_u32, 4]).is_err());
        assert!(row.write(&[3.0_f32]).is_err());
        assert!(Buffer::zeros((0, 2), DType::F32, &Device::Cpu).is_err());
        Ok(())
    }

    #[test]
    fn rows_and_columns_take_their_place() -> Result<()> {
        let x = Buffer::zeros((2, 3, 2), DType::F32, &Device::Cpu)?;
        x.set_column(1, &Tensor::new(&[[1_f32, 2.0], [3.0, 4.0]], &Device::Cpu)?)?;
        let zero = [0.0, 0.0];
        let expected = [[zero, [1.0, 2.0], zero], [zero, [3.0, 4.0], zero]];
        assert_eq!(x.to_vec3::<f32>()?, expected);
        x.set_rows(1, &Tensor::ones((1, 3, 2), DType::F32, &Device::Cpu)?)?;
        assert_eq!(x.to_vec3::<f32>()?, [expected[0], [[1.0; 2]; 3]]);
        assert!(x.set_column(3, &Tensor::zeros((2, 2), DType::F32, &Device::Cpu)?).is_err());
        assert!(x.set_column(0, &Tensor::zeros((2, 3), DType::F32, &Device::Cpu)?).is_err());
        assert!(x.set_rows(2, &Tensor::zeros((1, 3, 2), DType::F32, &Device::Cpu)?).is_err());
        assert!(x.set_rows(0, &Tensor::zeros((1, 2, 2), DType::F32, &Device::Cpu)?).is_err());
        assert!(x.set(&Tensor::zeros((1, 3, 2), DType::F32, &Device::Cpu)?).is_err());
        Ok(())
    }

    #[test]
    fn what_no_kernel_adds_is_added_all_the_same() -> Result<()> {
        let sums = Buffer::zeros((1, 2), DType::BF16, &Device::Cpu)?;
        let values = Tensor::new(&[[1_f32, 2.0]], &Device::Cpu)?.to_dtype(DType::BF16)?;
        sums.add(&values)?;
        sums.add(&values)?;
        assert_eq!(sums.to_dtype(DType::F32)?.to_vec2::<f32>()?, [[2.0, 4.0]]);
        assert!(!sums.is_on_host());
        Ok(())
    }
}
