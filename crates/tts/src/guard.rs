//! Watching for speech that does not end.
//!
//! A few sampled runs in a thousand never draw the end of speech: they fall silent,
//! repeat themselves or ramble on to the limit. What is watched depends on the
//! request alone, never on batches or chunks, so a seed still means one utterance.

/// What ends, or reports, speech that went astray. Every limit can be left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// What happens then.
    pub action: GuardAction,
    /// More speech than the text can hold.
    pub length: Option<LengthLimit>,
    /// Seconds of the same few frames over and over.
    pub repeated_seconds: Option<f64>,
    /// Seconds of silence.
    pub silent_seconds: Option<f64>,
    /// Frames in a row for which the end of speech was the likeliest token and
    /// another one was drawn.
    pub overdue_frames: Option<usize>,
}

/// The longest speech that a text can be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LengthLimit {
    /// Seconds that any text may take.
    pub seconds: f64,
    /// Seconds more for every token of it. Ordinary speech takes about 0.3.
    pub seconds_per_token: f64,
}

/// What is done about speech that went astray. It is reported in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardAction {
    /// It ends there.
    Stop,
    /// It is spoken again with the next seed, so many times at most, and then
    /// stopped. A stream has given its audio away and stops at once.
    Retry(u32),
    /// It goes on.
    Report,
}

/// How speech went astray.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Runaway {
    /// It is longer than its text can be.
    TooLong,
    /// It repeats the same few frames.
    Repetition,
    /// It is silent.
    Silence,
    /// Its end was the likeliest token again and again.
    Overdue,
}

impl Runaway {
    /// A name for reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Repetition => "repetition",
            Self::Silence => "silence",
            Self::Overdue => "overdue",
        }
    }
}

impl Default for Guard {
    /// Stops what no voice would say: ten seconds and 1.2 more for every token, six
    /// seconds of repetition, ten of silence, an end that is overdue by a second.
    fn default() -> Self {
        Self {
            action: GuardAction::Stop,
            length: Some(LengthLimit { seconds: 10.0, seconds_per_token: 1.2 }),
            repeated_seconds: Some(6.0),
            silent_seconds: Some(10.0),
            overdue_frames: Some(12),
        }
    }
}

impl Guard {
    /// Watches nothing, as the official package.
    pub const fn off() -> Self {
        Self {
            action: GuardAction::Report,
            length: None,
            repeated_seconds: None,
            silent_seconds: None,
            overdue_frames: None,
        }
    }
}

/// The longest period of a repetition, in frames.
const LONGEST_PERIOD: usize = 8;
/// Root mean square of a frame that counts as silent: -60 dB of full scale.
const SILENT_RMS: f32 = 1e-3;
/// Audio is looked at whenever this many frames are complete, so that what is found
/// does not depend on when it is decoded.
pub(crate) const FRAMES_PER_LOOK: usize = 25;

/// The state of a guard over one utterance.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    guard: Guard,
    frame_seconds: f64,
    /// For every period, how many frames in a row equal the one a period before.
    repeated: [usize; LONGEST_PERIOD],
    overdue: usize,
    silent: usize,
    reported: bool,
}

impl Watch {
    pub(crate) fn new(guard: Guard, frame_seconds: f64) -> Self {
        let repeated = [0; LONGEST_PERIOD];
        Self { guard, frame_seconds, repeated, overdue: 0, silent: 0, reported: false }
    }

    /// Looks at the frame that is complete and the draw after it. `text_tokens` is
    /// the length of the text, once it is known.
    pub(crate) fn frame(
        &mut self,
        frames: &[Vec<u32>],
        end_rank: Option<u32>,
        text_tokens: Option<usize>,
    ) -> Option<Runaway> {
        for (period, run) in (1..).zip(&mut self.repeated) {
            let mut latest = frames.iter().rev();
            let (now, before) = (latest.next(), latest.nth(period - 1));
            *run = if now.is_some() && now == before { *run + 1 } else { 0 };
        }
        self.overdue = if end_rank == Some(0) { self.overdue + 1 } else { 0 };
        let seconds = |frames: usize| frames as f64 * self.frame_seconds;
        let length = seconds(frames.len());
        let longest_run = self.repeated.iter().copied().max().unwrap_or(0);
        let too_long = self.guard.length.zip(text_tokens).is_some_and(|(limit, tokens)| {
            length > limit.seconds + limit.seconds_per_token * tokens as f64
        });
        if too_long {
            Some(Runaway::TooLong)
        } else if self.guard.repeated_seconds.is_some_and(|s| seconds(longest_run) >= s) {
            Some(Runaway::Repetition)
        } else if self.guard.overdue_frames.is_some_and(|frames| self.overdue >= frames) {
            Some(Runaway::Overdue)
        } else {
            None
        }
    }

    /// Listens to the samples of some more frames.
    pub(crate) fn listen(&mut self, samples: &[f32], samples_per_frame: usize) -> Option<Runaway> {
        for frame in samples.chunks(samples_per_frame.max(1)) {
            let power = frame.iter().map(|s| s * s).sum::<f32>() / frame.len() as f32;
            self.silent = if power.sqrt() < SILENT_RMS { self.silent + 1 } else { 0 };
        }
        let seconds = self.silent as f64 * self.frame_seconds;
        self.guard.silent_seconds.is_some_and(|s| seconds >= s).then_some(Runaway::Silence)
    }

    /// Whether speech has to end now, and whether this is to be reported.
    pub(crate) fn verdict(&mut self) -> Verdict {
        let first = !self.reported;
        self.reported = true;
        match self.guard.action {
            GuardAction::Stop | GuardAction::Retry(_) => Verdict::Stop,
            GuardAction::Report if first => Verdict::Report,
            GuardAction::Report => Verdict::GoOn,
        }
    }
}

/// What a guard decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Stop,
    Report,
    GoOn,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(guard: Guard) -> Watch {
        Watch::new(guard, 0.08)
    }

    #[test]
    fn repetition_is_found_at_any_short_period() {
        for period in 1..=LONGEST_PERIOD {
            let mut watch = watch(Guard { repeated_seconds: Some(0.8), ..Guard::off() });
            let mut frames = Vec::new();
            let found = (0..40).find(|&i| {
                frames.push(vec![(i % period) as u32, 7]);
                watch.frame(&frames, None, None).is_some()
            });
            // Ten repeated frames, after the first period.
            assert_eq!(found, Some(period + 9), "period {period}");
        }
        let mut watch = watch(Guard { repeated_seconds: Some(0.8), ..Guard::off() });
        let mut frames = Vec::new();
        for i in 0..100_u32 {
            frames.push(vec![i * i % 97, i]);
            assert_eq!(watch.frame(&frames, None, None), None);
        }
    }

    #[test]
    fn length_counts_from_the_text_once_it_is_complete() {
        let limit = LengthLimit { seconds: 0.4, seconds_per_token: 0.2 };
        let mut watch = watch(Guard { length: Some(limit), ..Guard::off() });
        let frames: Vec<Vec<u32>> = (0..11).map(|i| vec![i]).collect();
        assert_eq!(watch.frame(&frames, None, None), None);
        assert_eq!(watch.frame(&frames[..10], None, Some(2)), None);
        assert_eq!(watch.frame(&frames, None, Some(2)), Some(Runaway::TooLong));
    }

    #[test]
    fn an_end_is_overdue_after_so_many_frames_in_a_row() {
        let mut watch = watch(Guard { overdue_frames: Some(3), ..Guard::off() });
        let ranks = [Some(0), Some(0), Some(1), Some(0), Some(0), Some(0)];
        let found = ranks.map(|rank| watch.frame(&[], rank, None));
        assert_eq!(found, [None, None, None, None, None, Some(Runaway::Overdue)]);
    }

    #[test]
    fn silence_is_counted_over_pushes() {
        let mut watch = watch(Guard { silent_seconds: Some(0.24), ..Guard::off() });
        assert_eq!(watch.listen(&[0.5, 0.5, 0.0, 0.0, 1e-4, 0.0], 2), None);
        assert_eq!(watch.listen(&[0.0, 0.0], 2), Some(Runaway::Silence));
        assert_eq!(watch.listen(&[0.0, 0.1], 2), None);
    }

    #[test]
    fn a_report_comes_once() {
        let mut watch = watch(Guard { action: GuardAction::Report, ..Guard::default() });
        assert_eq!([watch.verdict(), watch.verdict()], [Verdict::Report, Verdict::GoOn]);
    }
}
