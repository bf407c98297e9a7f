use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tts_gpu_trace::{CounterSample, Counters, GpuError, Kernels, QueueMarks, Stream, Work};

/// How often the counters of a GPU are read.
const COUNTER_PERIOD: Duration = Duration::from_millis(50);

/// What is asked of the GPUs of this machine, which may be nothing. Sections are spans.
#[derive(Debug, Default)]
pub(super) struct Gpu {
    kernels: Option<Kernels>,
    marks: OnceLock<QueueMarks>,
    counters: Option<Counters>,
}

impl Gpu {
    /// Asks for whatever can be had. Without a GPU there is nothing.
    pub(super) fn start(epoch: Instant) -> Self {
        Self {
            kernels: Kernels::start(epoch).ok(),
            marks: OnceLock::new(),
            counters: Counters::start(epoch, COUNTER_PERIOD).ok(),
        }
    }

    /// Marks the spans in this queue, unless the kernels are known.
    pub(super) fn watch(&self, stream: Stream, epoch: Instant) -> Result<(), GpuError> {
        if self.kernels.is_none() && self.marks.get().is_none() {
            // Another thread may have been first.
            let _ = self.marks.set(QueueMarks::start(stream, epoch)?);
        }
        Ok(())
    }

    pub(super) fn enter(&self, section: u64) {
        if let Some(kernels) = &self.kernels {
            kernels.enter(section);
        }
        if let Some(marks) = self.marks.get() {
            marks.enter(section);
        }
    }

    /// The end of the span that was entered last; without a number if it was forgotten.
    pub(super) fn exit(&self, section: Option<u64>) {
        if let Some(kernels) = &self.kernels {
            kernels.exit();
        }
        if let (Some(marks), Some(section)) = (self.marks.get(), section) {
            marks.exit(section);
        }
    }

    /// What was done and counted, and not taken before.
    pub(super) fn take(&self) -> (Vec<Work>, Vec<CounterSample>) {
        let mut work = self.kernels.as_ref().map(Kernels::take).unwrap_or_default();
        work.extend(self.marks.get().map(QueueMarks::take).unwrap_or_default());
        (work, self.counters.as_ref().map(Counters::take).unwrap_or_default())
    }
}
