//! What an NVIDIA GPU did and when: for profiles, on any machine.
//!
//! Nothing of CUDA is needed to build this crate. The libraries are opened when they are
//! asked for, and where there are none that is an error like any other:
//!
//! | | library | comes with | says |
//! | --- | --- | --- | --- |
//! | [`Kernels`] | CUPTI | the CUDA toolkit | every kernel, copy and fill: name, queue, begin and end; every wait of the host |
//! | [`QueueMarks`] | the driver | the driver | when the queue reached marks that were put into it (CUDA events) |
//! | [`Counters`] | NVML | the driver | use, memory, power and clock, at regular times |
//!
//! Work is attributed to sections of the program. A section has a number; whatever the
//! program hands to the GPU between `enter` and `exit` belongs to it.
//!
//! ```
//! use std::time::Instant;
//! use tts_gpu_trace::Kernels;
//!
//! match Kernels::start(Instant::now()) {
//!     Ok(kernels) => {
//!         kernels.enter(7);
//!         // … work of the section 7 …
//!         kernels.exit();
//!         for work in kernels.take().work {
//!             println!("{} {} ns", work.name, work.end_ns - work.start_ns);
//!         }
//!     }
//!     Err(error) => println!("no kernels: {error}"),
//! }
//! ```

mod counters;
mod error;
mod kernels;
mod library;
mod queue;
mod records;
mod work;

pub use counters::{Counter, CounterSample, Counters};
pub use error::GpuError;
pub use kernels::Kernels;
pub use queue::{QueueMarks, Stream};
pub use work::{Activity, Wait, Work, WorkKind};
