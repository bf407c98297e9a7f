//! The profiling facade: the only crate that names spans.
//!
//! Every stage of the pipeline is a variant of [`Stage`]; code marks its stages
//! with [`stage_span!`], the stages inside a frame with [`frame_span!`] and every
//! device-to-host read with [`gpu_sync!`]:
//!
//! ```text
//! synthesize
//! ├── prefill
//! │   └── sampling (the first token)
//! ├── generate_frames
//! │   ├── code_predictor (frame)
//! │   ├── talker_step (frame)
//! │   └── sampling (frame)
//! │       ├── top_k
//! │       └── top_p
//! └── decode
//! ```
//!
//! Without the feature `profiling` the macros expand to a zero-sized value and
//! this crate has no dependencies at all, so nothing of it is left in the
//! compiled engine. With it they are `tracing` spans of target `tts`; an
//! application chooses the subscriber, this crate never installs one.
//!
//! ```
//! use tts_profiling::{Stage, SyncClass, frame_span, gpu_sync, stage_span};
//!
//! let _generate = stage_span!(Stage::GenerateFrames);
//! for frame in 0..2_usize {
//!     let _step = frame_span!(Stage::TalkerStep, frame);
//!     gpu_sync!("example.token", SyncClass::PerFrame);
//! }
//! ```

mod macros;
mod stage;
mod sync;

pub use stage::Stage;
pub use sync::SyncClass;

/// What the span macros return when nothing is recorded: a value without size,
/// code or destructor.
#[derive(Debug, Clone, Copy)]
pub struct NoSpan;

/// Re-exports for the macros of this crate; not part of the interface.
#[doc(hidden)]
pub mod private {
    #[cfg(feature = "profiling")]
    pub use tracing;
}
