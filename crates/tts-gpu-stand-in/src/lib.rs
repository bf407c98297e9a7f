//! A GPU for tests on machines without one: stand-ins for the libraries of NVIDIA that
//! `tts-gpu-trace` opens. Needs the C compiler `cc`, and Linux.
//!
//! It does a kernel of 1 µs at the end of every section, a copy and a fill at the end of an
//! outermost one, and needs 1 ms from mark to mark in a queue.

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

    /// Tells it something, by a function `stand_in_NAME` of `stand_in.c`: CUPTI to `refuse`
    /// (0 or 1), to be `unfinished`, to `drop` records or that this thread has to `wait` (1 for
    /// an event, 3 for a queue, 4 for all; 2 lets a queue wait, not the host), a queue to
    /// `capture` or to be `behind`, NVML that there is `no_gpu`.
    ///
    /// # Errors
    /// If there is no such function.
    pub fn tell(&self, name: &str, value: i32) -> io::Result<()> {
        // SAFETY: all functions of this form have this type.
        let tell = unsafe { self.function::<extern "C" fn(i32)>(name)? };
        tell(value);
        Ok(())
    }

    /// Asks it something: the driver for `live_events`, which were made and not destroyed,
    /// and for the `contexts` of this thread, NVML for its `users`.
    ///
    /// # Errors
    /// If there is no such function.
    pub fn ask(&self, name: &str) -> io::Result<i32> {
        // SAFETY: all functions of this form have this type.
        let ask = unsafe { self.function::<extern "C" fn() -> i32>(name)? };
        Ok(ask())
    }

    /// # Safety
    /// `F` has to be the type of the function.
    unsafe fn function<F: Copy>(&self, name: &str) -> io::Result<F> {
        // SAFETY: the caller knows its type.
        let function = unsafe { self.library.get::<F>(format!("stand_in_{name}").as_bytes()) };
        function.map(|function| *function).map_err(io::Error::other)
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
