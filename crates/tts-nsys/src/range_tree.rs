//! The ranges of each thread as a tree, and which one is innermost when.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use crate::trace::{Range, overlap};

/// A span as the report shows it: all ranges of one name below one parent.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) name: Arc<str>,
    pub(crate) parent: Option<usize>,
}

/// A stretch of one thread in which the innermost range does not change.
#[derive(Debug)]
struct Segment {
    start: i64,
    end: i64,
    range: usize,
}

/// Spans, ranges and segments. Ranges are the indices of the recorded ones.
#[derive(Debug, Default)]
pub(crate) struct RangeTree {
    pub(crate) spans: Vec<Span>,
    /// The span of each range.
    span_of: Vec<usize>,
    /// The range in which each range began.
    parent_of: Vec<Option<usize>>,
    threads: HashMap<i64, Vec<Segment>>,
}

impl RangeTree {
    pub(crate) fn new(ranges: &[Range]) -> Self {
        let mut tree = Self {
            span_of: vec![0; ranges.len()],
            parent_of: vec![None; ranges.len()],
            ..Self::default()
        };
        let mut order: Vec<usize> = (0..ranges.len()).collect();
        order.sort_by_key(|&at| (ranges[at].start, Reverse(ranges[at].end)));
        let mut sweeps: HashMap<i64, Sweep> = HashMap::new();
        let mut known: HashMap<(Option<usize>, Arc<str>), usize> = HashMap::new();
        for at in order {
            let range = &ranges[at];
            let sweep = sweeps.entry(range.thread).or_default();
            sweep.advance(range.start, ranges);
            let parent = sweep.open.last().copied();
            sweep.open.push(at);
            let parent_span = parent.map(|parent| tree.span_of[parent]);
            let span = *known.entry((parent_span, range.name.clone())).or_insert_with(|| {
                tree.spans.push(Span { name: range.name.clone(), parent: parent_span });
                tree.spans.len() - 1
            });
            tree.span_of[at] = span;
            tree.parent_of[at] = parent;
        }
        for (thread, mut sweep) in sweeps {
            sweep.advance(i64::MAX, ranges);
            tree.threads.insert(thread, sweep.segments);
        }
        tree
    }

    pub(crate) fn span(&self, range: usize) -> usize {
        self.span_of[range]
    }

    pub(crate) fn parent(&self, range: usize) -> Option<usize> {
        self.parent_of[range]
    }

    /// The span whose range is innermost at `time` on `thread`.
    pub(crate) fn innermost(&self, thread: i64, time: i64) -> Option<usize> {
        let segments = self.threads.get(&thread)?;
        let after = segments.partition_point(|segment| segment.start <= time);
        let segment = &segments[after.checked_sub(1)?];
        (time < segment.end).then(|| self.span(segment.range))
    }

    /// Splits the interval by the innermost span on `thread`: for each part inside a
    /// range, the span and nanoseconds.
    pub(crate) fn split(
        &self,
        thread: i64,
        interval: (i64, i64),
    ) -> impl Iterator<Item = (usize, u64)> {
        let segments = self.threads.get(&thread).map_or(&[][..], Vec::as_slice);
        let first = segments.partition_point(|segment| segment.end <= interval.0);
        let touched = segments[first..].iter().take_while(move |part| part.start < interval.1);
        touched.map(move |part| (self.span(part.range), overlap((part.start, part.end), interval)))
    }

    /// The names from the outermost span to this one.
    pub(crate) fn path(&self, span: usize) -> String {
        let mut names = vec![&*self.spans[span].name];
        names.extend(self.ancestors(span).map(|above| &*self.spans[above].name));
        names.reverse();
        names.join(" > ")
    }

    /// The spans around this one, innermost first.
    pub(crate) fn ancestors(&self, span: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.spans[span].parent, |&above| self.spans[above].parent)
    }
}

/// The ranges of one thread, while time goes on.
#[derive(Default)]
struct Sweep {
    /// Begun and not ended, the innermost last.
    open: Vec<usize>,
    segments: Vec<Segment>,
    now: i64,
}

impl Sweep {
    /// Goes on to `time`: ends the ranges that end before.
    fn advance(&mut self, time: i64, ranges: &[Range]) {
        while let Some(next) = self.next_to_end(ranges)
            && ranges[self.open[next]].end <= time
        {
            self.segment(ranges[self.open[next]].end);
            self.open.remove(next);
        }
        self.segment(time);
    }

    /// Where in `open` the range is that ends first; of equal ones the innermost.
    fn next_to_end(&self, ranges: &[Range]) -> Option<usize> {
        (0..self.open.len()).rev().min_by_key(|&at| ranges[self.open[at]].end)
    }

    fn segment(&mut self, end: i64) {
        if end > self.now
            && let Some(&range) = self.open.last()
        {
            self.segments.push(Segment { start: self.now, end, range });
        }
        self.now = self.now.max(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(name: &str, start: i64, end: i64, thread: i64) -> Range {
        Range { name: Arc::from(name), start, end, thread }
    }

    fn path_at(tree: &RangeTree, thread: i64, time: i64) -> Option<String> {
        tree.innermost(thread, time).map(|span| tree.path(span))
    }

    #[test]
    fn the_innermost_range_is_found_on_its_thread_only() {
        let tree = RangeTree::new(&[
            range("inner", 20, 30, 1),
            range("outer", 10, 40, 1),
            range("other", 0, 100, 2),
        ]);
        let at = |time| path_at(&tree, 1, time);
        assert_eq!(at(9), None);
        assert_eq!(at(10).as_deref(), Some("outer"));
        assert_eq!(at(20).as_deref(), Some("outer > inner"));
        assert_eq!(at(30).as_deref(), Some("outer"));
        assert_eq!(at(40), None);
        assert_eq!(path_at(&tree, 2, 25).as_deref(), Some("other"));
        assert_eq!(path_at(&tree, 3, 25), None);
    }

    #[test]
    fn ranges_of_one_name_and_parent_are_one_span() {
        let tree = RangeTree::new(&[
            range("a", 0, 10, 1),
            range("b", 1, 2, 1),
            range("b", 3, 4, 1),
            range("b", 20, 21, 1),
        ]);
        assert_eq!(tree.spans.len(), 3);
        assert_eq!(tree.span(1), tree.span(2));
        assert_ne!(tree.span(1), tree.span(3));
        assert_eq!((tree.parent(1), tree.parent(3)), (Some(0), None));
    }

    #[test]
    fn of_ranges_that_begin_together_the_longer_is_outside() {
        let tree = RangeTree::new(&[range("short", 5, 6, 1), range("long", 5, 9, 1)]);
        assert_eq!(path_at(&tree, 1, 5).as_deref(), Some("long > short"));
    }

    #[test]
    fn ranges_that_cross_leave_the_one_begun_last() {
        let tree = RangeTree::new(&[range("a", 0, 10, 1), range("b", 5, 15, 1)]);
        assert_eq!(path_at(&tree, 1, 7).as_deref(), Some("a > b"));
        assert_eq!(path_at(&tree, 1, 12).as_deref(), Some("a > b"));
        assert_eq!(path_at(&tree, 1, 15), None);
    }

    #[test]
    fn an_interval_is_split_by_what_is_innermost() {
        let tree = RangeTree::new(&[range("outer", 10, 40, 1), range("inner", 20, 30, 1)]);
        let parts: Vec<_> = tree.split(1, (15, 50)).collect();
        assert_eq!(parts, [(0, 5), (1, 10), (0, 10)]);
        assert_eq!(tree.split(2, (15, 50)).count(), 0);
    }
}
