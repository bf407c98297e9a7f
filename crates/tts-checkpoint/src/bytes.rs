use std::ops::{Deref, Range};

use crate::mmap::MappedFile;

/// The content of a model file: mapped from disk or part of the program.
#[derive(Debug)]
pub(crate) enum Bytes {
    Mapped(MappedFile),
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
