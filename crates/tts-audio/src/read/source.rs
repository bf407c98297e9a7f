//! A stream in the form that decoders read.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use symphonia::core::io::MediaSource;

/// A reader that knows its length and keeps its first failure.
pub(super) struct Source<R> {
    reader: R,
    /// The length in bytes; none if the reader cannot seek.
    length: Option<u64>,
    failure: Failure,
}

/// The first failure of a [`Source`], which outlives it.
#[derive(Clone, Default)]
pub(super) struct Failure(Arc<Mutex<Option<io::Error>>>);

impl Failure {
    pub(super) fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Keeps `error` and returns one like it.
    fn keep(&self, error: io::Error) -> io::Error {
        let copy = error.kind().into();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        copy
    }
}

impl<R: Read + Seek> Source<R> {
    pub(super) fn new(mut reader: R) -> (Self, Failure) {
        let length = length(&mut reader).ok();
        let failure = Failure::default();
        (Self { reader, length, failure: failure.clone() }, failure)
    }
}

/// Rewinds a reader and tells its length.
fn length(reader: &mut impl Seek) -> io::Result<u64> {
    let length = reader.seek(SeekFrom::End(0))?;
    reader.rewind()?;
    Ok(length)
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.reader.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result.map_err(|error| self.failure.keep(error)),
            }
        }
    }
}

impl<R: Seek> Seek for Source<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.reader.seek(to)
    }
}

impl<R: Read + Seek + Send + Sync> MediaSource for Source<R> {
    fn is_seekable(&self) -> bool {
        self.length.is_some()
    }

    fn byte_len(&self) -> Option<u64> {
        self.length
    }
}
