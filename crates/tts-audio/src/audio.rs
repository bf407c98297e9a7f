//! Mono audio in memory.

use crate::{AudioError, Result, analysis};

/// The highest sample rate that files and pictures accept, in Hz.
pub const MAX_SAMPLE_RATE: u32 = 768_000;

/// The longest silence that is appended at a time, in seconds.
pub const MAX_SILENCE_SECS: f64 = 60.0;

/// Mono audio: samples in [-1, 1] at full scale, and their rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    /// The samples, in time order.
    pub samples: Vec<f32>,
    /// Samples per second (Hz).
    pub sample_rate: u32,
}

impl Audio {
    /// The duration in seconds.
    ///
    /// It means nothing at a sample rate of zero, which no reader of this crate
    /// produces and no writer accepts.
    pub fn duration_secs(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate)
    }

    /// The largest magnitude of a sample; zero for empty audio.
    pub fn peak(&self) -> f32 {
        analysis::peak(&self.samples)
    }

    /// The root mean square of the samples; zero for empty audio.
    pub fn rms(&self) -> f32 {
        analysis::rms(&self.samples)
    }

    /// Raises the first `seconds` linearly from silence to full level; all of
    /// it if it is shorter.
    pub fn fade_in(&mut self, seconds: f64) {
        let length = self.samples_in(seconds);
        for (index, sample) in self.samples.iter_mut().take(length).enumerate() {
            *sample *= (index as f64 / length as f64) as f32;
        }
    }

    /// Appends `seconds` of silence; none if they are negative or NaN.
    ///
    /// # Errors
    ///
    /// [`AudioError::TooLong`] above [`MAX_SILENCE_SECS`], and
    /// [`AudioError::SampleRate`].
    pub fn append_silence(&mut self, seconds: f64) -> Result<()> {
        check_sample_rate(self.sample_rate)?;
        if seconds > MAX_SILENCE_SECS {
            return Err(AudioError::TooLong { seconds, max_seconds: MAX_SILENCE_SECS });
        }
        let length = self.samples.len() + self.samples_in(seconds);
        self.samples.resize(length, 0.0);
        Ok(())
    }

    /// The number of samples in a duration; zero if it is negative or NaN.
    fn samples_in(&self, seconds: f64) -> usize {
        (seconds * f64::from(self.sample_rate)).round() as usize
    }

    /// Checks that the sample rate is usable and that all samples are finite.
    pub(crate) fn check(&self) -> Result<()> {
        check_sample_rate(self.sample_rate)?;
        check_finite(&self.samples, 0)
    }
}

/// Checks that samples are finite. The first one is at `position` of the audio.
pub(crate) fn check_finite(samples: &[f32], position: usize) -> Result<()> {
    match samples.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        Some((offset, &value)) => Err(AudioError::NotFinite { index: position + offset, value }),
        None => Ok(()),
    }
}

/// Checks that a sample rate in Hz lies in 1..=[`MAX_SAMPLE_RATE`].
pub(crate) fn check_sample_rate(found: u32) -> Result<()> {
    if (1..=MAX_SAMPLE_RATE).contains(&found) {
        Ok(())
    } else {
        Err(AudioError::SampleRate { found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audio(samples: &[f32]) -> Audio {
        Audio { samples: samples.to_vec(), sample_rate: 4 }
    }

    #[test]
    fn measures_duration_peak_and_rms() {
        let square = audio(&[0.5, -0.5, 0.5, -0.5, 0.5, -0.5]);
        assert_eq!(square.duration_secs(), 1.5);
        assert_eq!(square.peak(), 0.5);
        assert_eq!(square.rms(), 0.5);
    }

    #[test]
    fn empty_audio_is_silent() {
        let empty = audio(&[]);
        assert_eq!(empty.duration_secs(), 0.0);
        assert_eq!(empty.peak(), 0.0);
        assert_eq!(empty.rms(), 0.0);
    }

    #[test]
    fn check_names_the_first_sample_that_is_not_finite() {
        let error = audio(&[0.0, f32::INFINITY, f32::NAN]).check().unwrap_err();
        assert_eq!(error.to_string(), "expected finite samples, found inf at sample 1");
    }

    #[test]
    fn check_refuses_absurd_sample_rates() {
        for found in [0, MAX_SAMPLE_RATE + 1] {
            assert!(matches!(check_sample_rate(found), Err(AudioError::SampleRate { .. })));
        }
    }
}
