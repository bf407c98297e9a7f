//! The kernels, compiled for the CPU with `kernels/cuda_cpu_shim.h`.

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_void};

use crate::error::LaunchError;
use crate::kernel::{Arg, Kernel, Launch};
use crate::queue::Order;

/// Runs all threads of a kernel; false if one broke a rule.
pub(crate) type Function =
    unsafe extern "C" fn(*const u32, *const u32, usize, *mut *mut c_void) -> bool;

pub(crate) mod functions {
    use std::ffi::c_void;

    macro_rules! declare {
        ($($name:ident)*) => {
            unsafe extern "C" {
                $(pub(crate) fn $name(
                    grid: *const u32,
                    block: *const u32,
                    shared: usize,
                    args: *mut *mut c_void,
                ) -> bool;)*
            }
        };
    }

    crate::kernel::emulated_kernels!(declare);
}

unsafe extern "C" {
    /// What was wrong with the last launch of this thread.
    fn cuda_cpu_last_error() -> *const c_char;
    /// How threads of later launches of this thread run: forwards 0, backwards -1, else a seed.
    fn cuda_cpu_order(order: i64);
}

/// The value of an argument, as it lies in memory.
fn bits(arg: &Arg) -> u64 {
    match arg {
        Arg::Memory(address) => address.map_or(0, |address| address.0),
        Arg::U32(number) => u64::from(*number),
        Arg::F32(number) => u64::from(number.to_bits()),
    }
}

/// Launches that were recorded in a thread.
#[derive(Default)]
pub(crate) struct Recording(Vec<(Order, Kernel, Launch, Vec<Arg>)>);

thread_local! {
    /// Of this thread, while there is one.
    static RECORDING: RefCell<Option<Recording>> = const { RefCell::new(None) };
}

/// See [`crate::Queue::record`].
pub(crate) fn record<E: From<LaunchError>>(
    work: impl FnOnce() -> Result<(), E>,
) -> Result<Recording, E> {
    let outer = Outer(RECORDING.take());
    if outer.0.is_some() {
        return Err(LaunchError::Recording.into());
    }
    RECORDING.set(Some(Recording::default()));
    work()?;
    Ok(RECORDING.take().unwrap_or_default())
}

/// What was recorded around a recording, which goes on behind it, even if a panic ends it.
struct Outer(Option<Recording>);

impl Drop for Outer {
    fn drop(&mut self) {
        RECORDING.set(self.0.take());
    }
}

impl Recording {
    /// See [`crate::Graph::launch`].
    ///
    /// # Safety
    /// As there.
    pub(crate) unsafe fn launch(&self) -> Result<(), LaunchError> {
        for (order, kernel, shape, args) in &self.0 {
            // SAFETY: as promised by the caller.
            unsafe { launch(*order, *kernel, *shape, args)? };
        }
        Ok(())
    }
}

/// See [`crate::Queue::launch`].
///
/// # Safety
/// As there.
pub(crate) unsafe fn launch(
    order: Order,
    kernel: Kernel,
    launch: Launch,
    args: &[Arg],
) -> Result<(), LaunchError> {
    let is_recorded = RECORDING.with_borrow_mut(|recording| {
        let launches = recording.as_mut().map(|recording| &mut recording.0);
        launches.map(|launches| launches.push((order, kernel, launch, args.to_vec()))).is_some()
    });
    if is_recorded {
        return Ok(());
    }
    // The first bytes of each are the argument: processors that this is for are little-endian.
    let mut values: Vec<u64> = args.iter().map(bits).collect();
    let mut args: Vec<*mut c_void> =
        values.iter_mut().map(|value| std::ptr::from_mut(value).cast()).collect();
    let Launch { grid, block, shared } = launch;
    if shared > Launch::MOST_SHARED {
        let what = format!("{shared} bytes of shared memory, at most {}", Launch::MOST_SHARED);
        return Err(LaunchError::Emulated { kernel: kernel.name(), what });
    }
    let order = match order {
        Order::Forwards => 0,
        Order::Backwards => -1,
        Order::Shuffled(seed) => i64::from(seed) + 1,
    };
    // SAFETY: any number is an order.
    unsafe { cuda_cpu_order(order) };
    // SAFETY: three numbers each, and a pointer to every argument; the rest is promised by the
    // caller.
    let ran = unsafe {
        kernel.emulated()(grid.as_ptr(), block.as_ptr(), shared as usize, args.as_mut_ptr())
    };
    if ran {
        return Ok(());
    }
    // SAFETY: a text that lives until the next launch of this thread.
    let what = unsafe { CStr::from_ptr(cuda_cpu_last_error()) };
    Err(LaunchError::Emulated { kernel: kernel.name(), what: what.to_string_lossy().into_owned() })
}
