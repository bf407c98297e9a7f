//! The part of the recording that is analysed.

use tts_profiling::Stage;

use crate::error::NsysError;
use crate::range_tree::RangeTree;
use crate::trace::{Range, Trace, length, overlap, total};

/// Which utterances and frames are analysed. The default is all of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection {
    /// Utterances left out at the begin: those of the warm-up.
    pub skip_utterances: usize,
    /// Some frames of each utterance instead of all of it.
    pub frames: Option<FrameWindow>,
}

/// Consecutive frames of an utterance.
#[derive(Debug, Clone, Copy)]
pub struct FrameWindow {
    /// The first one, from 0.
    pub from: usize,
    /// How many; fewer where the utterance ends.
    pub count: usize,
}

/// Intervals of time, in order and apart.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    pub(crate) intervals: Vec<(i64, i64)>,
    /// `synthesize` ranges in them; 0 if none was recorded.
    pub(crate) utterances: usize,
    /// Frames in them.
    pub(crate) frames: usize,
}

impl Windows {
    /// Without a `synthesize` range and a frame window: the whole recording.
    pub(crate) fn new(
        trace: &Trace,
        tree: &RangeTree,
        selection: &Selection,
    ) -> Result<Self, NsysError> {
        let frames = Frames::new(&trace.ranges, tree);
        let utterances = utterances(&trace.ranges);
        let skipped = selection.skip_utterances;
        if !utterances.is_empty() && skipped >= utterances.len() {
            return Err(NsysError::Utterances { skipped, found: utterances.len() });
        }
        let selected: Vec<_> = if utterances.is_empty() {
            trace.extent().into_iter().collect()
        } else {
            utterances.iter().skip(skipped).copied().collect()
        };
        let mut intervals: Vec<_> = match selection.frames {
            None => selected.clone(),
            Some(window) => {
                selected.iter().filter_map(|&whole| frames.window(whole, window)).collect()
            }
        };
        if let Some(FrameWindow { from, .. }) = selection.frames
            && intervals.is_empty()
        {
            let longest = selected.iter().map(|&whole| frames.within(whole).len()).max();
            return Err(NsysError::Frames { from, longest: longest.unwrap_or(0) });
        }
        let utterances = if utterances.is_empty() { 0 } else { intervals.len() };
        intervals.sort_unstable();
        intervals.dedup_by(|next, before| {
            let joins = next.0 <= before.1;
            if joins {
                before.1 = before.1.max(next.1);
            }
            joins
        });
        let frames = intervals.iter().map(|&interval| frames.within(interval).len()).sum();
        Ok(Self { intervals, utterances, frames })
    }

    pub(crate) fn wall_ns(&self) -> u64 {
        total(self.intervals.iter().map(|&(start, end)| length(start, end)))
    }

    pub(crate) fn contain(&self, time: i64) -> bool {
        let after = self.intervals.partition_point(|&(start, _)| start <= time);
        let last = after.checked_sub(1).and_then(|at| self.intervals.get(at));
        last.is_some_and(|&(_, end)| time < end)
    }

    /// How much of the interval lies in the windows, in nanoseconds.
    pub(crate) fn share(&self, interval: (i64, i64)) -> u64 {
        let first = self.intervals.partition_point(|&(_, end)| end <= interval.0);
        let touched = self.intervals[first..].iter().take_while(|part| part.0 < interval.1);
        total(touched.map(|&part| overlap(part, interval)))
    }
}

/// Begin and end of each utterance, in order.
fn utterances(ranges: &[Range]) -> Vec<(i64, i64)> {
    let ranges = ranges.iter().filter(|range| *range.name == *Stage::Synthesize.name());
    let mut found: Vec<_> = ranges.map(|range| (range.start, range.end)).collect();
    found.sort_unstable();
    found
}

/// The stage with which a frame begins.
const FIRST_OF_FRAME: Stage = Stage::CodePredictor;

/// The frames of the recording, each from the begin of its first stage to the end of its
/// last one.
struct Frames {
    /// Begin and end, in order.
    spans: Vec<(i64, i64)>,
}

impl Frames {
    fn new(ranges: &[Range], tree: &RangeTree) -> Self {
        let mut starts: Vec<(i64, usize)> = (ranges.iter().enumerate())
            .filter(|(_, range)| *range.name == *FIRST_OF_FRAME.name())
            .map(|(at, range)| (range.start, at))
            .collect();
        starts.sort_unstable();
        let mut spans: Vec<_> = starts.iter().map(|&(start, at)| (start, ranges[at].end)).collect();
        // The other stages of the frame: beside its first stage, before the next frame.
        for (at, range) in ranges.iter().enumerate() {
            let after = starts.partition_point(|&(start, _)| start <= range.start);
            let Some(frame) = after.checked_sub(1) else { continue };
            let beside = tree.parent(at) == tree.parent(starts[frame].1);
            if beside && range.thread == ranges[starts[frame].1].thread {
                spans[frame].1 = spans[frame].1.max(range.end);
            }
        }
        Self { spans }
    }

    /// The frames that begin in the interval.
    fn within(&self, interval: (i64, i64)) -> &[(i64, i64)] {
        let before = |time| self.spans.partition_point(|&(start, _)| start < time);
        self.spans.get(before(interval.0)..before(interval.1)).unwrap_or_default()
    }

    /// From the begin of the first to the end of the last frame of the window.
    fn window(&self, utterance: (i64, i64), window: FrameWindow) -> Option<(i64, i64)> {
        let frames = self.within(utterance).get(window.from..)?;
        let frames = &frames[..window.count.min(frames.len())];
        Some((frames.first()?.0, frames.last()?.1))
    }
}
