//! The kernels, compiled for GPUs, and the driver.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cudarc::driver::sys::{CUcontext, CUgraphInstantiate_flags, CUstreamCaptureMode};
use cudarc::driver::{
    CudaFunction, CudaGraph, CudaStream, DriverError, LaunchConfig, PushKernelArg, result,
};
use cudarc::nvrtc::Ptx;

use crate::error::LaunchError;
use crate::kernel::{Arg, Kernel, Launch};

/// The code of a file of kernels.
fn code(file: &str) -> &'static [u8] {
    macro_rules! code {
        ($($name:literal)*) => {
            match file {
                $($name => include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".fatbin")),)*
                _ => &[],
            }
        };
    }
    code!("attention" "conv" "gemv" "rows" "sample")
}

thread_local! {
    /// Where launches of this thread go while they are recorded. Other threads may use the stream
    /// that they are for meanwhile, and what they put into it is not to be recorded.
    static RECORDING: RefCell<Option<Arc<CudaStream>>> = const { RefCell::new(None) };
}

/// Launches of this thread go into a stream until it is dropped, even by a panic.
struct Recording;

impl Recording {
    fn on(stream: &Arc<CudaStream>) -> Self {
        RECORDING.set(Some(Arc::clone(stream)));
        Self
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        RECORDING.set(None);
    }
}

/// A graph of the driver, and the stream that it is for.
pub(crate) struct GpuGraph {
    graph: CudaGraph,
    stream: Arc<CudaStream>,
}

// SAFETY: the driver lets any thread use a graph, one at a time, and nobody has a reference to this
// one while it is moved.
unsafe impl Send for GpuGraph {}

impl GpuGraph {
    /// See [`crate::Graph::launch`].
    pub(crate) fn launch(&self) -> Result<(), LaunchError> {
        self.stream.context().bind_to_thread().map_err(LaunchError::Graph)?;
        // SAFETY: both are of this context and live.
        let launched =
            unsafe { result::graph::launch(self.graph.cu_graph_exec(), self.stream.cu_stream()) };
        launched.map_err(LaunchError::Graph)
    }
}

type Functions = Arc<HashMap<Kernel, CudaFunction>>;

/// A stream of a GPU, and the kernels on it.
#[derive(Debug, Clone)]
pub struct Gpu {
    stream: Arc<CudaStream>,
    functions: Functions,
}

impl Gpu {
    /// Loads the kernels, once for every context.
    ///
    /// # Errors
    /// If the driver cannot load them.
    pub fn new(stream: Arc<CudaStream>) -> Result<Self, LaunchError> {
        static LOADED: OnceLock<Mutex<HashMap<usize, Functions>>> = OnceLock::new();
        let context = stream.context();
        let key = |context: CUcontext| context as usize;
        let mut loaded = LOADED.get_or_init(Mutex::default).lock();
        let loaded = loaded.as_mut().map_err(PoisonError::get_mut);
        let (Ok(loaded) | Err(loaded)) = loaded;
        if let Some(functions) = loaded.get(&key(context.cu_ctx())) {
            return Ok(Self { stream: stream.clone(), functions: Arc::clone(functions) });
        }
        let mut modules = HashMap::new();
        let mut functions = HashMap::new();
        for &kernel in Kernel::ALL {
            let driver =
                |source: DriverError| LaunchError::Driver { kernel: kernel.name(), source };
            let module = match modules.get(kernel.file()) {
                Some(module) => Arc::clone(module),
                None => context
                    .load_module(Ptx::from_binary(code(kernel.file()).to_vec()))
                    .map_err(driver)?,
            };
            let function = module.load_function(kernel.name()).map_err(driver)?;
            // A driver may load late, which it cannot do in what is recorded. To know this it has to.
            function.num_regs().map_err(driver)?;
            functions.insert(kernel, function);
            modules.insert(kernel.file(), module);
        }
        let functions = Arc::new(functions);
        loaded.insert(key(context.cu_ctx()), Arc::clone(&functions));
        Ok(Self { stream, functions })
    }

    /// See [`crate::Queue::record`].
    pub(crate) fn record<E: From<LaunchError>>(
        &self,
        work: impl FnOnce() -> Result<(), E>,
    ) -> Result<GpuGraph, E> {
        if RECORDING.with_borrow(Option::is_some) {
            return Err(LaunchError::Recording.into());
        }
        let stream = self.stream.context().new_stream().map_err(LaunchError::Graph)?;
        // Other threads may go on to allocate memory.
        let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        stream.begin_capture(mode).map_err(LaunchError::Graph)?;
        let done = {
            let _recording = Recording::on(&stream);
            work()
        };
        let flags = CUgraphInstantiate_flags::CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH;
        let graph = stream.end_capture(flags);
        done?;
        let graph = graph.map_err(LaunchError::Graph)?.ok_or(LaunchError::Recording)?;
        Ok(GpuGraph { graph, stream: Arc::clone(&self.stream) })
    }

    /// See [`crate::Queue::launch`].
    ///
    /// # Safety
    /// As there.
    pub(crate) unsafe fn launch(
        &self,
        kernel: Kernel,
        launch: Launch,
        args: &[Arg],
    ) -> Result<(), LaunchError> {
        let Some(function) = self.functions.get(&kernel) else { return Ok(()) };
        let memory: Vec<u64> = (args.iter())
            .filter_map(|arg| match arg {
                Arg::Memory(address) => Some(address.map_or(0, |address| address.0)),
                _ => None,
            })
            .collect();
        let mut addresses = memory.iter();
        let recording = RECORDING.with_borrow(Clone::clone);
        let stream = recording.as_ref().unwrap_or(&self.stream);
        let mut builder = stream.launch_builder(function);
        for arg in args {
            match arg {
                Arg::Memory(_) => addresses.next().map(|address| builder.arg(address)),
                Arg::U32(number) => Some(builder.arg(number)),
                Arg::F32(number) => Some(builder.arg(number)),
            };
        }
        let [grid_dim, block_dim] = [launch.grid, launch.block].map(|[x, y, z]| (x, y, z));
        let config = LaunchConfig { grid_dim, block_dim, shared_mem_bytes: launch.shared };
        // SAFETY: as promised by the caller.
        let launched = unsafe { builder.launch(config) };
        launched.map(|_| ()).map_err(|source| LaunchError::Driver { kernel: kernel.name(), source })
    }
}
