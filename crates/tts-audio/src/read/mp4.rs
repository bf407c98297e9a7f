//! A look at MP4 files before they are demuxed.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

/// What the boxes of a stream are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Boxes {
    /// Not those of an MP4 file.
    Foreign,
    /// An MP4 file in one piece.
    Whole,
    /// An MP4 file in movie fragments. A few bytes of those make the demuxer
    /// count to four billion, and again for the next few.
    Fragmented,
}

/// Walks over the boxes of a stream and rewinds it.
pub(super) fn scan(stream: &mut (impl Read + Seek)) -> io::Result<Boxes> {
    stream.rewind()?;
    let boxes = walk(stream);
    stream.rewind()?;
    boxes
}

fn walk(stream: &mut (impl Read + Seek)) -> io::Result<Boxes> {
    let mut boxes = Boxes::Foreign;
    let mut position = 0_u64;
    while let Some((kind, size)) = header(stream)? {
        match (&kind, boxes) {
            (b"ftyp", Boxes::Foreign) => boxes = Boxes::Whole,
            (_, Boxes::Foreign) => break,
            (b"moof", _) => return Ok(Boxes::Fragmented),
            _ => {}
        }
        match position.checked_add(size) {
            Some(next) if size >= 8 => position = stream.seek(SeekFrom::Start(next))?,
            _ => break,
        }
    }
    Ok(boxes)
}

/// The type of the box at the current position, and its size in bytes: 0 for
/// one that lasts until the end. None at the end of the stream.
fn header(stream: &mut impl Read) -> io::Result<Option<([u8; 4], u64)>> {
    let (mut size, mut kind, mut long_size) = ([0; 4], [0; 4], [0; 8]);
    let read = stream.read_exact(&mut size).and_then(|()| stream.read_exact(&mut kind));
    let read = match (read, u32::from_be_bytes(size)) {
        (Ok(()), 1) => stream.read_exact(&mut long_size).map(|()| u64::from_be_bytes(long_size)),
        (Ok(()), size) => Ok(size.into()),
        (Err(error), _) => Err(error),
    };
    match read {
        Ok(size) => Ok(Some((kind, size))),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A box with `size` as its size field and `bytes` more behind its type.
    fn bytes_of(size: u32, kind: &str, bytes: usize) -> Vec<u8> {
        let mut header = size.to_be_bytes().to_vec();
        header.extend(kind.bytes());
        header.resize(header.len() + bytes, 0);
        header
    }

    fn boxes(parts: &[Vec<u8>]) -> Boxes {
        let mut stream = Cursor::new(parts.concat());
        let boxes = scan(&mut stream).unwrap();
        assert_eq!(stream.position(), 0);
        boxes
    }

    #[test]
    fn fragments_are_found_behind_boxes_of_any_size() {
        let ftyp = bytes_of(16, "ftyp", 8);
        let moof = bytes_of(8, "moof", 0);
        let mut long = bytes_of(1, "mdat", 16);
        long[15] = 24;
        assert_eq!(boxes(&[ftyp.clone(), long.clone()]), Boxes::Whole);
        assert_eq!(boxes(&[ftyp.clone(), long, moof.clone()]), Boxes::Fragmented);
        // Up to the end, and of an impossible size.
        assert_eq!(boxes(&[ftyp.clone(), bytes_of(0, "mdat", 0), moof.clone()]), Boxes::Whole);
        assert_eq!(boxes(&[ftyp, bytes_of(7, "mdat", 0), moof.clone()]), Boxes::Whole);
        assert_eq!(boxes(&[moof]), Boxes::Foreign);
        assert_eq!(boxes(&[]), Boxes::Foreign);
    }
}
