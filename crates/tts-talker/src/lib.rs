//! The talker: the decoder that turns a prompt into codebook-0 logits, one frame
//! per step (`docs/model.md`, section 3).
//!
//! [`Talker::text`] and [`Talker::codec`] make the two channels of an input
//! position, [`Talker::prefill`] reads a prompt, [`Talker::step`] advances any
//! number of sequences by one position. All state of a sequence is in its
//! [`TalkerState`].
//!
//! ```
//! use candle_core::{DType, Device};
//! use tts_checkpoint::{Checkpoint, ModelFiles};
//! use tts_talker::Talker;
//!
//! let checkpoint = Checkpoint::open(ModelFiles::Embedded(tts_fixture::FILES))?;
//! let weights = checkpoint.model_weights(DType::F32, &Device::Cpu);
//! let talker = Talker::load(&checkpoint.config.talker_config, &weights, None)?;
//! let prompt = (talker.text(&[1, 2, 3])? + talker.codec(&[1, 2, 3])?)?;
//! let mut state = talker.new_state(16)?;
//! let output = talker.prefill(&prompt, 0, &mut state)?;
//! assert_eq!(output.logits.dims(), [1, checkpoint.config.talker_config.vocab_size]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod beginnings;
mod talker;

pub use talker::{Output, Talker, TalkerError, TalkerState, TalkerWork};
