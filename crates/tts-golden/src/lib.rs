//! Runs recorded results of the official implementation against this one.
//!
//! A golden set is a directory with `manifest.json`, `checkpoints/` and one
//! safetensors file per case. [`run_set`] runs every case through the public
//! pipeline, watched by a probe, and returns one [`Row`] per compared tensor.
//! Bounds are those of `docs/fidelity.md`; integers have to be equal.
//!
//! ```no_run
//! let rows = tts_golden::run_set("fixtures/golden".as_ref(), &Default::default(), None)?;
//! assert!(rows.iter().all(|row| row.passed()));
//! # Ok::<(), tts_golden::GoldenError>(())
//! ```

mod bounds;
mod codec_decode;
mod codec_encode;
mod error;
mod generate;
mod recorded;
mod report;
mod resample;
mod sampling;
mod set;
mod speaker;
mod tokenizer;

pub use error::GoldenError;
pub use report::{Outcome, Row};
pub use set::{Target, run_set};
