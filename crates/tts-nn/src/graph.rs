//! Steps on a GPU that are repeated as one.

use std::cell::RefCell;

use candle_core::{Device, Error, Result, Tensor};

use crate::gpu::queue_of;

/// What kernels for a GPU were asked to do, recorded once and repeated without the host. It keeps
/// the tensors that they read and write.
#[derive(Debug)]
pub struct Graph {
    graph: tts_cuda::Graph,
    /// What the kernels have addresses of.
    _tensors: Vec<Tensor>,
}

thread_local! {
    /// Tensors that launches of this thread need, while they are recorded.
    static NEEDED: RefCell<Option<Vec<Tensor>>> = const { RefCell::new(None) };
}

/// Notes that a launch needs a tensor.
pub(crate) fn need<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) {
    NEEDED.with_borrow_mut(|needed| {
        if let Some(needed) = needed {
            needed.extend(tensors.into_iter().cloned());
        }
    });
}

/// For whoever is about to wait for a device at a `site`: what is recorded cannot wait.
///
/// # Errors
/// If this thread is recording.
pub fn can_wait(site: &str) -> Result<()> {
    if NEEDED.with_borrow(Option::is_some) {
        candle_core::bail!("`{site}` waits for the device in steps that are recorded");
    }
    Ok(())
}

/// What was needed around a recording, which goes on behind it, even if a panic ends it.
struct Outer(Option<Vec<Tensor>>);

impl Drop for Outer {
    fn drop(&mut self) {
        NEEDED.set(self.0.take());
    }
}

impl Graph {
    /// Records all kernels of `work`, which does not run; nothing else is repeated. `None` where
    /// there are no kernels for the device.
    ///
    /// # Errors
    /// Those of `work`; if it [waits](can_wait) for the device; if this thread is recording already.
    pub fn record<E: From<Error>>(
        device: &Device,
        work: impl FnOnce() -> std::result::Result<(), E>,
    ) -> std::result::Result<Option<Self>, E> {
        let Some(queue) = queue_of(device)? else { return Ok(None) };
        let outer = Outer(NEEDED.replace(Some(Vec::new())));
        let mut problem = None;
        let graph = queue.record(|| {
            work().map_err(|error| {
                problem = Some(error);
                tts_cuda::LaunchError::Recording
            })
        });
        let needed = NEEDED.take();
        drop(outer);
        if let Some(problem) = problem {
            return Err(problem);
        }
        let graph = graph.map_err(Error::wrap)?;
        Ok(Some(Self { graph, _tensors: needed.unwrap_or_default() }))
    }

    /// Does it all once more; nothing waits for the device here.
    ///
    /// # Errors
    /// If a kernel cannot be launched.
    pub fn launch(&self) -> Result<()> {
        // SAFETY: the tensors are as they were when they were checked, and are kept.
        unsafe { self.graph.launch() }.map_err(Error::wrap)
    }
}
