//! Memory-mapped files. The only unsafe code of this crate.

use std::fs::File;
use std::ops::{Deref, Range};

use memmap2::{Mmap, UncheckedAdvice};

/// A read-only mapping of a whole file.
#[derive(Debug)]
pub(crate) struct MappedFile(Mmap);

impl MappedFile {
    pub(crate) fn open(file: &File) -> std::io::Result<Self> {
        // SAFETY: the mapping is read-only and private to this process' reads.
        // As with every memory-mapped model format, a file that another process
        // truncates while it is in use ends the process; files that are
        // replaced by renaming, as downloads and converters do, are unaffected.
        unsafe { Mmap::map(file) }.map(Self)
    }

    /// Tells the system that the pages wholly inside `range` are not needed for
    /// now. They stay readable: a later access reads them from the file again.
    pub(crate) fn release(&self, range: Range<usize>) {
        const PAGE: usize = 4096;
        let start = range.start.next_multiple_of(PAGE);
        let end = range.end.min(self.0.len()) / PAGE * PAGE;
        if start < end {
            // SAFETY: the mapping is file-backed and never written, so dropping
            // its pages loses nothing; references into it stay valid because
            // the address range stays mapped.
            let advised = unsafe {
                self.0.unchecked_advise_range(UncheckedAdvice::DontNeed, start, end - start)
            };
            // A refusal only means that the pages stay resident.
            drop(advised);
        }
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
