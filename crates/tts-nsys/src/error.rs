use std::path::PathBuf;

/// Why a recording could not be analysed.
#[derive(Debug, thiserror::Error)]
pub enum NsysError {
    /// The file could not be opened.
    #[error("{}: cannot be opened", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A table could not be read.
    #[error("{}: table {table} cannot be read", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// The table.
        table: &'static str,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A database, but not of Nsight Systems.
    #[error("{}: no table StringIds: not an export of Nsight Systems", path.display())]
    NotAnExport {
        /// The file.
        path: PathBuf,
    },
    /// A version of Nsight Systems with another schema.
    #[error("{}: table {table} has no column {column}: another version of nsys?", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The table.
        table: &'static str,
        /// The column that is missing.
        column: &'static str,
    },
    /// More utterances were to be skipped than there are.
    #[error("{skipped} utterances to skip, but only {found} recorded")]
    Utterances {
        /// How many were to be skipped.
        skipped: usize,
        /// How many `synthesize` ranges there are.
        found: usize,
    },
    /// No utterance has the first frame of the window.
    #[error("the window begins at frame {from}, but the longest utterance recorded has {longest}")]
    Frames {
        /// First frame of the window.
        from: usize,
        /// Frames of the longest utterance.
        longest: usize,
    },
}
