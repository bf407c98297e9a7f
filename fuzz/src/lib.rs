//! What the fuzzer runs: each module takes any bytes, and panics only if the engine
//! breaks a promise.
//!
//! `cargo xtask fuzz` searches for such bytes with libFuzzer; the corpora under
//! `fuzz/corpus`, one directory per target, are run by the ordinary tests.

pub mod audio;
pub mod checkpoint;
pub mod codec;
mod sections;
pub mod text;
pub mod tokenizer;
pub mod voice;

/// A target: any bytes in, a panic if a promise is broken.
pub type Target = fn(&[u8]);

/// Every target and its name.
pub const TARGETS: [(&str, Target); 6] = [
    ("audio", audio::run),
    ("checkpoint", checkpoint::run),
    ("codec", codec::run),
    ("text", text::run),
    ("tokenizer", tokenizer::run),
    ("voice", voice::run),
];
