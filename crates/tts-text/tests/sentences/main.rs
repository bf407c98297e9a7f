//! Tests of the sentence splitter.

mod chinese;
mod common;
mod english;
mod french;
mod german;
mod italian;
mod japanese;
mod korean;
mod lengths;
mod portuguese;
mod properties;
mod robustness;
mod russian;
mod spanish;
mod structure;
