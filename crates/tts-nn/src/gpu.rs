//! Tensors, for the kernels of `tts-cuda`.

use std::cell::Cell;

use candle_core::{CpuStorage, DType, Device, Error, InplaceOp1, Layout, Result, Tensor};
use tts_cuda::{Address, Float, Queue};

use crate::graph::need;

/// What runs kernels after all that the tensor library has asked of a device; `None` where this
/// build has no kernels for it.
///
/// # Errors
/// If the driver cannot load the kernels; if the device has no queue of its own but one of the
/// process or of each thread, in which work of several threads has no order.
pub fn queue_of(device: &Device) -> Result<Option<Queue>> {
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => {
            let stream = device.cuda_stream();
            // The handles of the queues that the driver has by itself.
            if stream.cu_stream() as usize <= 2 {
                candle_core::bail!(
                    "a GPU without a queue of its own (Device::new_cuda_with_stream)"
                );
            }
            Ok(Some(Queue::Gpu(tts_cuda::Gpu::new(stream).map_err(Error::wrap)?)))
        }
        #[cfg(feature = "emulated")]
        Device::Cpu => Ok(EMULATED.get().map(|()| Queue::Emulated(tts_cuda::Order::default()))),
        _ => Ok(None),
    }
}

#[cfg(feature = "emulated")]
static EMULATED: std::sync::OnceLock<()> = std::sync::OnceLock::new();

/// From now on the kernels for GPUs, emulated, compute what is on the CPU and not packed: for tests
/// of all that calls them.
#[cfg(feature = "emulated")]
pub fn emulate_gpu() {
    EMULATED.get_or_init(|| ());
}

/// The type of what is computed from weights of a type: kernels for GPUs read the weights as they
/// are, and everything else in f32.
///
/// # Errors
/// As [`queue_of`].
pub fn computed_in(weights: DType, device: &Device) -> Result<DType> {
    Ok(if queue_of(device)?.is_some() { DType::F32 } else { weights })
}

/// There are no kernels for the device of a tensor.
pub(crate) fn no_kernels(x: &Tensor) -> Error {
    Error::Msg(format!("no kernels for {:?}", x.device().location()))
}

/// The type of weights, for a kernel.
pub(crate) fn float(dtype: DType) -> Result<Float> {
    match dtype {
        DType::F32 => Ok(Float::F32),
        DType::BF16 => Ok(Float::Bf16),
        found => Err(Error::UnsupportedDTypeForOp(found, NAME)),
    }
}

/// The same values, from an address on that kernels load from.
pub(crate) fn aligned(tensor: &Tensor) -> Result<Tensor> {
    let tensor = tensor.contiguous()?;
    let Address(address) = address_of(&tensor)?;
    // A mere copy would begin as far behind a multiple.
    if address.is_multiple_of(ALIGN) { Ok(tensor) } else { tensor.force_contiguous() }
}

/// Loads of weights begin at multiples of so many bytes.
const ALIGN: u64 = 16;

/// Where a tensor of f32 is that has `dims`, for a kernel.
pub(crate) fn values_of(x: &Tensor, dims: &[usize]) -> Result<Address> {
    if x.dims() != dims || x.dtype() != DType::F32 {
        candle_core::bail!(
            "{:?} in {:?}, expected {dims:?} in {:?}",
            x.dims(),
            x.dtype(),
            DType::F32
        );
    }
    address_of(x)
}

/// Where the first value of a contiguous tensor is. It stays there as long as the tensor lives.
///
/// # Errors
/// If it is not contiguous, or has a type that no kernel has.
pub fn address_of(x: &Tensor) -> Result<Address> {
    if !x.is_contiguous() {
        return Err(Error::RequiresContiguous { op: NAME });
    }
    let locate = Locate { size: x.dtype().size_in_bytes(), found: Cell::new(None) };
    x.inplace_op1(&locate)?;
    need([x]);
    locate.found.into_inner().ok_or(Error::UnsupportedDTypeForOp(x.dtype(), NAME))
}

const NAME: &str = "a kernel for a GPU";

/// Sees where values are, and changes nothing.
struct Locate {
    size: usize,
    found: Cell<Option<Address>>,
}

impl Locate {
    fn set(&self, first: Option<Address>, layout: &Layout) {
        self.found.set(first.map(|first| first.after(layout.start_offset() * self.size)));
    }
}

impl InplaceOp1 for Locate {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let first = match storage {
            CpuStorage::F32(values) => Some(Address::of(values.as_mut_ptr())),
            CpuStorage::BF16(values) => Some(Address::of(values.as_mut_ptr())),
            CpuStorage::U32(values) => Some(Address::of(values.as_mut_ptr())),
            CpuStorage::I64(values) => Some(Address::of(values.as_mut_ptr())),
            CpuStorage::U8(values) => Some(Address::of(values.as_mut_ptr())),
            _ => None,
        };
        self.set(first, layout);
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, storage: &mut candle_core::CudaStorage, layout: &Layout) -> Result<()> {
        use candle_core::cuda_backend::CudaStorageSlice as Slice;
        use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaStream, DevicePtrMut};

        fn first<T>(values: &mut CudaSlice<T>, stream: &CudaStream) -> Address {
            Address(values.device_ptr_mut(stream).0)
        }
        let stream = storage.device.cuda_stream();
        let first = match &mut storage.slice {
            Slice::F32(values) => Some(first(values, &stream)),
            Slice::BF16(values) => Some(first(values, &stream)),
            Slice::U32(values) => Some(first(values, &stream)),
            Slice::I64(values) => Some(first(values, &stream)),
            Slice::U8(values) => Some(first(values, &stream)),
            _ => None,
        };
        self.set(first, layout);
        Ok(())
    }
}
