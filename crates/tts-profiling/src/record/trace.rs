use tts_gpu_trace::{CounterSample, WorkKind};

use super::allocations::Allocations;
use crate::SyncClass;

/// A span, from its entry to its exit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanRecord {
    /// The name of its stage.
    pub name: &'static str,
    /// The frame, where the span is that of a frame.
    pub frame: Option<u64>,
    /// Number of its thread, from 1 in the order of appearance.
    pub thread: usize,
    /// The span around it on the same thread: an index of [`Trace::spans`].
    pub parent: Option<usize>,
    /// Nanoseconds from the start of the recording to its entry.
    pub start_ns: u64,
    /// Nanoseconds from the start of the recording to its exit.
    pub end_ns: u64,
    /// Memory that the process asked for meanwhile.
    pub allocations: Allocations,
}

impl SpanRecord {
    /// How long it took, in nanoseconds.
    pub const fn duration_ns(&self) -> u64 {
        self.end_ns.saturating_sub(self.start_ns)
    }
}

/// A mark of [`gpu_sync!`](crate::gpu_sync).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRecord {
    /// Where the host waits for the device.
    pub site: &'static str,
    /// How often it does.
    pub class: SyncClass,
    /// Number of its thread.
    pub thread: usize,
    /// The span it lies in: an index of [`Trace::spans`].
    pub parent: Option<usize>,
    /// Nanoseconds from the start of the recording.
    pub at_ns: u64,
}

/// Something that a GPU did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuRecord {
    /// What it was.
    pub kind: WorkKind,
    /// The name of the kernel, what was done, or the name of the span.
    pub name: &'static str,
    /// The span that asked for it: an index of [`Trace::spans`].
    pub span: Option<usize>,
    /// Number of the GPU, in the order of CUDA.
    pub gpu: u32,
    /// Number of its queue.
    pub queue: u32,
    /// Nanoseconds from the start of the recording to its begin.
    pub start_ns: u64,
    /// Nanoseconds from the start of the recording to its end.
    pub end_ns: u64,
}

impl GpuRecord {
    /// How long it took, in nanoseconds.
    pub const fn duration_ns(&self) -> u64 {
        self.end_ns.saturating_sub(self.start_ns)
    }
}

/// A call in which the host waited for a GPU and did nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitRecord {
    /// What it waited for.
    pub name: &'static str,
    /// The span that waited: an index of [`Trace::spans`].
    pub span: Option<usize>,
    /// Nanoseconds from the start of the recording to its begin.
    pub start_ns: u64,
    /// Nanoseconds from the start of the recording to its end.
    pub end_ns: u64,
}

impl WaitRecord {
    /// How long it took, in nanoseconds.
    pub const fn duration_ns(&self) -> u64 {
        self.end_ns.saturating_sub(self.start_ns)
    }
}

/// What the GPUs did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GpuTrace {
    /// Their work.
    pub work: Vec<GpuRecord>,
    /// The waits of the host.
    pub waits: Vec<WaitRecord>,
    /// Their counters.
    pub counters: Vec<CounterSample>,
    /// Records of work that were lost.
    pub lost: u64,
    /// What cannot be told, and why.
    pub unknown: Vec<String>,
}

/// Everything that was recorded, in the order of entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// The spans. Those that were open when the trace was taken end there.
    pub spans: Vec<SpanRecord>,
    /// The sync marks.
    pub syncs: Vec<SyncRecord>,
    /// What the GPUs did, if there are any.
    pub gpu: GpuTrace,
}

impl Trace {
    /// The frame that an index of [`Trace::spans`] belongs to: its own, or that of the
    /// next span around it that has one.
    pub fn frame_of(&self, span: Option<usize>) -> Option<u64> {
        let record = self.spans.get(span?)?;
        record.frame.or_else(|| self.frame_of(record.parent))
    }

    /// The names from the root to a span.
    pub fn path(&self, span: usize) -> Vec<&'static str> {
        let mut path = Vec::new();
        let mut next = Some(span);
        while let Some(record) = next.and_then(|span| self.spans.get(span)) {
            path.push(record.name);
            next = record.parent;
        }
        path.reverse();
        path
    }

    /// For every span, its duration without that of the spans inside, in nanoseconds.
    pub fn self_times_ns(&self) -> Vec<u64> {
        let mut times: Vec<u64> = self.spans.iter().map(SpanRecord::duration_ns).collect();
        for span in &self.spans {
            if let Some(time) = span.parent.and_then(|parent| times.get_mut(parent)) {
                *time = time.saturating_sub(span.duration_ns());
            }
        }
        times
    }
}
