use std::time::{Duration, Instant};

use tts_gpu_trace::{
    Activity, CounterSample, Counters, GpuError, Kernels, QueueMarks, Stream, Work,
};

/// How often the counters of a GPU are read.
const COUNTER_PERIOD: Duration = Duration::from_millis(50);

/// What is asked of the GPUs of this machine. Sections are spans.
#[derive(Debug)]
pub(super) struct Gpu {
    epoch: Instant,
    kernels: Result<Kernels, GpuError>,
    marks: Option<QueueMarks>,
    /// What was done in queues that were watched before.
    earlier: Vec<Work>,
    counters: Result<Counters, GpuError>,
}

impl Gpu {
    /// Asks for whatever can be had.
    pub(super) fn start(epoch: Instant) -> Self {
        Self {
            epoch,
            kernels: Kernels::start(epoch),
            marks: None,
            earlier: Vec::new(),
            counters: Counters::start(epoch, COUNTER_PERIOD),
        }
    }

    /// Marks the spans in this queue from now on, unless the kernels are known.
    pub(super) fn watch(&mut self, stream: Stream) -> Result<(), GpuError> {
        if self.kernels.is_err() {
            let marks = QueueMarks::start(stream, self.epoch)?;
            if let Some(before) = self.marks.replace(marks) {
                self.earlier.extend(before.take());
            }
        }
        Ok(())
    }

    pub(super) fn enter(&self, section: u64) {
        if let Ok(kernels) = &self.kernels {
            kernels.enter(section);
        }
        if let Some(marks) = &self.marks {
            marks.enter(section);
        }
    }

    /// The end of the span that was entered last; without a number if it was forgotten.
    pub(super) fn exit(&self, section: Option<u64>) {
        if let Ok(kernels) = &self.kernels {
            kernels.exit();
        }
        if let (Some(marks), Some(section)) = (&self.marks, section) {
            marks.exit(section);
        }
    }

    /// What was done and counted, and not taken before; all of it if it is the last time.
    pub(super) fn take(&mut self, is_last: bool) -> (Activity, Vec<CounterSample>) {
        let mut activity = match &self.kernels {
            Ok(kernels) if is_last => kernels.finish(),
            Ok(kernels) => kernels.take(),
            Err(_) => Activity::default(),
        };
        activity.work.append(&mut self.earlier);
        activity.work.extend(self.marks.as_ref().map(QueueMarks::take).unwrap_or_default());
        (activity, self.counters.as_ref().map(Counters::take).unwrap_or_default())
    }

    /// Records that were lost, so far.
    pub(super) fn lost(&self) -> u64 {
        let of_kernels = self.kernels.as_ref().map_or(0, Kernels::lost);
        of_kernels + self.marks.as_ref().map_or(0, QueueMarks::lost)
    }

    /// What cannot be told, and why.
    pub(super) fn unknown(&self) -> Vec<String> {
        let kernels = self.kernels.as_ref().err().map(|error| format!("kernels: {error}"));
        let counters = self.counters.as_ref().err().map(|error| format!("counters: {error}"));
        kernels.into_iter().chain(counters).collect()
    }
}
