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
    set_context = "cuCtxSetCurrent": fn(*mut c_void);
}

/// A queue of a GPU: a CUDA stream.
#[derive(Debug, Clone, Copy)]
pub struct Stream(*mut c_void);

impl Stream {
    /// From the driver's handle, a `CUstream`.
    ///
    /// # Safety
    /// It has to be one, and it may only be destroyed after everything that was started
    /// with it.
    pub const unsafe fn from_raw(handle: *mut c_void) -> Self {
        Self(handle)
    }
}

/// Marks pending before they are looked at.
const LOOK_EVERY: usize = 1024;

/// Puts a mark into a queue where sections begin and end, and reads the times at which the
/// GPU came by.
///
/// It needs nothing but the driver, and does not wait before [`QueueMarks::take`].
pub struct QueueMarks {
    driver: Driver,
    stream: *mut c_void,
    context: *mut c_void,
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
        let (mut context, mut first) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: the stream is one, and there is room for the answers.
        unsafe {
            check("cuStreamGetCtx", (driver.context_of)(stream.0, &raw mut context))?;
            check("cuCtxSetCurrent", (driver.set_context)(context))?;
            check("cuEventCreate", (driver.create)(&raw mut first, 0))?;
        }
        let state = State {
            free: Vec::new(),
            pending: VecDeque::new(),
            last: first,
            last_ns: 0.0,
            open: HashMap::new(),
            passed: Vec::new(),
        };
        let marks = Self { driver, stream: stream.0, context, state: Mutex::new(state) };
        // SAFETY: stream and event are of this driver.
        unsafe {
            check("cuEventRecord", (marks.driver.record)(first, marks.stream))?;
            check("cuEventSynchronize", (marks.driver.wait)(first))?;
        }
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
        let mut capturing = 0;
        // SAFETY: context and stream are of this driver.
        unsafe {
            (self.driver.set_context)(self.context);
            if (self.driver.is_capturing)(self.stream, &raw mut capturing) != 0 || capturing != 0 {
                return;
            }
        }
        let mut event = state.free.pop().unwrap_or(std::ptr::null_mut());
        // SAFETY: there is room for an event, and it is recorded into a stream of its
        // context.
        unsafe {
            if event.is_null() && (self.driver.create)(&raw mut event, 0) != 0 {
                return;
            }
            if (self.driver.record)(event, self.stream) != 0 {
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
                // The driver lost it: its section has no times.
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
                    name: WorkKind::Section.name().to_owned(),
                    section: Some(mark.section),
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
        // SAFETY: the context is of this driver.
        unsafe { (self.driver.set_context)(self.context) };
        self.collect(&mut state, true);
        let mut taken = std::mem::take(&mut state.passed);
        taken.sort_by_key(|work| (work.start_ns, std::cmp::Reverse(work.end_ns)));
        taken
    }
}

impl Drop for QueueMarks {
    fn drop(&mut self) {
        let state = self.state();
        // SAFETY: the context is of this driver.
        unsafe { (self.driver.set_context)(self.context) };
        let pending = state.pending.iter().map(|mark| mark.event);
        for event in state.free.iter().copied().chain(pending).chain([state.last]) {
            // SAFETY: each is an event of this driver, and nobody else has it.
            unsafe { (self.driver.destroy)(event) };
        }
    }
}

impl std::fmt::Debug for QueueMarks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueueMarks").field("stream", &self.stream).finish_non_exhaustive()
    }
}
