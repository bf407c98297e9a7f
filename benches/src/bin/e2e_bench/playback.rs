//! What a listener hears of a stream that is played as it comes.

use serde::Serialize;

/// A chunk of a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// Milliseconds from the request to its arrival.
    pub(crate) at_ms: f64,
    /// How long it plays, in milliseconds.
    pub(crate) plays_ms: f64,
}

/// Milliseconds are from the request on.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub(crate) struct Playback {
    /// The first samples are there.
    pub(crate) first_byte_ms: f64,
    /// Playback that starts here never runs dry.
    pub(crate) playable_ms: f64,
    /// Something is heard, if playback starts with the first samples.
    pub(crate) audible_ms: f64,
    /// How often playback runs dry, if it starts with the first samples.
    pub(crate) underruns: usize,
    /// How long it is dry.
    pub(crate) dry_ms: f64,
}

impl Playback {
    /// Of the chunks of a stream; `silence_ms` is the silence its audio begins with.
    pub(crate) fn of(arrivals: &[Arrival], silence_ms: f64) -> Self {
        let first_byte_ms = arrivals.first().map_or(0.0, |chunk| chunk.at_ms);
        let mut playback =
            Self { first_byte_ms, audible_ms: first_byte_ms + silence_ms, ..Self::default() };
        // Where playback is in the audio without waiting, and when it is there with.
        let (mut position, mut heard_until) = (0.0, first_byte_ms);
        for chunk in arrivals {
            playback.playable_ms = playback.playable_ms.max(chunk.at_ms - position);
            let late = chunk.at_ms - heard_until;
            if late > 0.0 {
                playback.underruns += 1;
                playback.dry_ms += late;
                heard_until = chunk.at_ms;
            }
            position += chunk.plays_ms;
            heard_until += chunk.plays_ms;
        }
        playback
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrival, Playback};

    fn playback(arrivals: &[(f64, f64)]) -> Playback {
        let arrivals: Vec<_> =
            arrivals.iter().map(|&(at_ms, plays_ms)| Arrival { at_ms, plays_ms }).collect();
        Playback::of(&arrivals, 50.0)
    }

    #[test]
    fn a_stream_faster_than_its_audio_never_runs_dry() {
        let found = playback(&[(100.0, 80.0), (150.0, 80.0), (300.0, 400.0), (660.0, 80.0)]);
        let expected = Playback {
            first_byte_ms: 100.0,
            playable_ms: 140.0,
            audible_ms: 150.0,
            underruns: 1,
            dry_ms: 40.0,
        };
        assert_eq!(found, expected);
        let found = playback(&[(100.0, 80.0), (180.0, 80.0)]);
        assert_eq!((found.underruns, found.playable_ms), (0, 100.0));
    }

    #[test]
    fn a_slow_stream_is_playable_once_the_rest_comes_in_time() {
        let found = playback(&[(200.0, 80.0), (400.0, 80.0), (600.0, 80.0)]);
        assert_eq!((found.underruns, found.dry_ms, found.playable_ms), (2, 240.0, 440.0));
    }

    #[test]
    fn no_chunks_are_no_playback() {
        assert_eq!(playback(&[]).underruns, 0);
    }
}
