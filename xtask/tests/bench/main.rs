//! `cargo xtask bench` with programs that stand in for cargo, the benchmark and valgrind, in a
//! repository made for the test. Nothing is built.

#![cfg(unix)]

mod compare;
mod gate;
mod stage;
