//! Mono audio in memory.

use crate::{AudioError, Result};

/// The highest sample rate that files and pictures accept, in Hz.
pub const MAX_SAMPLE_RATE: u32 = 768_000;

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

    /// The largest absolute sample value; zero for empty audio.
    pub fn peak(&self) -> f32 {
        self.samples.iter().fold(0.0, |peak, x| x.abs().max(peak))
    }

    /// The root mean square of the samples; zero for empty audio.
    ///
    /// A full-scale sine has an RMS of 0.707, that is -3.01 dBFS.
    pub fn rms(&self) -> f32 {
        if self.samples.is_empty() {
            return 0.0;
        }
        let energy: f64 = self.samples.iter().map(|&x| f64::from(x).powi(2)).sum();
        (energy / self.samples.len() as f64).sqrt() as f32
    }

    /// Checks that the sample rate is usable and that all samples are finite.
    pub(crate) fn check(&self) -> Result<()> {
        check_sample_rate(self.sample_rate)?;
        let mut samples = self.samples.iter().copied().enumerate();
        match samples.find(|(_, value)| !value.is_finite()) {
            Some((index, value)) => Err(AudioError::NotFinite { index, value }),
            None => Ok(()),
        }
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
