use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::error::check;
use crate::library::functions;
use crate::{GpuError, Work, WorkKind};

functions! {
    /// The events of the CUDA driver.
    Driver of "libcuda.so.1" or [];
    create = "cuEventCreate": fn(*mut *mut c_void, u32);
    destroy = "cuEventDestroy_v2": fn(*mut c_void);
    record = "cuEventRecord": fn(*mut c_void, *mut c_void);
    query = "cuEventQuery": fn(*mut c_void);
    wait = "cuEventSynchronize": fn(*mut c_void);
    elapsed = "cuEventElapsedTime": fn(*mut f32, *mut c_void, *mut c_void);
    is_capturing = "cuStreamIsCapturing": fn(*mut c_void, *mut u32);
    context_of = "cuStreamGetCtx": fn(*mut c_void, *mut *mut c_void);
    push_context = "cuCtxPushCurrent_v2": fn(*mut c_void);
    pop_context = "cuCtxPopCurrent_v2": fn(*mut *mut c_void);
    device_of_context = "cuCtxGetDevice": fn(*mut i32);
}

/// A queue of a GPU: a CUDA stream.
pub struct Stream {
    handle: *mut c_void,
    /// What the stream is alive with.
    _owner: Box<dyn Any + Send + Sync>,
}

// SAFETY: a stream can be used and dropped on any thread.
unsafe impl Send for Stream {}
// SAFETY: as above; nothing of it changes.
unsafe impl Sync for Stream {}

impl Stream {
    /// From the driver's handle, a `CUstream`, and something that keeps it alive.
    ///
    /// # Safety
    /// The handle has to be one, of a context that exists, as long as `owner` does.
    pub unsafe fn from_raw(handle: *mut c_void, owner: impl Any + Send + Sync) -> Self {
        Self { handle, _owner: Box::new(owner) }
    }
}

/// Marks pending before they are looked at.
const LOOK_EVERY: usize = 1024;

/// Puts a mark into a queue where sections begin and end, and reads the times at which the
/// GPU came by.
///
/// It needs nothing but the driver. It waits for the GPU at its start and in
/// [`QueueMarks::take`], and not in between.
pub struct QueueMarks {
    driver: Driver,
    stream: Stream,
    context: *mut c_void,
    gpu: u32,
    state: Mutex<State>,
}

// SAFETY: the handles are only used with the driver, which can be called from any thread.
unsafe impl Send for QueueMarks {}
// SAFETY: as above; what changes is behind a lock.
unsafe impl Sync for QueueMarks {}

/// A handle of the driver, a `CUevent`.
type Event = *mut c_void;

struct State {
    /// Events that can be used again.
    free: Vec<Event>,
    /// Marks that the GPU was not seen to have passed, in the order of the queue.
    pending: VecDeque<Mark>,
    /// The last one it passed, and when, from the epoch of the recording.
    last: Event,
    last_ns: f64,
    /// Begins of sections without an end so far.
    open: HashMap<u64, u64>,
    passed: Vec<Work>,
    /// Marks that the driver lost.
    lost: u64,
}

struct Mark {
    event: Event,
    section: u64,
    is_begin: bool,
}

impl QueueMarks {
    /// Starts with a queue that has caught up: this waits for it. Times are counted from
    /// `epoch`.
    ///
    /// # Errors
    /// If there is no driver, or if it refuses the stream.
    pub fn start(stream: Stream, epoch: Instant) -> Result<Self, GpuError> {
        let driver = Driver::open()?;
        let (mut context, mut gpu) = (std::ptr::null_mut(), 0);
        // SAFETY: the stream is one, and there is room for the answer.
        unsafe { check("cuStreamGetCtx", (driver.context_of)(stream.handle, &raw mut context))? };
        let inside = Inside::of(&driver, context);
        let mut first = std::ptr::null_mut();
        // SAFETY: there is room for the answers.
        unsafe {
            check("cuCtxGetDevice", (driver.device_of_context)(&raw mut gpu))?;
            check("cuEventCreate", (driver.create)(&raw mut first, 0))?;
        }
        drop(inside);
        let state = State {
            free: Vec::new(),
            pending: VecDeque::new(),
            last: first,
            last_ns: 0.0,
            open: HashMap::new(),
            passed: Vec::new(),
            lost: 0,
        };
        let gpu = gpu.unsigned_abs();
        let marks = Self { driver, stream, context, gpu, state: Mutex::new(state) };
        let inside = Inside::of(&marks.driver, context);
        // SAFETY: the event is recorded into a stream of its context.
        unsafe {
            check("cuEventRecord", (marks.driver.record)(first, marks.stream.handle))?;
            check("cuEventSynchronize", (marks.driver.wait)(first))?;
        }
        drop(inside);
        marks.state().last_ns = epoch.elapsed().as_nanos() as f64;
        Ok(marks)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The begin of a section.
    pub fn enter(&self, section: u64) {
        self.mark(section, true);
    }

    /// The end of a section.
    pub fn exit(&self, section: u64) {
        self.mark(section, false);
    }

    /// Puts a mark into the queue. Where the queue is being captured into a graph, and
    /// where the driver refuses, there is none.
    fn mark(&self, section: u64, is_begin: bool) {
        let mut state = self.state();
        let _inside = Inside::of(&self.driver, self.context);
        let (stream, mut capturing) = (self.stream.handle, 0);
        // SAFETY: the stream is of this driver, and there is room for the answer.
        let asked = unsafe { (self.driver.is_capturing)(stream, &raw mut capturing) };
        if asked != 0 || capturing != 0 {
            return;
        }
        let mut event = state.free.pop().unwrap_or(std::ptr::null_mut());
        // SAFETY: there is room for an event, and it is recorded into a stream of its
        // context.
        unsafe {
            if event.is_null() && (self.driver.create)(&raw mut event, 0) != 0 {
                return;
            }
            if (self.driver.record)(event, stream) != 0 {
                state.free.push(event);
                return;
            }
        }
        state.pending.push_back(Mark { event, section, is_begin });
        if state.pending.len().is_multiple_of(LOOK_EVERY) {
            self.collect(&mut state, false);
        }
    }

    /// Reads the times of marks that were passed; of all, if it may wait.
    fn collect(&self, state: &mut State, wait: bool) {
        while let Some(mark) = state.pending.front() {
            let mut ms = 0.0;
            // SAFETY: the events are of this driver, and both were recorded.
            let passed = unsafe {
                let ask = if wait { self.driver.wait } else { self.driver.query };
                ask(mark.event) == 0
                    && (self.driver.elapsed)(&raw mut ms, state.last, mark.event) == 0
            };
            if !passed && !wait {
                return;
            }
            let Some(mark) = state.pending.pop_front() else { return };
            if !passed {
                // Its section has no times.
                state.lost += 1;
                state.free.push(mark.event);
                continue;
            }
            // From mark to mark, so that sections nest however long the recording is.
            state.last_ns += f64::from(ms) * 1e6;
            state.free.push(std::mem::replace(&mut state.last, mark.event));
            let now = state.last_ns as u64;
            if mark.is_begin {
                state.open.insert(mark.section, now);
            } else if let Some(start_ns) = state.open.remove(&mark.section) {
                state.passed.push(Work {
                    kind: WorkKind::Section,
                    name: WorkKind::Section.name(),
                    section: Some(mark.section),
                    gpu: self.gpu,
                    queue: 0,
                    start_ns,
                    end_ns: now,
                });
            }
        }
    }

    /// The sections that ended and were not taken before, in the order of their begin.
    /// Waits until the GPU has passed the last mark.
    pub fn take(&self) -> Vec<Work> {
        let mut state = self.state();
        let _inside = Inside::of(&self.driver, self.context);
        self.collect(&mut state, true);
        let mut taken = std::mem::take(&mut state.passed);
        taken.sort_by_key(|work| (work.start_ns, std::cmp::Reverse(work.end_ns)));
        taken
    }

    /// Marks that the driver lost, so far.
    pub fn lost(&self) -> u64 {
        self.state().lost
    }
}

/// Makes a context that of this thread, and gives the thread back what it had.
struct Inside<'d>(&'d Driver);

impl<'d> Inside<'d> {
    fn of(driver: &'d Driver, context: *mut c_void) -> Self {
        // SAFETY: the context is of this driver.
        unsafe { (driver.push_context)(context) };
        Self(driver)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let mut context = std::ptr::null_mut();
        // SAFETY: there is room for the context.
        unsafe { (self.0.pop_context)(&raw mut context) };
    }
}

impl Drop for QueueMarks {
    fn drop(&mut self) {
        let state = self.state();
        let _inside = Inside::of(&self.driver, self.context);
        let pending = state.pending.iter().map(|mark| mark.event);
        for event in state.free.iter().copied().chain(pending).chain([state.last]) {
            // SAFETY: each is an event of this driver, and nobody else has it.
            unsafe { (self.driver.destroy)(event) };
        }
    }
}

impl std::fmt::Debug for QueueMarks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueueMarks").field("gpu", &self.gpu).finish_non_exhaustive()
    }
}
