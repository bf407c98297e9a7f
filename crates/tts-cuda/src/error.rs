/// Why a kernel did not run.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The two matrices of a gate are of different kinds.
    #[error("kernel `{kernel}`: the matrices of a gate are of two kinds")]
    Gate {
        /// The kernel.
        kernel: &'static str,
    },
    /// An emulated thread broke a rule.
    #[error("kernel `{kernel}`: {what}")]
    Emulated {
        /// The kernel.
        kernel: &'static str,
        /// The rule, and the thread.
        what: String,
    },
    /// Launches cannot be recorded while others are.
    #[error("launches are being recorded already, or there is nothing to record them for")]
    Recording,
    /// The driver refused to record launches, or to repeat them.
    #[cfg(feature = "cuda")]
    #[error("recorded launches: {0}")]
    Graph(cudarc::driver::DriverError),
    /// The driver refused.
    #[cfg(feature = "cuda")]
    #[error("kernel `{kernel}`: {source}")]
    Driver {
        /// The kernel.
        kernel: &'static str,
        /// What it said.
        source: cudarc::driver::DriverError,
    },
}
