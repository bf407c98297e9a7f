//! Tests of the crate from outside, on the fixture checkpoints.

mod broken_files;
mod common;
mod golden_prompts;
mod layouts;
mod refusals;
mod tokenizer;
