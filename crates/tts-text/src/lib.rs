//! Tokenizer, chat templates and prompt layout of Qwen3-TTS.
//!
//! [`Tokenizer`] turns text into ids of the text vocabulary; [`build_prompt`]
//! arranges them with the control ids of the codec vocabulary into the two
//! channels the talker reads (`docs/model.md`, sections 1.5 and 5). The result
//! names rows of embedding tables and nothing else: this crate multiplies no
//! numbers, so every layout can be read, printed and compared as it is.
//! [`split_sentences`] cuts a long text into pieces to speak one by one.
//!
//! Languages and speakers come from the configuration, never from a table in the
//! program.
//!
//! ```
//! use tts_checkpoint::{Checkpoint, ModelFiles};
//! use tts_text::{Layout, PromptRequest, Speaker, SplitRule, Tokenizer, build_prompt};
//!
//! let checkpoint = Checkpoint::open(ModelFiles::Embedded(tts_fixture::FILES))?;
//! let tokenizer = Tokenizer::load(&checkpoint.files, &checkpoint.config, SplitRule::Qwen2)?;
//! let request = PromptRequest {
//!     language: Some("English"),
//!     speaker: Speaker::Named("ryan"),
//!     ..PromptRequest::new("Hello.", Layout::Streaming)
//! };
//! let prompt = build_prompt(&tokenizer, &checkpoint.config, &request)?;
//! assert_eq!(prompt.positions.len(), 10);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod feed;
mod language;
mod prompt;
mod sentences;
mod speaker;
mod split_rule;
mod template;
mod tokenizer;
mod vocabulary;

pub use error::{TextError, TextPart};
pub use feed::TextFeed;
pub use language::supported_languages;
pub use prompt::{
    CodecInput, Layout, LayoutError, MAX_TEXT_BYTES, OpenPrompt, Position, Prompt, PromptRequest,
    PromptWarning, Reference, Speaker, TextOptions, build_prompt, open_prompt,
};
pub use sentences::{Pause, Piece, SplitLimits, split_sentences};
pub use speaker::supported_speakers;
pub use split_rule::SplitRule;
pub use tokenizer::{Literals, Tokenizer};
