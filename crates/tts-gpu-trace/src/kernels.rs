use std::ffi::c_void;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::error::check;
use crate::library::functions;
use crate::{Activity, GpuError, records};

functions! {
    /// The activity interface of CUPTI.
    Cupti of "libcupti.so" or ["libcupti.so.13", "libcupti.so.12", "libcupti.so.11.8"];
    timestamp = "cuptiGetTimestamp": fn(*mut u64);
    register = "cuptiActivityRegisterCallbacks": fn(RequestBuffer, CompleteBuffer);
    enable = "cuptiActivityEnable": fn(u32);
    disable = "cuptiActivityDisable": fn(u32);
    flush = "cuptiActivityFlushAll": fn(u32);
    next_record = "cuptiActivityGetNextRecord": fn(*mut u8, usize, *mut *mut u8);
    dropped = "cuptiActivityGetNumDroppedRecords": fn(*mut c_void, u32, *mut usize);
    push = "cuptiActivityPushExternalCorrelationId": fn(u32, u64);
    pop = "cuptiActivityPopExternalCorrelationId": fn(u32, *mut u64);
}

/// CUPTI asks for memory: address, bytes and the most records it may put there.
type RequestBuffer = unsafe extern "C" fn(*mut *mut u8, *mut usize, *mut usize);
/// CUPTI gives it back: context, queue, address, bytes and bytes used.
type CompleteBuffer = unsafe extern "C" fn(*mut c_void, u32, *mut u8, usize, usize);

/// Kinds of records that are asked for, in the numbers of CUPTI. Those of the calls
/// themselves have to be there for sections to be known.
const KINDS: [u32; 7] = [
    records::SECTION,
    records::RUNTIME_CALL,
    records::DRIVER_CALL,
    records::KERNEL,
    records::COPY,
    records::FILL,
    records::WAIT,
];
/// Gives out buffers whose records are complete.
const FLUSH: u32 = 0;
/// Gives out all buffers.
const FLUSH_FORCED: u32 = 1;

/// CUPTI keeps addresses of ours, so it is never unloaded.
static CUPTI: OnceLock<Cupti> = OnceLock::new();
static RUNNING: AtomicBool = AtomicBool::new(false);

/// CUPTI, if it was opened.
pub(crate) fn cupti() -> Option<&'static Cupti> {
    CUPTI.get()
}

fn opened() -> Result<&'static Cupti, GpuError> {
    match CUPTI.get() {
        Some(cupti) => Ok(cupti),
        None => Cupti::open().map(|cupti| CUPTI.get_or_init(|| cupti)),
    }
}

/// Records every kernel, copy and fill of this process, on all GPUs, and every wait of the
/// host for them.
#[derive(Debug)]
pub struct Kernels {
    /// What CUPTI's clock says at the epoch of the recording.
    epoch_ns: u64,
}

impl Kernels {
    /// Starts to record. Times are counted from `epoch`.
    ///
    /// # Errors
    /// If CUPTI is not installed, if there is no GPU, and if kernels are recorded already,
    /// here or by a tool of NVIDIA.
    pub fn start(epoch: Instant) -> Result<Self, GpuError> {
        let cupti = opened()?;
        if RUNNING.swap(true, Ordering::AcqRel) {
            return Err(GpuError::Busy);
        }
        // Stops again if it does not come to the end.
        let mut kernels = Self { epoch_ns: 0 };
        // SAFETY: both functions stay where they are and keep to CUPTI's protocol.
        check("cuptiActivityRegisterCallbacks", unsafe {
            (cupti.register)(records::request, records::complete)
        })?;
        for kind in KINDS {
            // SAFETY: any number may be asked for.
            check("cuptiActivityEnable", unsafe { (cupti.enable)(kind) })?;
        }
        let mut now = 0;
        // SAFETY: there is room for the time.
        check("cuptiGetTimestamp", unsafe { (cupti.timestamp)(&raw mut now) })?;
        kernels.epoch_ns = now.saturating_sub(epoch.elapsed().as_nanos() as u64);
        Ok(kernels)
    }

    /// What this thread asks for from here on belongs to a section.
    pub fn enter(&self, section: u64) {
        if let Some(cupti) = cupti() {
            // SAFETY: takes numbers only.
            unsafe { (cupti.push)(records::SECTIONS_OF_OURS, section) };
        }
    }

    /// The end of the section that was entered last.
    pub fn exit(&self) {
        let mut section = 0;
        if let Some(cupti) = cupti() {
            // SAFETY: there is room for the section.
            unsafe { (cupti.pop)(records::SECTIONS_OF_OURS, &raw mut section) };
        }
    }

    /// What was done and not taken before, in the order of its begin. While the GPU works,
    /// some of it may come with a later call.
    pub fn take(&self) -> Activity {
        self.flush(FLUSH)
    }

    /// As [`Kernels::take`], for the last time: what has not ended is lost.
    pub fn finish(&self) -> Activity {
        self.flush(FLUSH_FORCED)
    }

    fn flush(&self, how: u32) -> Activity {
        if let Some(cupti) = cupti() {
            let mut dropped = 0;
            // SAFETY: takes a number only; and there is room for the count of all queues.
            unsafe {
                (cupti.flush)(how);
                (cupti.dropped)(std::ptr::null_mut(), 0, &raw mut dropped);
            }
            records::lose(dropped as u64);
        }
        records::take(self.epoch_ns)
    }

    /// Records that CUPTI had no room for or no time of, so far.
    pub fn lost(&self) -> u64 {
        records::lost()
    }
}

impl Drop for Kernels {
    fn drop(&mut self) {
        if let Some(cupti) = cupti() {
            for kind in KINDS {
                // SAFETY: takes a number only.
                unsafe { (cupti.disable)(kind) };
            }
        }
        drop(self.flush(FLUSH_FORCED));
        records::forget_lost();
        RUNNING.store(false, Ordering::Release);
    }
}
