//! The kernels, emulated, against exact sums. Results must not depend on the order of threads, nor on
//! the other rows of a launch.

mod attention;
mod conv;
mod memory;
mod products;
mod rows;
mod time_rows;
