/// Why a kernel did not run.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// An emulated thread broke a rule.
    #[error("kernel `{kernel}`: {what}")]
    Emulated {
        /// The kernel.
        kernel: &'static str,
        /// The rule, and the thread.
        what: String,
    },
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
