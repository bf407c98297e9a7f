//! How long a device works.

use std::time::Instant;

use anyhow::Result;
use candle_core::Device;

/// Seconds that a device needs for work that is put into its queue: by events of a GPU, so without
/// what the host does before and behind.
pub(super) fn seconds(
    device: &Device,
    work: impl FnOnce() -> candle_core::Result<()>,
) -> Result<f64> {
    #[cfg(feature = "cuda")]
    if let Device::Cuda(cuda) = device {
        use candle_core::cuda_backend::cudarc::driver::sys::CUevent_flags;

        let (stream, flags) = (cuda.cuda_stream(), Some(CUevent_flags::CU_EVENT_DEFAULT));
        let started = stream.record_event(flags)?;
        work()?;
        let ended = stream.record_event(flags)?;
        // Waits for the later one.
        return Ok(f64::from(started.elapsed_ms(&ended)?) / 1e3);
    }
    device.synchronize()?;
    let started = Instant::now();
    work()?;
    device.synchronize()?;
    Ok(started.elapsed().as_secs_f64())
}
