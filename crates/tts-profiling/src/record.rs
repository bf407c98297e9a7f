//! What the spans say, recorded: the application's side of profiling.
//!
//! A [`Recorder`] is a layer for `tracing-subscriber` that keeps every span and sync
//! mark of the engine in memory, a few dozen bytes each. A [`Recording`] gives them out
//! as a [`Trace`], at any time, and a trace can be written as a chrome trace
//! ([`chrome`]), as folded stacks ([`folded`]), as JSON lines ([`jsonl`]) or be counted
//! together ([`Summary`]). [`Profile`] does all that for a program.

mod allocations;
pub mod chrome;
pub mod folded;
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
pub use outputs::{Output, OutputError};
pub use profile::{Profile, ProfileError};
pub use recorder::{Recorder, Recording, record};
pub use stats::Stats;
pub use summary::{FRAME_BUDGET_MS, Frames, StageRow, Summary, SyncRow};
pub use trace::{SpanRecord, SyncRecord, Trace};
