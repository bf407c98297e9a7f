//! What the spans say, recorded: the application's side of profiling.
//!
//! A [`Recorder`] is a layer for `tracing-subscriber` that keeps every span and sync
//! mark of the engine in memory, about 90 bytes each. A [`Recording`] gives them out
//! as a [`Trace`], at any time, and a trace can be written as a chrome trace
//! ([`chrome`]), as folded stacks ([`folded`]), as JSON lines ([`jsonl`]) or be counted
//! together ([`Summary`]). [`Profile`] does all that for a program, and asks the GPU, where
//! there is one, what it did meanwhile.

mod allocations;
pub mod chrome;
pub mod folded;
mod gpu;
mod gpu_summary;
pub mod jsonl;
#[cfg(feature = "nvtx")]
mod nvtx;
mod outputs;
mod profile;
mod recorder;
mod stats;
mod summary;
mod trace;

pub use allocations::{Allocations, CountingAllocator};
pub use gpu_summary::{GpuRow, GpuSummary};
pub use outputs::{Output, OutputError};
pub use profile::{Profile, ProfileError};
pub use recorder::{Recorder, Recording, record, record_with_gpu};
pub use stats::Stats;
pub use summary::{FRAME_BUDGET_MS, Frames, StageRow, Summary, SyncRow};
pub use trace::{GpuRecord, GpuTrace, SpanRecord, SyncRecord, Trace, WaitRecord};
pub use tts_gpu_trace::{Counter, CounterSample, GpuError, Stream, WorkKind};
