/// Sizes of the chunks of a stream, in frames of 80 ms (at 12.5 frames a second).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkSchedule {
    sizes: Vec<usize>,
    in_time: bool,
}

impl ChunkSchedule {
    /// Frames of the largest chunk of the default, about a second.
    pub(crate) const LARGEST: usize = 12;

    /// These sizes; the last one repeats. A size of 0 counts as 1, no size at all
    /// as one frame per chunk.
    pub fn new(sizes: &[usize]) -> Self {
        Self { sizes: sizes.iter().map(|&size| size.max(1)).collect(), in_time: false }
    }

    /// Chunks of one size.
    pub fn constant(frames: usize) -> Self {
        Self::new(&[frames])
    }

    /// From `first` frames, each twice as long as the one before, up to `largest`.
    pub fn doubling(first: usize, largest: usize) -> Self {
        let (first, largest) = (first.max(1), largest.max(1));
        let sizes = std::iter::successors(Some(first.min(largest)), |&size| {
            (size < largest).then(|| size.saturating_mul(2).min(largest))
        });
        Self { sizes: sizes.collect(), in_time: false }
    }

    /// The same sizes at most: a chunk is shorter where a listener who plays the first one at once
    /// would have to wait for it. Where the chunks end depends on the speed of the machine then; the
    /// samples do not.
    #[must_use]
    pub fn in_time(self) -> Self {
        Self { in_time: true, ..self }
    }

    pub(crate) fn is_in_time(&self) -> bool {
        self.in_time
    }

    /// Frames of chunk `index`, at most.
    pub fn frames(&self, index: usize) -> usize {
        self.sizes.get(index).or(self.sizes.last()).copied().unwrap_or(1)
    }
}

impl Default for ChunkSchedule {
    /// One frame at once, so that playing begins, then longer chunks up to a second, [in
    /// time](ChunkSchedule::in_time).
    fn default() -> Self {
        Self::doubling(1, Self::LARGEST).in_time()
    }
}

#[cfg(test)]
mod tests {
    use super::ChunkSchedule;

    fn first(schedule: &ChunkSchedule) -> [usize; 6] {
        std::array::from_fn(|index| schedule.frames(index))
    }

    #[test]
    fn sizes_grow_and_the_last_repeats() {
        assert_eq!(first(&ChunkSchedule::default()), [1, 2, 4, 8, 12, 12]);
        assert_eq!(first(&ChunkSchedule::new(&[3, 0, 9])), [3, 1, 9, 9, 9, 9]);
        assert_eq!(first(&ChunkSchedule::new(&[])), [1; 6]);
        assert_eq!(first(&ChunkSchedule::constant(5)), [5; 6]);
        assert_eq!(first(&ChunkSchedule::doubling(0, usize::MAX))[..3], [1, 2, 4]);
        assert_eq!(first(&ChunkSchedule::doubling(9, 4)), [4; 6]);
    }
}
