use std::sync::Arc;

use serde::Serialize;

/// A recording: what the GPU did, what the CPU asked it for, and the spans around it.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// Kernels, graphs, copies and fills, in any order.
    pub work: Vec<GpuWork>,
    /// Calls of the CUDA runtime and driver interfaces, in any order.
    pub calls: Vec<ApiCall>,
    /// NVTX ranges, in any order.
    pub ranges: Vec<Range>,
    /// The calls for which the recording holds a wait of the CPU for the GPU.
    pub waits: Vec<CallId>,
}

/// Ties work of the GPU to the call that asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallId {
    /// Process, as Nsight Systems numbers it (`globalPid` without its low 24 bits).
    pub process: i64,
    /// Number of the call in its process (`correlationId`); 0 ties to nothing.
    pub correlation: i64,
}

impl CallId {
    /// Whether this ties to anything.
    pub(crate) fn is_known(self) -> bool {
        self.correlation != 0
    }
}

/// One thing that the GPU did.
#[derive(Debug, Clone)]
pub struct GpuWork {
    /// Computation or transfer.
    pub kind: WorkKind,
    /// Name of the kernel without its template arguments; a word for anything else.
    pub name: Arc<str>,
    /// Begin, nanoseconds.
    pub start: i64,
    /// End, nanoseconds.
    pub end: i64,
    /// Bytes moved or filled; 0 for kernels.
    pub bytes: u64,
    /// The call that launched it.
    pub id: CallId,
}

/// The kind of [`GpuWork`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkKind {
    /// A kernel.
    Kernel,
    /// A CUDA graph, recorded as one piece.
    Graph,
    /// A copy of memory.
    Copy(Direction),
    /// A fill of memory.
    Set,
}

impl WorkKind {
    /// Whether the GPU computes, so that there is no kernel gap.
    pub fn computes(self) -> bool {
        matches!(self, Self::Kernel | Self::Graph)
    }
}

/// Where a copy goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Host to device: an upload.
    HostToDevice,
    /// Device to host: a read, for which the CPU has to wait.
    DeviceToHost,
    /// Within the device.
    DeviceToDevice,
    /// Anything else.
    Other,
}

impl Direction {
    /// The direction of a `copyKind` (`CUpti_ActivityMemcpyKind`).
    pub(crate) fn from_copy_kind(kind: i64) -> Self {
        match kind {
            1 => Self::HostToDevice,
            2 => Self::DeviceToHost,
            8 => Self::DeviceToDevice,
            _ => Self::Other,
        }
    }

    /// The direction in few letters.
    pub fn name(self) -> &'static str {
        match self {
            Self::HostToDevice => "host>device",
            Self::DeviceToHost => "device>host",
            Self::DeviceToDevice => "device>device",
            Self::Other => "other",
        }
    }
}

/// A call of the CUDA runtime or driver interface.
#[derive(Debug, Clone)]
pub struct ApiCall {
    /// Function, with its version suffix if the recording has one.
    pub name: Arc<str>,
    /// Begin, nanoseconds.
    pub start: i64,
    /// End, nanoseconds.
    pub end: i64,
    /// Thread, as Nsight Systems numbers it (`globalTid`).
    pub thread: i64,
    /// What ties GPU work to this call.
    pub id: CallId,
}

/// An NVTX range: a span of the CPU.
#[derive(Debug, Clone)]
pub struct Range {
    /// Its message, the name of a span.
    pub name: Arc<str>,
    /// Begin, nanoseconds.
    pub start: i64,
    /// End, nanoseconds.
    pub end: i64,
    /// Thread, as Nsight Systems numbers it (`globalTid`).
    pub thread: i64,
}

impl Trace {
    /// From the begin of the first to the end of the last event.
    pub(crate) fn extent(&self) -> Option<(i64, i64)> {
        let work = self.work.iter().map(|work| (work.start, work.end));
        let calls = self.calls.iter().map(|call| (call.start, call.end));
        let ranges = self.ranges.iter().map(|range| (range.start, range.end));
        let all = work.chain(calls).chain(ranges);
        all.reduce(|(start, end), (s, e)| (start.min(s), end.max(e)))
    }
}

/// From `start` to `end` in nanoseconds; 0 if they are the wrong way round.
pub(crate) fn length(start: i64, end: i64) -> u64 {
    u64::try_from(end.saturating_sub(start)).unwrap_or(0)
}

/// The time that two intervals share, in nanoseconds.
pub(crate) fn overlap(a: (i64, i64), b: (i64, i64)) -> u64 {
    length(a.0.max(b.0), a.1.min(b.1))
}

/// A sum that a damaged file cannot overflow.
pub(crate) fn total(lengths: impl IntoIterator<Item = u64>) -> u64 {
    lengths.into_iter().fold(0, u64::saturating_add)
}
