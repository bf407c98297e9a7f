//! From logits to a token (`docs/model.md`, section 6.2).
//!
//! Order: repetition penalty, minimum length, suppression, temperature, top-k,
//! top-p, draw. Decisions depend only on comparisons of stored values and on
//! integer sums, never on the order of a floating-point sum, and randomness
//! comes from a counter ([`DrawKey`]), so a seed gives the same tokens whatever
//! the batch or the number of threads.
//!
//! ```
//! use tts_sampler::{DrawKey, History, Sampler, SamplingParams, TokenRules};
//!
//! let params = SamplingParams { top_k: 2, ..SamplingParams::default() };
//! let (rules, history) = (TokenRules::all(4), History::new(4));
//! let key = DrawKey { seed: 7, request: 0, step: 0, codebook: 0 };
//! let draw = Sampler::new().sample(&[0.1, 2.0, -1.0, 1.5], &params, &rules, &history, key)?;
//! assert!(draw.token == 1 || draw.token == 3);
//! # Ok::<(), tts_sampler::SamplerError>(())
//! ```

mod batch;
mod error;
mod exp;
mod history;
mod kernel;
mod params;
mod philox;
mod pipeline;
mod rules;
mod sampler;

pub use batch::{BatchSampler, DrawRow};
pub use error::SamplerError;
pub use history::History;
pub use params::SamplingParams;
pub use philox::{DrawKey, philox4x32};
pub use pipeline::{probabilities, process};
pub use rules::TokenRules;
pub use sampler::{Draw, Sampler};
