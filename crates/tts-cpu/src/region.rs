//! Memory for weights that are read from end to end, at every step.

use std::ops::{Deref, DerefMut, Range};
use std::slice;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use memmap2::{MmapMut, MmapRaw};

/// What is asked of the system at once: many of the largest pages that it gives.
const BLOCK: usize = 64 << 20;
/// Where a region begins: at a multiple of so many bytes.
const ALIGN: usize = 64;

/// Bytes in pages as large as the system gives, which take less looking up than those of the heap.
/// Matrices are smaller than a few such pages, so they lie one behind the other in blocks. A block goes
/// back to the system with the last of its regions: models that are loaded at the same time share some.
#[derive(Debug)]
pub(crate) enum Region {
    Pages(Part),
    Heap(Vec<u8>),
}

/// A part of a block that nothing else has.
#[derive(Debug)]
pub(crate) struct Part {
    block: Arc<MmapRaw>,
    range: Range<usize>,
}

/// The block that is being given away, while anything in it is alive, and how much of it is gone.
static OPEN: Mutex<(Weak<MmapRaw>, usize)> = Mutex::new((Weak::new(), 0));

impl Region {
    /// So many zeros.
    pub(crate) fn zeros(length: usize) -> Self {
        Part::zeros(length).map_or_else(|| Self::Heap(vec![0; length]), Self::Pages)
    }
}

impl Part {
    /// So many zeros; `None` if the system has none to give.
    fn zeros(length: usize) -> Option<Self> {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let (block, used) = &mut *open;
        if let Some(block) = block.upgrade()
            && let Some(end) = used.checked_add(length).filter(|end| *end <= block.len())
        {
            let range = *used..end;
            *used = end.next_multiple_of(ALIGN);
            return Some(Self { block, range });
        }
        let pages = MmapMut::map_anon(length.max(BLOCK)).ok()?;
        // A refusal only means that pages stay small.
        #[cfg(target_os = "linux")]
        drop(pages.advise(memmap2::Advice::HugePage));
        let new = Arc::new(MmapRaw::from(pages));
        (*block, *used) = (Arc::downgrade(&new), length.next_multiple_of(ALIGN));
        Some(Self { block: new, range: 0..length })
    }
}

impl Deref for Region {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            // SAFETY: the range is in the block, which lives as long; nobody else has it, and it is
            // written through a reference to the region only.
            Self::Pages(Part { block, range }) => unsafe {
                slice::from_raw_parts(block.as_ptr().add(range.start), range.len())
            },
            Self::Heap(bytes) => bytes,
        }
    }
}

impl DerefMut for Region {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            // SAFETY: as above; the region is borrowed as long.
            Self::Pages(Part { block, range }) => unsafe {
                slice::from_raw_parts_mut(block.as_mut_ptr().add(range.start), range.len())
            },
            Self::Heap(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Region {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_apart_and_zeros() {
        let lengths = [1, 0, 64, 1000, BLOCK / 2, BLOCK / 2, BLOCK + 1, 7];
        for round in 0..2 {
            let mut regions = lengths.map(Region::zeros);
            for (region, length) in regions.iter().zip(lengths) {
                assert_eq!(region.len(), length);
                assert!(region.as_ptr().addr().is_multiple_of(ALIGN) || length == 0);
                assert!(region.iter().all(|byte| *byte == 0), "{round}");
            }
            for (number, region) in (1..).zip(&mut regions) {
                region.fill(number);
            }
            for (number, region) in (1..).zip(&regions) {
                assert!(region.iter().all(|byte| *byte == number));
            }
        }
    }

    #[test]
    fn a_block_goes_with_the_last_of_its_regions() {
        // Nothing else fits into such a block.
        let region = Region::zeros(BLOCK + 3);
        let Region::Pages(Part { block, .. }) = &region else { return };
        let block = Arc::downgrade(block);
        drop(region);
        assert!(block.upgrade().is_none());

        let (first, mut second) = (Region::zeros(100), Region::zeros(200));
        let (Region::Pages(one), Region::Pages(other)) = (&first, &second) else { return };
        let (block, is_same) = (Arc::downgrade(&one.block), Arc::ptr_eq(&one.block, &other.block));
        second.fill(7);
        drop(first);
        assert!(second.iter().all(|byte| *byte == 7));
        assert!(!is_same || block.upgrade().is_some());
    }
}
