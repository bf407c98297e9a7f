/// Why nothing can be said of a GPU.
#[derive(Debug, thiserror::Error)]
pub enum GpuError {
    /// A library is not installed.
    #[error("{library} is not there: {source}")]
    Library {
        /// The file that was looked for.
        library: &'static str,
        /// What the loader said.
        source: libloading::Error,
    },
    /// A library is too old, or another one of its name.
    #[error("{library} has no {function}: {source}")]
    Function {
        /// The file that was looked for.
        library: &'static str,
        /// The function that was looked for in it.
        function: &'static str,
        /// What the loader said.
        source: libloading::Error,
    },
    /// A function refused: there is no GPU, it may not be watched, or another program
    /// watches it.
    #[error("{call} failed with code {code}")]
    Call {
        /// The function.
        call: &'static str,
        /// What it returned, in the terms of its library.
        code: u32,
    },
    /// The driver knows of no GPU.
    #[error("there is no GPU")]
    NoGpu,
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
