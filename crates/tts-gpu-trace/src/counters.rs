use std::ffi::c_void;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::GpuError;
use crate::error::check;
use crate::library::functions;

functions! {
    /// NVML, the management library of the driver.
    Nvml of "libnvidia-ml.so.1" or [];
    init = "nvmlInit_v2": fn();
    count = "nvmlDeviceGetCount_v2": fn(*mut u32);
    device = "nvmlDeviceGetHandleByIndex_v2": fn(u32, *mut *mut c_void);
    utilization = "nvmlDeviceGetUtilizationRates": fn(*mut c_void, *mut [u32; 2]);
    memory = "nvmlDeviceGetMemoryInfo": fn(*mut c_void, *mut [u64; 3]);
    power = "nvmlDeviceGetPowerUsage": fn(*mut c_void, *mut u32);
    clock = "nvmlDeviceGetClockInfo": fn(*mut c_void, u32, *mut u32);
}

/// The clock of the multiprocessors, as NVML numbers it.
const SM_CLOCK: u32 = 1;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Counter {
    /// Percent of the time in which a kernel ran.
    Use,
    /// Percent of the time in which memory was read or written.
    MemoryUse,
    /// Memory in use, in megabytes.
    Memory,
    /// Power, in watts.
    Power,
    /// Clock of the multiprocessors, in megahertz.
    Clock,
}

impl Counter {
    /// The counter and its unit, as they are written into traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Use => "use (%)",
            Self::MemoryUse => "memory use (%)",
            Self::Memory => "memory (MB)",
            Self::Power => "power (W)",
            Self::Clock => "clock (MHz)",
        }
    }
}

/// A counter at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CounterSample {
    /// Number of the GPU.
    pub gpu: u32,
    /// What is counted.
    pub counter: Counter,
    /// Nanoseconds from the epoch of the recording.
    pub at_ns: u64,
    /// Its value, in the unit of the counter.
    pub value: u64,
}

/// Reads the counters of all GPUs at regular times, on a thread of its own.
#[derive(Debug)]
pub struct Counters {
    samples: Arc<Mutex<Vec<CounterSample>>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Counters {
    /// Starts to read every `period`. Times are counted from `epoch`.
    ///
    /// # Errors
    /// If there is no driver or no GPU, and if there is no thread to be had.
    pub fn start(epoch: Instant, period: Duration) -> Result<Self, GpuError> {
        let nvml = Nvml::open()?;
        // SAFETY: takes nothing.
        check("nvmlInit_v2", unsafe { (nvml.init)() })?;
        let mut count = 0;
        // SAFETY: there is room for the number.
        check("nvmlDeviceGetCount_v2", unsafe { (nvml.count)(&raw mut count) })?;
        let mut last = nvml.read(count);
        let samples = Arc::new(Mutex::new(changes(&last, &[], epoch)));
        let (stop, stopped) = channel();
        let shared = samples.clone();
        let thread =
            std::thread::Builder::new().name("gpu-counters".to_owned()).spawn(move || {
                while stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                    let now = nvml.read(count);
                    let changes = changes(&now, &last, epoch);
                    shared.lock().unwrap_or_else(PoisonError::into_inner).extend(changes);
                    last = now;
                }
            })?;
        Ok(Self { samples, stop: Some(stop), thread: Some(thread) })
    }

    /// The changes that were seen and not taken before, in their order.
    pub fn take(&self) -> Vec<CounterSample> {
        std::mem::take(&mut self.samples.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Counters {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported by itself.
            let _ = thread.join();
        }
    }
}

/// A GPU, what is counted, and its value.
type Reading = (u32, Counter, u64);

/// What is different from the last time.
fn changes(now: &[Reading], last: &[Reading], epoch: Instant) -> Vec<CounterSample> {
    let at_ns = epoch.elapsed().as_nanos() as u64;
    let changed = now.iter().filter(|reading| !last.contains(reading));
    changed.map(|&(gpu, counter, value)| CounterSample { gpu, counter, at_ns, value }).collect()
}

impl Nvml {
    /// The counters of the first `count` GPUs.
    fn read(&self, count: u32) -> Vec<Reading> {
        let of = |gpu| self.read_one(gpu).into_iter().map(move |(c, value)| (gpu, c, value));
        (0..count).flat_map(of).collect()
    }

    /// The counters of a GPU, without those that it does not have.
    fn read_one(&self, gpu: u32) -> Vec<(Counter, u64)> {
        let mut device = std::ptr::null_mut();
        let (mut used, mut memory, mut power, mut clock) = ([0; 2], [0; 3], 0, 0);
        // SAFETY: the device is one where the first call succeeds, and there is room for
        // each answer.
        let read = unsafe {
            if (self.device)(gpu, &raw mut device) != 0 {
                return Vec::new();
            }
            let use_read = (self.utilization)(device, &raw mut used) == 0;
            [
                (use_read, Counter::Use, u64::from(used[0])),
                (use_read, Counter::MemoryUse, u64::from(used[1])),
                (
                    (self.memory)(device, &raw mut memory) == 0,
                    Counter::Memory,
                    // Total, free, used.
                    memory[2] / 1_000_000,
                ),
                (
                    (self.power)(device, &raw mut power) == 0,
                    Counter::Power,
                    u64::from(power) / 1000,
                ),
                (
                    (self.clock)(device, SM_CLOCK, &raw mut clock) == 0,
                    Counter::Clock,
                    u64::from(clock),
                ),
            ]
        };
        read.into_iter().filter(|&(is_there, ..)| is_there).map(|(_, c, v)| (c, v)).collect()
    }
}
