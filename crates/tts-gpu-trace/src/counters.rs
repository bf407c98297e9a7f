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
    NvmlFunctions of "libnvidia-ml.so.1" or [];
    init = "nvmlInit_v2": fn();
    shutdown = "nvmlShutdown": fn();
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
    /// Number of the GPU, in the order of NVML, which need not be that of CUDA.
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
        let mut count = 0;
        // SAFETY: there is room for the number.
        check("nvmlDeviceGetCount_v2", unsafe { (nvml.0.count)(&raw mut count) })?;
        if count == 0 {
            return Err(GpuError::NoGpu);
        }
        let mut last = Vec::new();
        nvml.read(count, &mut last);
        let mut first = Vec::new();
        add_changes(&mut first, &last, &[], epoch);
        let samples = Arc::new(Mutex::new(first));
        let (stop, stopped) = channel();
        let shared = samples.clone();
        let thread =
            std::thread::Builder::new().name("gpu-counters".to_owned()).spawn(move || {
                let mut now = Vec::new();
                while stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                    nvml.read(count, &mut now);
                    let mut samples = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    add_changes(&mut samples, &now, &last, epoch);
                    drop(samples);
                    std::mem::swap(&mut now, &mut last);
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

/// Adds what is different from the last time.
fn add_changes(
    samples: &mut Vec<CounterSample>,
    now: &[Reading],
    last: &[Reading],
    epoch: Instant,
) {
    let at_ns = epoch.elapsed().as_nanos() as u64;
    let changed = now.iter().filter(|reading| !last.contains(reading));
    samples.extend(changed.map(|&(gpu, counter, value)| CounterSample {
        gpu,
        counter,
        at_ns,
        value,
    }));
}

/// NVML while it is in use.
struct Nvml(NvmlFunctions);

impl Nvml {
    fn open() -> Result<Self, GpuError> {
        let functions = NvmlFunctions::open()?;
        // SAFETY: takes nothing.
        check("nvmlInit_v2", unsafe { (functions.init)() })?;
        Ok(Self(functions))
    }

    /// Puts the counters of the first `count` GPUs in place of those before.
    fn read(&self, count: u32, readings: &mut Vec<Reading>) {
        readings.clear();
        for gpu in 0..count {
            let read = self.read_one(gpu).into_iter().flatten().flatten();
            readings.extend(read.map(|(counter, value)| (gpu, counter, value)));
        }
    }

    /// The counters of a GPU, without those that it does not have.
    fn read_one(&self, gpu: u32) -> Option<[Option<(Counter, u64)>; 5]> {
        let Self(nvml) = self;
        let mut device = std::ptr::null_mut();
        let (mut used, mut memory) = ([0_u32; 2], [0_u64; 3]);
        let (mut power, mut clock) = (0_u32, 0_u32);
        // SAFETY: the device is one where the first call succeeds, and there is room for
        // each answer.
        let codes = unsafe {
            if (nvml.device)(gpu, &raw mut device) != 0 {
                return None;
            }
            [
                (nvml.utilization)(device, &raw mut used),
                (nvml.memory)(device, &raw mut memory),
                (nvml.power)(device, &raw mut power),
                (nvml.clock)(device, SM_CLOCK, &raw mut clock),
            ]
        };
        let [has_use, has_memory, has_power, has_clock] = codes.map(|code| code == 0);
        // Memory is total, free and used.
        Some([
            has_use.then_some((Counter::Use, used[0].into())),
            has_use.then_some((Counter::MemoryUse, used[1].into())),
            has_memory.then_some((Counter::Memory, memory[2] / 1_000_000)),
            has_power.then_some((Counter::Power, u64::from(power) / 1000)),
            has_clock.then_some((Counter::Clock, clock.into())),
        ])
    }
}

impl Drop for Nvml {
    fn drop(&mut self) {
        // SAFETY: takes nothing; NVML counts those who use it.
        unsafe { (self.0.shutdown)() };
    }
}
