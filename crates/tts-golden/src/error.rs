use std::path::PathBuf;

/// Why a golden set could not be run. A case that fails is not an error.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    /// A file of the set could not be read.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A case lacks a tensor or a field it needs.
    #[error("case {case}: {problem}")]
    Case {
        /// The case.
        case: String,
        /// What is missing.
        problem: String,
    },
}
