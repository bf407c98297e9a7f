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
//! Loading, reference audio, batches and streams have stages of their own:
//!
//! ```text
//! load
//! voice_prompt
//! ├── speaker_encoder
//! └── codec_encoder
//! synthesize
//! ├── batch › prefill, …, as above, if there are several requests
//! ├── prefill, at the beginning of a stream
//! └── stream_chunk › generate_frames, …, as above, for each chunk of a stream
//! ```
//!
//! On a GPU a frame may be one graph, which has no stages: `frame_graph` (frame).
//!
//! Without the feature `profiling` the macros expand to a zero-sized value and
//! this crate has no dependencies at all, so nothing of it is left in the
//! compiled engine. With it they are `tracing` spans of target `tts`; an
//! application chooses the subscriber. With the feature `record` there is one to choose, that
//! keeps everything (`record`), writers of chrome traces, folded stacks and more, and a `Profile`
//! that installs all of it.
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
#[cfg(feature = "record")]
pub mod record;
mod stage;
mod sync;

pub use stage::Stage;
pub use sync::SyncClass;

/// What the span macros return when nothing is recorded: a value without size,
/// code or destructor.
#[derive(Debug, Clone, Copy)]
pub struct NoSpan;

/// The target of every span.
pub const SPAN_TARGET: &str = "tts";
/// The target of every sync mark.
pub const SYNC_TARGET: &str = "gpu_sync";

/// Whether somebody hears of spans; without the feature `profiling`, nobody does.
pub fn is_heard() -> bool {
    #[cfg(feature = "profiling")]
    return tracing::enabled!(target: "tts", tracing::Level::INFO);
    #[cfg(not(feature = "profiling"))]
    false
}

/// Does something of which nobody hears: what is recorded to be repeated has no times.
pub fn unheard<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(feature = "profiling")]
    return tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::new(), work);
    #[cfg(not(feature = "profiling"))]
    work()
}

/// Re-exports for the macros of this crate; not part of the interface.
#[doc(hidden)]
pub mod private {
    #[cfg(feature = "profiling")]
    pub use tracing;
}
