use std::time::{Duration, Instant};

/// Part of what a listener still has to hear in which the next chunk is made; the rest is for a
/// machine that becomes slower meanwhile.
const SHARE: f64 = 0.8;
/// Frames of a chunk that comes late in any case: few, so that the wait is short, but not one by one,
/// which takes longest.
const LATE: usize = 4;

/// How fast speech is made, and what a listener still has to hear who plays the first chunk at once.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Until when there is something to hear; none before the first chunk.
    heard_until: Option<Instant>,
    /// Seconds that a frame of the last chunk took.
    frame_secs: f64,
}

impl Pace {
    /// Frames that can be made in time, `most` at most, which the first chunk has.
    pub(crate) fn frames(&self, most: usize, now: Instant) -> usize {
        let Some(heard_until) = self.heard_until else { return most };
        let left_secs = heard_until.saturating_duration_since(now).as_secs_f64();
        if left_secs < self.frame_secs {
            return most.min(LATE);
        }
        // No time at all was seen: it is fast enough.
        let frames = SHARE * left_secs / self.frame_secs;
        if self.frame_secs > 0.0 { most.min((frames as usize).max(1)) } else { most }
    }

    /// Notes a chunk that is given away now: what it plays, and the work that it was.
    pub(crate) fn note(&mut self, frames: usize, plays: Duration, worked: Duration, now: Instant) {
        self.heard_until = Some(self.heard_until.map_or(now, |until| until.max(now)) + plays);
        self.frame_secs = worked.as_secs_f64() / frames.max(1) as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of each chunk, and how often a listener had to wait, if a frame takes `frame_ms`.
    fn chunks(frame_ms: f64, most: &[usize]) -> (Vec<usize>, usize) {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        let (mut sizes, mut waits, mut heard_until) = (Vec::new(), 0, None);
        for &most in most {
            let frames = pace.frames(most, now);
            let worked = Duration::from_secs_f64(frames as f64 * frame_ms / 1000.0);
            let plays = Duration::from_millis(frames as u64 * 80);
            now += worked;
            let until = heard_until.get_or_insert(now);
            waits += usize::from(now > *until);
            *until = now.max(*until) + plays;
            pace.note(frames, plays, worked, now);
            sizes.push(frames);
        }
        (sizes, waits)
    }

    #[test]
    fn nobody_waits_for_speech_that_is_made_faster_than_it_plays() {
        let most = [&[1, 2, 4, 8][..], &[12; 40]].concat();
        for (frame_ms, largest) in [(5.0, 12), (40.0, 12), (60.0, 8), (75.0, 1)] {
            let (sizes, waits) = chunks(frame_ms, &most);
            assert_eq!(waits, 0, "{frame_ms}: {sizes:?}");
            assert_eq!(sizes[0], 1);
            assert!(sizes.iter().max() >= Some(&largest), "{frame_ms}: {sizes:?}");
        }
        assert_eq!(chunks(0.0, &most).0, most);
    }

    #[test]
    fn speech_that_is_made_too_slowly_comes_in_short_chunks() {
        let (sizes, waits) = chunks(190.0, &[1, 2, 4, 8, 12, 12]);
        // Behind four frames one comes in time, and one more.
        assert_eq!((sizes, waits), (vec![1, 2, 4, 1, 1, 4], 3));
    }
}
