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
    /// Seconds that a frame of the last chunk took, if it was nothing but the work of its frames.
    frame_secs: Option<f64>,
}

impl Pace {
    /// Frames that can be made in time, `most` at most, which the first chunk has.
    pub(crate) fn frames(&self, most: usize, now: Instant) -> usize {
        let Some(heard_until) = self.heard_until else { return most };
        let Some(frame_secs) = self.frame_secs else { return most.min(1) };
        let left_secs = heard_until.saturating_duration_since(now).as_secs_f64();
        if left_secs < frame_secs {
            return most.min(LATE);
        }
        // No time at all was seen: it is fast enough.
        let frames = SHARE * left_secs / frame_secs;
        if frame_secs > 0.0 { most.min((frames as usize).max(1)) } else { most }
    }

    /// Notes a chunk that is given away now: what it plays, and the work that its frames were, if
    /// that is known.
    pub(crate) fn note(
        &mut self,
        frames: usize,
        plays: Duration,
        worked: Option<Duration>,
        now: Instant,
    ) {
        self.heard_until = Some(self.heard_until.map_or(now, |until| until.max(now)) + plays);
        self.frame_secs = worked.map(|worked| worked.as_secs_f64() / frames.max(1) as f64);
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
            pace.note(frames, plays, Some(worked), now);
            sizes.push(frames);
        }
        (sizes, waits)
    }

    #[test]
    fn nobody_waits_for_speech_that_is_made_faster_than_it_plays() {
        let most = [&[1, 2, 4, 8][..], &[12; 40]].concat();
        for (frame_ms, begin) in [
            (5.0, [1, 2, 4, 8, 12]),
            (40.0, [1, 1, 2, 4, 7]),
            (60.0, [1, 1, 1, 1, 1]),
            (75.0, [1, 1, 1, 1, 1]),
        ] {
            let (sizes, waits) = chunks(frame_ms, &most);
            assert_eq!((&sizes[..5], waits), (&begin[..], 0), "{frame_ms}: {sizes:?}");
        }
        assert_eq!(chunks(60.0, &most).0.last(), Some(&12));
        assert_eq!(chunks(0.0, &most).0, most);
    }

    #[test]
    fn a_pace_that_is_not_known_is_found_out_with_one_frame() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.note(1, Duration::from_millis(80), None, now);
        assert_eq!((pace.frames(8, now), pace.frames(0, now)), (1, 0));
    }

    #[test]
    fn speech_that_is_made_too_slowly_comes_in_short_chunks() {
        let (sizes, waits) = chunks(190.0, &[1, 2, 4, 8, 12, 12]);
        // Behind four frames one comes in time, and one more.
        assert_eq!((sizes, waits), (vec![1, 2, 4, 1, 1, 4], 3));
    }
}
