//! Where sentences end.

use super::chars::{
    is_cjk, is_colon, is_comma, is_full_stop, is_hangul, is_opener, is_terminator, skip_closers,
};
use super::period::{self, Reading};
use super::units::Units;
use super::{brackets, lines};

/// How sure it is that a sentence ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Sure,
    /// Inside brackets, or the next word starts small.
    Weak,
}

/// Cuts between sentences and between items of a list, in bytes.
pub(super) fn sentences(text: &str) -> Vec<usize> {
    cuts(text, |end| end == End::Sure)
}

/// Also cuts where a sentence may end that is part of another one.
pub(super) fn inner_sentences(text: &str) -> Vec<usize> {
    cuts(text, |_| true)
}

fn cuts(text: &str, is_wanted: fn(End) -> bool) -> Vec<usize> {
    let mut cuts = Vec::new();
    for item in lines::items(text) {
        cuts.push(item.start);
        let ends = Scanner::new(&text[item.clone()]).ends();
        cuts.extend(
            ends.into_iter().filter(|&(_, end)| is_wanted(end)).map(|(at, _)| item.start + at),
        );
    }
    cuts
}

struct Scanner {
    units: Units,
    /// Open brackets before each unit.
    depths: Vec<u32>,
}

/// A run of terminators with the quotes and brackets they close, in units.
struct Run {
    start: usize,
    end: usize,
    kind: RunKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum RunKind {
    /// One full stop.
    Period,
    /// Nothing but full stops.
    Ellipsis,
    /// Something that shouts or asks.
    Mark,
    /// Something full-width.
    FullWidth,
}

impl Scanner {
    fn new(text: &str) -> Self {
        let units = Units::new(text);
        let depths = brackets::depths(&units);
        Self { units, depths }
    }

    /// The ends inside the text, as offsets in bytes.
    fn ends(&self) -> Vec<(usize, End)> {
        let mut ends = Vec::new();
        let mut sentence = 0;
        let mut quotes = 0;
        let mut index = 0;
        while let Some(c) = self.units.get(index) {
            if !is_terminator(c) {
                quotes += usize::from(c == '"');
                index += 1;
                continue;
            }
            let run = self.run(index, quotes);
            quotes += (run.start..run.end).filter(|&at| self.units.get(at) == Some('"')).count();
            if let Some(end) = self.judge(&run, sentence) {
                ends.push((self.units.offset(run.end), end));
                sentence = run.end;
            }
            index = run.end;
        }
        ends
    }

    fn run(&self, start: usize, quotes: usize) -> Run {
        let mut end = start;
        let mut stops = 0;
        let mut kind = None;
        while let Some(c) = self.units.get(end).filter(|&c| is_terminator(c)) {
            match c {
                '.' => stops += 1,
                '…' => stops += 2,
                _ if is_full_stop(c) => kind = Some(RunKind::FullWidth),
                _ => kind = kind.or(Some(RunKind::Mark)),
            }
            end = skip_closers(&self.units, end + 1, quotes);
        }
        let kind = kind.unwrap_or(if stops == 1 { RunKind::Period } else { RunKind::Ellipsis });
        Run { start, end, kind }
    }

    /// Whether a run ends the sentence that starts at unit `sentence`.
    fn judge(&self, run: &Run, sentence: usize) -> Option<End> {
        let next = self.units.get(run.end)?;
        let is_spaced = next.is_whitespace();
        let end =
            if is_spaced { self.before_space(run, sentence) } else { self.unspaced(run, next) };
        let [before, after] =
            [run.start, run.end].map(|at| self.depths.get(at).copied().unwrap_or(0));
        let closer = self.units.before(run.end).filter(|&c| !is_terminator(c));
        // "…!"라고 and 「…。」と言った go on after the speech, 「…。」「…。」 does not.
        let goes_on = if is_hangul(next) {
            closer.is_some()
        } else {
            before > 0 && !is_spaced && !is_opener(next) && closer != Some('"')
        };
        if after > 0 || goes_on { end.and(Some(End::Weak)) } else { end }
    }

    fn unspaced(&self, run: &Run, next: char) -> Option<End> {
        let previous = self.units.before(run.start);
        let is_end = match run.kind {
            RunKind::FullWidth => {
                let is_number = previous.is_some_and(char::is_numeric) && next.is_numeric();
                !(is_number || is_colon(next) || is_comma(next))
            }
            // Chinese and Japanese typed with ASCII marks.
            RunKind::Mark => {
                let after = self.units.get(run.end + 1);
                is_cjk(next)
                    || is_opener(next) && [previous, after].into_iter().flatten().any(is_cjk)
            }
            RunKind::Period => previous.is_some_and(is_cjk) && (is_cjk(next) || is_opener(next)),
            RunKind::Ellipsis => false,
        };
        is_end.then_some(End::Sure)
    }

    fn before_space(&self, run: &Run, sentence: usize) -> Option<End> {
        let next = self.units.find(run.end, |c| c.is_alphanumeric() || is_terminator(c));
        let Some(first) = self.units.get(next) else { return Some(End::Sure) };
        if is_terminator(first) {
            // ". . ." ends with the last.
            return None;
        }
        if run.kind == RunKind::FullWidth {
            return Some(End::Sure);
        }
        let reading = match run.kind {
            RunKind::Period => period::read(&self.units, run.start, next, sentence),
            _ => Reading::EndOfWord,
        };
        match reading {
            Reading::Inside => None,
            Reading::EndBeforeStarter => period::is_starter(&self.units, next).then_some(End::Sure),
            Reading::EndBeforeCapital => (!first.is_lowercase()).then_some(End::Sure),
            Reading::EndOfWord if first.is_lowercase() => Some(End::Weak),
            Reading::EndOfWord => Some(End::Sure),
        }
    }
}
