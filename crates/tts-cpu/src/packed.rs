//! Packed values as bytes, to be kept in a file and used where it is mapped.
//!
//! Every part is a header of 64 bytes (a tag and up to seven sizes) and its values; parts begin at
//! multiples of 64 bytes. Numbers are stored as the processor has them; one of another byte order
//! does not recognise the tags.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytemuck::{Pod, Zeroable};

use crate::error::ShapeError;
use crate::pool::Pool;
use crate::region::Region;
use crate::signal::Lanes;

/// Where parts begin, in bytes: a cache line.
pub(crate) const ALIGN: usize = 64;
/// Bytes that one thread copies at once.
const PART: usize = 1 << 20;
/// Numbers of a header behind its tag.
const SIZES: usize = 7;
/// The tag, and the sizes.
type Header = [u64; 1 + SIZES];

/// Bytes that many own, such as a part of a mapped file.
pub type Bytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// What takes time to pack, and can be kept as bytes.
///
/// Unless they [are copied](Packed::IS_COPIED), bytes are used where they are if they begin at a
/// multiple of 64 bytes in memory; values that need that and do not have it are copied.
pub trait Packed: Sized {
    /// Are its values copied from the bytes, into memory that is read faster?
    const IS_COPIED: bool = false;

    /// The bytes, a multiple of 64 of them.
    fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        self.write(&mut writer);
        writer.0
    }

    /// What [`Packed::to_bytes`] gave.
    ///
    /// # Errors
    /// If the bytes are of something else, of another version of this crate or another kind of
    /// processor, or are not complete. Their values are not looked at.
    fn from_bytes(bytes: Bytes) -> Result<Self, PackedError> {
        let mut reader = Reader { bytes, at: 0 };
        let packed = Self::read(&mut reader)?;
        reader.end()?;
        Ok(packed)
    }

    /// Appends the parts.
    #[doc(hidden)]
    fn write(&self, writer: &mut Writer);

    /// Takes the parts.
    #[doc(hidden)]
    fn read(reader: &mut Reader) -> Result<Self, PackedError>;
}

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PackedError {
    /// Other values, or those of another version or another byte order.
    #[error("packed values are marked {:?}, expected {:?}", found.escape_ascii().to_string(), expected.escape_ascii().to_string())]
    Tag {
        /// The mark that is there.
        found: [u8; 8],
        /// The mark of what is looked for.
        expected: [u8; 8],
    },
    /// There are less or more of them than the sizes in front say.
    #[error("packed values of {found} bytes, expected {expected}")]
    Length {
        /// Bytes that are there.
        found: usize,
        /// Bytes that there should be.
        expected: usize,
    },
    /// Parts do not fit together.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// Appends parts.
#[derive(Debug, Default)]
#[doc(hidden)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// The header of a part.
    pub(crate) fn header(&mut self, tag: [u8; 8], of: &[usize]) {
        let mut header = [0; 1 + SIZES];
        let numbers = [u64::from_le_bytes(tag)].into_iter().chain(of.iter().map(|&of| of as u64));
        header.iter_mut().zip(numbers).for_each(|(place, number)| *place = number);
        self.0.extend(bytemuck::bytes_of::<Header>(&header));
    }

    /// Values behind a header.
    pub(crate) fn values<T: Pod>(&mut self, values: &[T]) {
        self.0.extend(bytemuck::cast_slice::<T, u8>(values));
        self.0.resize(self.0.len().next_multiple_of(ALIGN), 0);
    }
}

/// Takes parts.
#[doc(hidden)]
pub struct Reader {
    bytes: Bytes,
    at: usize,
}

impl Reader {
    /// The sizes of a header.
    pub(crate) fn header<const N: usize>(
        &mut self,
        expected: [u8; 8],
    ) -> Result<[usize; N], PackedError> {
        let start = self.at;
        let range = self.take(size_of::<Header>())?;
        let header = (*self.bytes).as_ref().get(range).unwrap_or_default();
        let [tag, numbers @ ..]: Header =
            bytemuck::try_pod_read_unaligned(header).unwrap_or_default();
        let found = tag.to_le_bytes();
        if found != expected {
            self.at = start;
            return Err(PackedError::Tag { found, expected });
        }
        let mut sizes = [0; N];
        for (size, found) in sizes.iter_mut().zip(numbers) {
            *size = usize::try_from(found).unwrap_or(usize::MAX);
        }
        Ok(sizes)
    }

    /// The product of `sizes` values.
    pub(crate) fn values<T: Pod>(&mut self, sizes: &[usize]) -> Result<Store<T>, PackedError> {
        let count = sizes.iter().fold(size_of::<T>(), |count, size| count.saturating_mul(*size));
        let range = self.take(count)?;
        self.at = self.at.next_multiple_of(ALIGN);
        let found = (*self.bytes).as_ref().get(range.clone()).unwrap_or_default();
        Ok(match bytemuck::try_cast_slice::<u8, T>(found) {
            Ok(_) => Store::Shared(Arc::clone(&self.bytes), range),
            Err(_) => Store::Own(bytemuck::pod_collect_to_vec(found)),
        })
    }

    /// The product of `sizes` bytes, in memory of their own.
    pub(crate) fn copy(&mut self, sizes: &[usize]) -> Result<Store<u8>, PackedError> {
        let count = sizes.iter().fold(1_usize, |count, size| count.saturating_mul(*size));
        let range = self.take(count)?;
        self.at = self.at.next_multiple_of(ALIGN);
        let found = (*self.bytes).as_ref().get(range).unwrap_or_default();
        let mut region = Region::zeros(found.len());
        let parts = region.chunks_mut(PART).zip(found.chunks(PART));
        Pool::shared().for_each(parts, |(to, from)| to.copy_from_slice(from));
        Ok(Store::of(region))
    }

    fn take(&mut self, count: usize) -> Result<Range<usize>, PackedError> {
        let (start, found) = (self.at, (*self.bytes).as_ref().len());
        let expected = start.saturating_add(count);
        if expected > found {
            return Err(PackedError::Length { found, expected });
        }
        self.at = expected;
        Ok(start..expected)
    }

    fn end(&self) -> Result<(), PackedError> {
        let (found, expected) = ((*self.bytes).as_ref().len(), self.at);
        if found == expected { Ok(()) } else { Err(PackedError::Length { found, expected }) }
    }
}

/// Values in memory of their own, or in shared bytes.
#[derive(Clone)]
pub(crate) enum Store<T> {
    Own(Vec<T>),
    Shared(Bytes, Range<usize>),
}

impl Store<u8> {
    /// All bytes of a region.
    pub(crate) fn of(region: Region) -> Self {
        let range = 0..region.len();
        Self::Shared(Arc::new(region), range)
    }
}

impl<T: Pod> Store<T> {
    /// All of them.
    pub(crate) fn values(&self) -> &[T] {
        match self {
            Self::Own(values) => values,
            Self::Shared(bytes, range) => {
                let bytes = (**bytes).as_ref().get(range.clone()).unwrap_or_default();
                bytemuck::try_cast_slice(bytes).unwrap_or_default()
            }
        }
    }
}

impl<T> fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(values) => write!(f, "Own({} values)", values.len()),
            Self::Shared(_, range) => write!(f, "Shared({range:?})"),
        }
    }
}

// SAFETY: sixteen floats, as large as they are aligned: no padding, and any bits are values.
unsafe impl Pod for Lanes {}
// SAFETY: as above.
unsafe impl Zeroable for Lanes {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Conv, Matrix, Scheme};

    fn matrix() -> Matrix {
        let weights: Vec<f32> = (0..77 * 40).map(|i| ((i * 37) % 101) as f32 - 50.0).collect();
        Matrix::pack(Scheme::Q4, 77, 40, &weights).expect("a matrix")
    }

    /// Bytes that begin `shift` bytes after a multiple of 64.
    struct Shifted(Vec<Lanes>, usize, usize);

    impl Shifted {
        fn bytes(content: &[u8], shift: usize) -> Bytes {
            let mut rows = vec![Lanes::ZERO; content.len() / ALIGN + 2];
            let bytes = bytemuck::cast_slice_mut::<Lanes, u8>(&mut rows);
            bytes[shift..shift + content.len()].copy_from_slice(content);
            Arc::new(Self(rows, shift, content.len()))
        }
    }

    impl AsRef<[u8]> for Shifted {
        fn as_ref(&self) -> &[u8] {
            &bytemuck::cast_slice(&self.0)[self.1..self.1 + self.2]
        }
    }

    #[test]
    fn bytes_are_used_where_they_are_or_copied() {
        let conv = Conv::causal(&[0.5; 3 * 20 * 7], &[1.0; 3], 20, 3).expect("a convolution");
        let bytes = conv.to_bytes();
        for (shift, shared) in [(0, true), (8, false), (1, false)] {
            let conv = Conv::from_bytes(Shifted::bytes(&bytes, shift)).expect("its own bytes");
            assert_eq!(conv.to_bytes(), bytes);
            assert_eq!(conv.is_shared(), shared, "{shift}");
        }
        let bytes = matrix().to_bytes();
        let again = Matrix::from_bytes(Shifted::bytes(&bytes, 1)).expect("its own bytes");
        assert_eq!(again.to_bytes(), bytes);
    }

    #[test]
    fn other_bytes_are_refused() {
        let bytes = matrix().to_bytes();
        let read = |bytes: &[u8]| Matrix::from_bytes(Arc::new(bytes.to_vec())).map(|_| ());
        assert_eq!(read(&bytes), Ok(()));
        for length in 0..bytes.len() {
            let found = read(&bytes[..length]);
            assert!(matches!(found, Err(PackedError::Length { .. })), "{length}: {found:?}");
        }
        assert!(matches!(
            read(&[bytes.clone(), vec![0]].concat()),
            Err(PackedError::Length { .. })
        ));
        assert!(matches!(Conv::from_bytes(Arc::new(bytes.clone())), Err(PackedError::Tag { .. })));
        // No size makes it panic, nor take memory.
        for byte in 0..ALIGN {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = bytes.clone();
                bytes[byte] = value;
                let _ = read(&bytes);
                let mut bytes = Conv::causal(&[0.5; 6], &[0.0; 2], 3, 1).expect("one").to_bytes();
                bytes[byte] = value;
                let _ = Conv::from_bytes(Arc::new(bytes));
            }
        }
    }
}
