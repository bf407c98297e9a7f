//! Tiles that are read together.

use crate::inputs::InputGroup;
use crate::matrix::TILE;

/// Tiles of a strip, at most.
pub(crate) const TILES: usize = 4;

/// Neighbouring tiles of a strip, from the first group of the first of them on. The groups of all
/// tiles of a strip take turns, so a strip is one run through memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strip<'a> {
    pub(crate) bytes: &'a [u8],
    /// Tiles of the whole strip.
    pub(crate) tiles: usize,
}

impl<'a> Strip<'a> {
    /// Group by group, that of each of the first `T` tiles.
    #[inline]
    pub(crate) fn groups<const BYTES: usize, const T: usize>(
        self,
    ) -> impl Iterator<Item = &'a [[u8; BYTES]; T]> {
        let groups = self.bytes.as_chunks::<BYTES>().0;
        groups.chunks(self.tiles.max(1)).map_while(|turn| turn.first_chunk())
    }

    /// The products of the first `T` tiles with one vector; `add` adds those of a group of a tile.
    pub(crate) fn multiply<const BYTES: usize, const T: usize>(
        self,
        inputs: &[InputGroup],
        add: impl Fn(&mut [f32; TILE], &[u8; BYTES], &InputGroup),
    ) -> [[f32; TILE]; T] {
        let mut outputs = [[0.0; TILE]; T];
        for (groups, inputs) in self.groups::<BYTES, T>().zip(inputs) {
            outputs.iter_mut().zip(groups).for_each(|(outputs, group)| add(outputs, group, inputs));
        }
        outputs
    }
}
