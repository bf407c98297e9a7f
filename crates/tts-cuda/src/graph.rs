//! Launches that are put into a queue together.

use std::fmt;

use crate::error::LaunchError;
use crate::queue::Queue;

/// Launches with all their arguments, recorded once and repeated as one.
pub struct Graph(Launches);

enum Launches {
    #[cfg(feature = "cuda")]
    Gpu(crate::gpu::GpuGraph),
    #[cfg(feature = "emulated")]
    Emulated(crate::emulated::Recording),
}

impl Queue {
    /// Records what `work` launches in this thread; nothing of it runs. Whatever else it asks of the
    /// GPU is done at once and not repeated.
    ///
    /// # Errors
    /// Those of `work`; if the driver refuses; if this thread is recording already.
    pub fn record<E: From<LaunchError>>(
        &self,
        work: impl FnOnce() -> Result<(), E>,
    ) -> Result<Graph, E> {
        match self {
            #[cfg(feature = "cuda")]
            Self::Gpu(gpu) => Ok(Graph(Launches::Gpu(gpu.record(work)?))),
            #[cfg(feature = "emulated")]
            Self::Emulated(_) => Ok(Graph(Launches::Emulated(crate::emulated::record(work)?))),
            // There is no queue without one of the features.
            #[cfg(not(any(feature = "cuda", feature = "emulated")))]
            _ => {
                work()?;
                Err(LaunchError::Recording.into())
            }
        }
    }
}

impl Graph {
    /// Puts all launches into the queue that they were recorded for, in their order.
    ///
    /// # Errors
    /// If the driver refuses or, where they are emulated, if a thread breaks a rule.
    ///
    /// # Safety
    /// As for each launch: what the kernels read and write still lives, and is not used otherwise
    /// meanwhile.
    pub unsafe fn launch(&self) -> Result<(), LaunchError> {
        match &self.0 {
            #[cfg(feature = "cuda")]
            Launches::Gpu(graph) => graph.launch(),
            // SAFETY: as promised by the caller.
            #[cfg(feature = "emulated")]
            Launches::Emulated(recording) => unsafe { recording.launch() },
            #[cfg(not(any(feature = "cuda", feature = "emulated")))]
            _ => Err(LaunchError::Recording),
        }
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph").finish_non_exhaustive()
    }
}
