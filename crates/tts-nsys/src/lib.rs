//! Reads what Nsight Systems recorded, as `nsys export --type sqlite` writes it,
//! and says where the GPU waited for the CPU.
//!
//! [`read`] turns the database into a [`Trace`] of plain structs: GPU work, CUDA
//! calls and NVTX ranges (the spans of `tts-profiling`). [`analyse`] is a pure
//! function of it:
//!
//! * **kernel gaps**, the time in which no kernel runs, and the span of the CPU
//!   that each falls into;
//! * **GPU time per span**: a range holds the calls made in it, a call is tied to
//!   the kernels it launched by its correlation id;
//! * **waits and copies**, per span and per frame;
//! * a **verdict** in words.
//!
//! All times are nanoseconds; `_ns` ends their names.
//!
//! ```
//! use std::sync::Arc;
//! use tts_nsys::{ApiCall, CallId, GpuWork, Selection, Trace, WorkKind, analyse};
//!
//! let id = CallId { process: 1, correlation: 7 };
//! let launch = ApiCall { name: Arc::from("cuLaunchKernel"), start: 0, end: 10, thread: 1, id };
//! let work = |start, end| GpuWork {
//!     kind: WorkKind::Kernel, name: Arc::from("matvec"), start, end, bytes: 0, id,
//! };
//! let trace = Trace { work: vec![work(0, 600), work(1000, 1600)], calls: vec![launch], ..Trace::default() };
//! let report = analyse(&trace, &Selection::default())?;
//! assert_eq!((report.wall_ns, report.gaps.total_ns), (1600, 400));
//! # Ok::<(), tts_nsys::NsysError>(())
//! ```

mod database;
mod error;
mod gaps;
mod kernels;
mod range_tree;
mod report;
mod span_table;
mod text;
mod trace;
mod verdict;
mod waits;
mod window;

pub use database::read;
pub use error::NsysError;
pub use gaps::{Gap, GapSummary};
pub use kernels::KernelRow;
pub use report::{Report, analyse};
pub use span_table::SpanRow;
pub use trace::{ApiCall, CallId, Direction, GpuWork, Range, Trace, WorkKind};
pub use verdict::{Bottleneck, Verdict};
pub use waits::WaitRow;
pub use window::{FrameWindow, Selection};
