//! The kernels against exact sums: emulated, or on the first GPU with the feature `cuda`. Results must
//! not depend on the order of threads, nor on the other rows of a launch.

#![cfg(any(feature = "cuda", feature = "emulated"))]

mod attention;
mod conv;
mod memory;
#[cfg_attr(feature = "cuda", path = "on_gpu.rs")]
#[cfg_attr(not(feature = "cuda"), path = "on_cpu.rs")]
mod place;
mod products;
mod rows;
mod time_rows;
