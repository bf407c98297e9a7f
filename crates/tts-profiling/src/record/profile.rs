use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tts_gpu_trace::{GpuError, Stream};

use super::outputs::Output;
use super::recorder::{Recording, record, record_with_gpu};
use super::trace::Trace;
use crate::{SPAN_TARGET, SYNC_TARGET};

/// Why a program could not be profiled.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The program has a subscriber already.
    #[error("spans go to another subscriber already: {0}")]
    Subscriber(#[from] tracing_subscriber::util::TryInitError),
    /// The program handles interrupts already.
    #[error("interrupts are handled by somebody else: {0}")]
    Interrupt(#[from] ctrlc::Error),
    /// The GPU cannot be watched.
    #[error("the GPU cannot be watched: {0}")]
    Gpu(#[from] GpuError),
    /// This build has no NVTX.
    #[error("ranges for NVIDIA's tools need a build with the feature `nvtx`")]
    NoNvtx,
    /// A file could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The profile of a program, from its start to its end.
///
/// It installs a subscriber for the whole process, so only a program should start one. The
/// outputs are written by [`Profile::finish`]; if it comes to that, also when the profile
/// is dropped by a panic, and at an interrupt (Ctrl-C), which then ends the program.
#[derive(Debug)]
pub struct Profile {
    recording: Recording,
    outputs: Arc<Mutex<Vec<Output>>>,
}

/// Switches everything off that is not of the engine.
struct EngineOnly;

impl<S: Subscriber> Layer<S> for EngineOnly {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        matches!(metadata.target(), SPAN_TARGET | SYNC_TARGET)
    }
}

/// Where the spans of this process go. There is one subscriber for all of it.
static OF_THIS_PROCESS: OnceLock<Recording> = OnceLock::new();

/// The exit code of a program that was interrupted.
const INTERRUPTED: i32 = 130;

impl Profile {
    /// Starts to record.
    ///
    /// # Errors
    /// If there is a subscriber or a handler of interrupts already, or if an output needs
    /// what this build does not have.
    pub fn start(outputs: Vec<Output>) -> Result<Self, ProfileError> {
        let nvtx = outputs.contains(&Output::Nvtx);
        if nvtx && cfg!(not(feature = "nvtx")) {
            return Err(ProfileError::NoNvtx);
        }
        // Tools of NVIDIA and a recording of ours cannot both have the GPU.
        let (recorder, recording) = if nvtx { record() } else { record_with_gpu() };
        let registry = tracing_subscriber::registry().with(EngineOnly).with(recorder);
        #[cfg(feature = "nvtx")]
        let registry = registry.with(nvtx.then_some(super::nvtx::Ranges));
        registry.try_init()?;
        OF_THIS_PROCESS.get_or_init(|| recording.clone());
        let outputs = Arc::new(Mutex::new(outputs));
        let (at_interrupt, so_far) = (outputs.clone(), recording.clone());
        ctrlc::set_handler(move || {
            if let Err(error) = write(&at_interrupt, &so_far.finish()) {
                eprintln!("{error}");
            }
            std::process::exit(INTERRUPTED);
        })?;
        Ok(Self { recording, outputs })
    }

    /// If there is a profile, marks its spans in this queue of a GPU from now on, to know
    /// how long it takes for each, unless it tells its kernels itself.
    ///
    /// # Errors
    /// If the driver refuses.
    pub fn watch(queue: Stream) -> Result<(), ProfileError> {
        if let Some(recording) = OF_THIS_PROCESS.get() {
            recording.watch(queue)?;
        }
        Ok(())
    }

    /// What was recorded so far.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// Writes the outputs; gives out what was recorded.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn finish(self) -> Result<Trace, ProfileError> {
        let trace = self.recording.finish();
        write(&self.outputs, &trace)?;
        Ok(trace)
    }
}

impl Drop for Profile {
    /// Writes the outputs if [`Profile::finish`] was not reached.
    fn drop(&mut self) {
        let is_written = self.outputs.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        if is_written {
            return;
        }
        if let Err(error) = write(&self.outputs, &self.recording.finish()) {
            eprintln!("{error}");
        }
    }
}

/// Writes every output that was not written before.
fn write(outputs: &Mutex<Vec<Output>>, trace: &Trace) -> Result<(), ProfileError> {
    let mut outputs = outputs.lock().unwrap_or_else(PoisonError::into_inner);
    for output in outputs.drain(..) {
        output.write(trace).map_err(|source| ProfileError::Write {
            path: output.path().map(Into::into).unwrap_or_default(),
            source,
        })?;
    }
    Ok(())
}
