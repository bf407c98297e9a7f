//! Benchmarks of the engine, and what they have in common.
//!
//! [`random_model`] makes a model of any size without a weights file; [`work`]
//! says how many bytes and multiply-adds a stage takes. `e2e_bench` times whole
//! utterances, `cargo bench -p tts-benches --bench stages` single stages.

pub mod gpu_kernels;
pub mod random_model;
pub mod work;
