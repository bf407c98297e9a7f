//! Memory and a queue of the first GPU. Its memory is managed: the driver moves it between the GPU
//! and this process, which looks at it after the kernels have run.

use std::sync::{Arc, OnceLock};

use cudarc::driver::sys::CUmemAttach_flags;
use cudarc::driver::{CudaContext, CudaStream, result};
use tts_cuda::{Address, Gpu, Queue};

fn stream() -> &'static Arc<CudaStream> {
    static STREAM: OnceLock<Arc<CudaStream>> = OnceLock::new();
    let stream = STREAM.get_or_init(|| {
        let context = CudaContext::new(0).expect("a GPU");
        context.new_stream().expect("a stream")
    });
    stream.context().bind_to_thread().expect("a context");
    stream
}

/// Bytes from an address that is a multiple of 16.
pub(crate) struct Room {
    memory: *mut u8,
    count: usize,
}

impl Room {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let (stream, count) = (stream(), bytes.len().max(1));
        stream.synchronize().expect("kernels that end");
        let flags = CUmemAttach_flags::CU_MEM_ATTACH_GLOBAL;
        // SAFETY: it is written below before it is read.
        let memory = unsafe { result::malloc_managed(count, flags) }.expect("memory") as *mut u8;
        // SAFETY: there are so many bytes, at least, and no kernel is running.
        unsafe {
            memory.write_bytes(0, count);
            memory.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        Self { memory, count }
    }

    pub(crate) fn address(&mut self) -> Address {
        Address::of(self.memory)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        stream().synchronize().expect("kernels that end");
        // SAFETY: they were written, and no kernel is running.
        unsafe { std::slice::from_raw_parts(self.memory, self.count) }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let stream = stream();
        if stream.synchronize().is_ok() {
            // SAFETY: nobody has the address any more. An error is one of a kernel before.
            let _ = unsafe { result::memory_free(self.memory as u64) };
        }
    }
}

/// The same queue four times: what a race may change differs from one time to another.
pub(crate) fn queues() -> [Queue; 4] {
    [0; 4].map(|_| Queue::Gpu(Gpu::new(Arc::clone(stream())).expect("kernels")))
}
