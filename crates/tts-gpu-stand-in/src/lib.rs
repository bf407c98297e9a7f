//! A GPU for tests on machines without one: stand-ins for the libraries of NVIDIA that
//! `tts-gpu-trace` opens. Needs the C compiler `cc`, and Linux.
//!
//! It does a kernel of 1 µs at the end of every section, a copy at the end of an outermost
//! one, and needs 1 ms from mark to mark in a queue.

use std::io;
use std::path::Path;
use std::process::Command;

use libloading::Library;
use tempfile::TempDir;

/// Names of the libraries that it can stand in for: CUPTI, the driver and NVML.
pub const LIBRARIES: [&str; 3] = ["libcupti.so", "libcuda.so.1", "libnvidia-ml.so.1"];

/// A stand-in for one library, loaded: whoever opens a library of its name gets it.
#[derive(Debug)]
pub struct StandIn {
    library: Library,
    _directory: TempDir,
}

impl StandIn {
    /// Builds and loads it.
    ///
    /// # Errors
    /// If there is no compiler, or if it cannot be loaded.
    pub fn load(name: &str) -> io::Result<Self> {
        let directory = tempfile::tempdir()?;
        build(directory.path(), name)?;
        // SAFETY: the stand-in has no initialisers.
        let library = unsafe { Library::new(directory.path().join(name)) };
        Ok(Self { library: library.map_err(io::Error::other)?, _directory: directory })
    }

    /// Tells it something: CUPTI to `refuse`, a queue to `capture` or to be `behind`.
    ///
    /// # Errors
    /// If there is no such switch.
    pub fn switch(&self, name: &str, on: bool) -> io::Result<()> {
        // SAFETY: all functions of this form have this type.
        let switch = unsafe {
            self.library.get::<extern "C" fn(i32)>(format!("stand_in_{name}").as_bytes())
        };
        switch.map_err(io::Error::other)?(on.into());
        Ok(())
    }

    /// Events of the driver that were made and not destroyed.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub fn live_events(&self) -> io::Result<i32> {
        // SAFETY: this is its type.
        let live = unsafe { self.library.get::<extern "C" fn() -> i32>(b"stand_in_live_events") };
        Ok(live.map_err(io::Error::other)?())
    }
}

/// Builds all of them into a directory, for the `LD_LIBRARY_PATH` of another program.
///
/// # Errors
/// If there is no compiler.
pub fn build_all(directory: &Path) -> io::Result<()> {
    LIBRARIES.iter().try_for_each(|name| build(directory, name))
}

fn build(directory: &Path, name: &str) -> io::Result<()> {
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
        .arg(directory.join(name))
        .arg(format!("-Wl,-soname,{name}"))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/src/stand_in.c"))
        .status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("cc failed: {status}"))) }
}
