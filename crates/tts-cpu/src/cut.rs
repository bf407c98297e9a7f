use std::ops::Range;

/// How neighbouring times are cut into parts that are computed at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// Times after which a part ends in any case.
    pub(crate) run: usize,
    /// Most times of a part.
    pub(crate) part: usize,
}

impl Cut {
    /// Parts of so many times.
    pub(crate) fn parts(self, times: usize) -> usize {
        times / self.run * self.run.div_ceil(self.part) + (times % self.run).div_ceil(self.part)
    }

    /// The times of a part.
    pub(crate) fn part(self, times: &Range<usize>, index: usize) -> Range<usize> {
        let parts = self.run.div_ceil(self.part);
        let run = times.start + index / parts * self.run;
        let start = run + index % parts * self.part;
        start..times.end.min(run + self.run).min(start + self.part)
    }

    /// The rows of every part, `stride` for each time.
    pub(crate) fn split<T>(self, rows: &mut [T], stride: usize) -> impl Iterator<Item = &mut [T]> {
        let runs = rows.chunks_mut((self.run * stride).max(1));
        runs.flat_map(move |run| run.chunks_mut((self.part * stride).max(1)))
    }
}
