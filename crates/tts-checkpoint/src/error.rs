use std::path::PathBuf;

use crate::census::Problem;

/// Why a model directory could not be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The model itself is not there.
    #[error("no model at {path}: expected a directory, or a file of `tts quantize`")]
    NoSuchModel {
        /// The path that was given.
        path: PathBuf,
    },
    /// A file could not be opened or read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A JSON file is malformed, lacks a field or has one of the wrong type.
    #[error("{path}: at `{field}`: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// Dotted path of the innermost object or field that was being read.
        field: String,
        /// What is wrong there.
        source: serde_json::Error,
    },
    /// A configuration value is out of range or contradicts another one.
    #[error("{path}: `{field}`: {problem}")]
    Config {
        /// The file.
        path: PathBuf,
        /// Dotted path of the field.
        field: String,
        /// What was expected and what was found.
        problem: String,
    },
    /// The checkpoint belongs to a family this engine does not implement.
    #[error("{path}: `{field}` is {found:?}: {reason}")]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Dotted path of the field.
        field: String,
        /// Its value.
        found: String,
        /// Why it cannot be used and what can.
        reason: String,
    },
    /// A safetensors file has a broken header or is cut short.
    #[error("{path}: not a complete safetensors file: {source}")]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: safetensors::SafeTensorError,
    },
    /// The same tensor stands in two shards.
    #[error("tensor `{name}` is in both {first} and {second}")]
    DuplicateTensor {
        /// Its name.
        name: String,
        /// The first shard.
        first: PathBuf,
        /// The second shard.
        second: PathBuf,
    },
    /// Tensors are missing or have another shape than the configuration implies.
    #[error("{path}: {} of the expected tensors are missing or wrong:{}", problems.len(), Problem::list(problems))]
    Tensors {
        /// The weight file (or the directory of shards).
        path: PathBuf,
        /// Every problem, in the order of the manifest.
        problems: Vec<Problem>,
    },
    /// A weight is NaN or infinite.
    #[error("{path}: tensor `{name}`: value {index} is {value}, expected a finite number")]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Flat index of the first such value.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A tensor was asked for that the manifest does not know.
    #[error("{path}: no tensor `{name}`")]
    NoSuchTensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A row outside a table was asked for.
    #[error("tensor `{name}`: row {row} of {rows}")]
    RowOutOfRange {
        /// The tensor.
        name: String,
        /// The row.
        row: u32,
        /// Number of rows.
        rows: usize,
    },
    /// The tensor library failed, for instance for lack of memory on a device.
    #[error("tensor `{name}`: {source}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What it said.
        source: candle_core::Error,
    },
}
