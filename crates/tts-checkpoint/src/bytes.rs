use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use crate::mmap::MappedFile;

/// The content of a model file: mapped from disk or part of the program.
#[derive(Debug)]
pub(crate) enum Bytes {
    Mapped(Arc<MappedFile>),
    Static(&'static [u8]),
}

impl Bytes {
    /// Lets the system take back the memory behind `range`; it stays readable.
    pub(crate) fn release(&self, range: Range<usize>) {
        if let Self::Mapped(file) = self {
            file.release(range);
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(file) => file,
            Self::Static(bytes) => bytes,
        }
    }
}

/// A part of a mapped file, which stays mapped as long as this lives.
#[derive(Clone)]
pub struct MappedPart {
    file: Arc<MappedFile>,
    range: Range<usize>,
}

impl MappedPart {
    pub(crate) fn new(file: Arc<MappedFile>, range: Range<usize>) -> Self {
        Self { file, range }
    }

    /// Lets the system take back the memory behind it; it stays readable.
    pub fn release(&self) {
        self.file.release(self.range.clone());
    }
}

impl AsRef<[u8]> for MappedPart {
    fn as_ref(&self) -> &[u8] {
        self.file.get(self.range.clone()).unwrap_or_default()
    }
}

impl fmt::Debug for MappedPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MappedPart({:?})", self.range)
    }
}
