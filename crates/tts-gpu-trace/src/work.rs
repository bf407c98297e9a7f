/// What a recording has of a time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Activity {
    /// What the GPUs did, in the order of its begin.
    pub work: Vec<Work>,
    /// The waits of the host, in the order of their begin.
    pub waits: Vec<Wait>,
}

/// A call of the host that waits for a GPU and does nothing else. Copies that wait are not
/// among them; CUPTI may count a query that finds its work done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// What it waited for, as it is written into traces.
    pub name: &'static str,
    /// The section of the program that waited, if it was in one.
    pub section: Option<u64>,
    /// Nanoseconds from the epoch of the recording to its begin.
    pub start_ns: u64,
    /// Nanoseconds from the epoch of the recording to its end.
    pub end_ns: u64,
}

/// Something a GPU did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// What it was.
    pub kind: WorkKind,
    /// The name of the kernel, or what was done.
    pub name: &'static str,
    /// The section of the program that asked for it, if it was in one.
    pub section: Option<u64>,
    /// Number of the GPU, in the order of CUDA.
    pub gpu: u32,
    /// Number of its queue (a CUDA stream).
    pub queue: u32,
    /// Nanoseconds from the epoch of the recording to its begin.
    pub start_ns: u64,
    /// Nanoseconds from the epoch of the recording to its end.
    pub end_ns: u64,
}

impl Work {
    /// The name of a copy that the host waits for.
    pub const READ: &'static str = "copy device to host";
}

/// Kinds of [`Work`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkKind {
    /// A kernel.
    Kernel,
    /// A copy.
    Copy,
    /// Memory set to a value.
    Fill,
    /// All of a section: from the mark at its begin to the mark at its end, pauses of the
    /// queue included.
    Section,
}

impl WorkKind {
    /// The kind as it is written into traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Copy => "copy",
            Self::Fill => "fill",
            Self::Section => "section",
        }
    }
}
