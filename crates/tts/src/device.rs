use std::fmt;
use std::str::FromStr;

use candle_core::{Device, DeviceLocation};

use crate::error::TtsError;

/// Where a model computes: `auto`, `cpu`, `cuda` or `cuda:N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceName {
    /// The first GPU if there is one that this build can use, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU by its number; needs the feature `cuda`.
    Cuda(usize),
}

/// A text that names no device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?}; expected auto, cpu, cuda or cuda:N")]
pub struct DeviceNameError(String);

impl FromStr for DeviceName {
    type Err = DeviceNameError;

    fn from_str(text: &str) -> Result<Self, DeviceNameError> {
        let unknown = || DeviceNameError(text.to_owned());
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => {
                let number = text.strip_prefix("cuda:").ok_or_else(unknown)?;
                number.parse().map(Self::Cuda).map_err(|_| unknown())
            }
        }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl DeviceName {
    /// Opens the device. A GPU gets a queue of its own, so that all threads that use the
    /// device share one order of work.
    ///
    /// # Errors
    /// If a GPU is asked for and this build or this machine has none.
    pub fn open(self) -> Result<Device, TtsError> {
        match self {
            Self::Auto => Ok(gpu(0).unwrap_or(Device::Cpu)),
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(_) if !candle_core::utils::cuda_is_available() => Err(TtsError::Device {
                name: self,
                source: "this build has no CUDA (cargo feature `cuda`)".into(),
            }),
            Self::Cuda(number) => {
                gpu(number).map_err(|source| TtsError::Device { name: self, source: source.into() })
            }
        }
    }
}

/// The same device, a GPU with another queue: what is put there runs beside the first one's work.
pub(crate) fn beside(device: &Device) -> candle_core::Result<Device> {
    match device.location() {
        DeviceLocation::Cuda { gpu_id } => gpu(gpu_id),
        DeviceLocation::Cpu | DeviceLocation::Metal { .. } => Ok(device.clone()),
    }
}

/// A GPU with a queue of its own.
fn gpu(number: usize) -> candle_core::Result<Device> {
    let device = Device::new_cuda_with_stream(number)?;
    #[cfg(feature = "cuda")]
    if let Device::Cuda(cuda) = &device {
        // SAFETY: all tensors of the device are used in the order of its one queue.
        unsafe { cuda.disable_event_tracking() };
        keep_memory(number).map_err(candle_core::Error::wrap)?;
        // A GPU that the kernels are not compiled for is none.
        tts_nn::queue_of(&device)?;
    }
    Ok(device)
}

/// Lets the driver keep memory that was freed: it would give it back at every wait else.
#[cfg(feature = "cuda")]
fn keep_memory(
    number: usize,
) -> Result<(), candle_core::cuda_backend::cudarc::driver::DriverError> {
    use candle_core::cuda_backend::cudarc::driver::{result, sys};

    let threshold = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
    let mut all = u64::MAX;
    let device = result::device::get(number as i32)?;
    // SAFETY: a device that is open, its own pool, and a value of the type of the attribute.
    unsafe {
        let pool = result::device::get_default_mem_pool(device)?;
        result::mem_pool::set_attribute(pool, threshold, (&raw mut all).cast())
    }
}

/// The device that was opened: never [`DeviceName::Auto`].
impl From<&Device> for DeviceName {
    fn from(device: &Device) -> Self {
        match device.location() {
            DeviceLocation::Cuda { gpu_id } => Self::Cuda(gpu_id),
            DeviceLocation::Cpu | DeviceLocation::Metal { .. } => Self::Cpu,
        }
    }
}

/// The queue into which a GPU gets its work, for `tts_profiling::record` to watch. None on
/// the CPU.
#[cfg(feature = "profiling")]
pub fn gpu_queue(device: &Device) -> Option<tts_gpu_trace::Stream> {
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda(cuda) => {
            let stream = cuda.cuda_stream();
            // SAFETY: this is its handle, and it lives as long as the stream does.
            Some(unsafe { tts_gpu_trace::Stream::from_raw(stream.cu_stream().cast(), stream) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::DeviceName;

    #[test]
    fn devices_are_named_as_documented() {
        for (text, device) in [
            ("auto", DeviceName::Auto),
            ("cpu", DeviceName::Cpu),
            ("cuda", DeviceName::Cuda(0)),
            ("cuda:3", DeviceName::Cuda(3)),
        ] {
            assert_eq!(text.parse(), Ok(device));
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        for text in ["", "gpu", "cuda:", "cuda:-1", "cuda:0:1", "CPU"] {
            let error = text.parse::<DeviceName>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("{text:?}; expected")), "{error}");
        }
    }

    #[test]
    fn the_cpu_is_always_there() {
        assert!(DeviceName::Cpu.open().unwrap().is_cpu());
        assert_eq!(DeviceName::from(&DeviceName::Cpu.open().unwrap()), DeviceName::Cpu);
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_build_without_cuda_says_so() {
        assert!(DeviceName::Auto.open().unwrap().is_cpu());
        let error = DeviceName::Cuda(1).open().unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot compute on cuda:1: this build has no CUDA (cargo feature `cuda`)"
        );
    }
}
