use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

/// Memory for weights that are read from end to end, at every step: in pages as large as the
/// system gives, which take less looking up than those of the heap.
#[derive(Debug)]
pub(crate) enum Region {
    Pages(MmapMut),
    Heap(Vec<u8>),
}

impl Region {
    /// So many zeros.
    pub(crate) fn zeros(length: usize) -> Self {
        let Ok(pages) = MmapMut::map_anon(length) else { return Self::Heap(vec![0; length]) };
        // A refusal only means that pages stay small.
        #[cfg(target_os = "linux")]
        drop(pages.advise(memmap2::Advice::HugePage));
        Self::Pages(pages)
    }
}

impl Deref for Region {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Pages(pages) => pages,
            Self::Heap(bytes) => bytes,
        }
    }
}

impl DerefMut for Region {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Pages(pages) => pages,
            Self::Heap(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Region {
    fn as_ref(&self) -> &[u8] {
        self
    }
}
