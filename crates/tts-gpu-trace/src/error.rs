/// Why nothing can be said of a GPU.
#[derive(Debug, thiserror::Error)]
pub enum GpuError {
    /// A library is not installed, or not this one.
    #[error("{library} cannot be used: {source}")]
    Library {
        /// The file that was looked for.
        library: String,
        /// What the loader said.
        source: libloading::Error,
    },
    /// A function refused: most often there is no GPU.
    #[error("{call} failed with code {code}")]
    Call {
        /// The function.
        call: &'static str,
        /// What it returned, in the terms of its library.
        code: u32,
    },
    /// CUPTI records for one recording at a time.
    #[error("kernels are recorded already")]
    Busy,
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// The code of a function as a result: 0 is success in all of the libraries.
pub(crate) fn check(call: &'static str, code: u32) -> Result<(), GpuError> {
    if code == 0 { Ok(()) } else { Err(GpuError::Call { call, code }) }
}
