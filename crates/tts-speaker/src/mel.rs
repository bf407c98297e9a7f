use std::f64::consts::TAU;
use std::fmt;
use std::sync::Arc;

use candle_core::{Device, Result as TensorResult, Tensor};
use realfft::{RealFftPlanner, RealToComplex};

use crate::error::SpeakerError;
use crate::filterbank::Filterbank;

// What follows is fixed in the official package, not configured.

/// Samples of a window and of its transform.
const WINDOW: usize = 1024;
/// Samples between frames.
pub(crate) const HOP: usize = 256;
/// Samples reflected at each end.
const PADDING: usize = (WINDOW - HOP) / 2;
/// Upper end of the highest band in Hz.
const HIGHEST_HZ: f64 = 12_000.0;
/// Added to the power before the root.
const POWER_FLOOR: f64 = 1e-9;
/// The least band value the logarithm sees.
const BAND_FLOOR: f64 = 1e-5;

/// Turns samples into a log-mel spectrogram (`docs/model.md`, section 9.2).
///
/// The spectrum is computed in f64, which takes little time beside the network:
/// the rounding of quiet bands stays small and no finite sample overflows.
pub struct MelFrontEnd {
    fft: Arc<dyn RealToComplex<f64>>,
    window: Vec<f64>,
    filterbank: Filterbank,
}

impl fmt::Debug for MelFrontEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MelFrontEnd").field("filterbank", &self.filterbank).finish_non_exhaustive()
    }
}

impl MelFrontEnd {
    /// Samples that are needed at least: the ends are padded by reflection.
    pub const MIN_SAMPLES: usize = PADDING + 1;

    /// For audio of `sample_rate` Hz; `bands` mel bands.
    pub fn new(sample_rate: u32, bands: usize) -> Self {
        Self {
            fft: RealFftPlanner::new().plan_fft_forward(WINDOW),
            window: periodic_hann(WINDOW),
            filterbank: Filterbank::new(bands, HIGHEST_HZ, WINDOW, sample_rate),
        }
    }

    /// The log-mel spectrogram `[bands, samples / 256]` of finite samples.
    ///
    /// # Errors
    /// If there are fewer than [`MIN_SAMPLES`](Self::MIN_SAMPLES) samples, or one
    /// is NaN or infinite.
    pub fn log_mel(&self, samples: &[f32], device: &Device) -> Result<Tensor, SpeakerError> {
        check(samples, Self::MIN_SAMPLES)?;
        let padded = reflect_pad(samples);
        let (bands, frames) = (self.filterbank.len(), samples.len() / HOP);
        let mut frame = self.fft.make_input_vec();
        let mut spectrum = self.fft.make_output_vec();
        let mut scratch = self.fft.make_scratch_vec();
        let mut magnitudes = vec![0.0; spectrum.len()];
        let mut mel = Vec::with_capacity(bands * frames);
        for windowed in padded.windows(WINDOW).step_by(HOP) {
            for ((x, &sample), weight) in frame.iter_mut().zip(windowed).zip(&self.window) {
                *x = f64::from(sample) * weight;
            }
            self.fft.process_with_scratch(&mut frame, &mut spectrum, &mut scratch)?;
            for (magnitude, bin) in magnitudes.iter_mut().zip(&spectrum) {
                *magnitude = (bin.norm_sqr() + POWER_FLOOR).sqrt();
            }
            mel.extend(self.filterbank.apply(&magnitudes).map(|m| m.max(BAND_FLOOR).ln() as f32));
        }
        Ok(Tensor::from_vec(mel, (frames, bands), device)?.t()?.contiguous()?)
    }

    /// The filters, `[bands, 513]`.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn filterbank(&self, device: &Device) -> TensorResult<Tensor> {
        let (weights, shape) = self.filterbank.to_dense();
        Tensor::from_vec(weights, shape, device)
    }
}

/// Refuses audio of fewer than `needed` samples and samples that are not finite.
pub(crate) fn check(samples: &[f32], needed: usize) -> Result<(), SpeakerError> {
    if samples.len() < needed {
        return Err(SpeakerError::TooShort { found: samples.len(), needed });
    }
    match samples.iter().enumerate().find(|(_, sample)| !sample.is_finite()) {
        Some((index, &value)) => Err(SpeakerError::NotFinite { index, value }),
        None => Ok(()),
    }
}

/// Mirrors more than [`PADDING`] samples at both ends, without repeating the
/// first and the last.
fn reflect_pad(samples: &[f32]) -> Vec<f32> {
    let start = samples.iter().skip(1).take(PADDING);
    let end = samples.iter().rev().skip(1).take(PADDING);
    start.rev().chain(samples).chain(end).copied().collect()
}

/// A Hann window whose next period would start right behind it.
fn periodic_hann(size: usize) -> Vec<f64> {
    (0..size).map(|i| 0.5 - 0.5 * (TAU * i as f64 / size as f64).cos()).collect()
}
