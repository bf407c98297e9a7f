//! Conversion of the sample rate.

use std::f64::consts::PI;

use crate::audio::{check_finite, check_sample_rate};
use crate::{Audio, AudioError, Result};

/// How many times one sample rate may be the other.
pub const MAX_RATE_RATIO: u32 = 1000;

/// Taps of the filter on each side, in periods of the lower sample rate.
const HALF_TAPS: usize = 96;
/// Where the filter has fallen to one half, relative to the lower Nyquist
/// frequency.
const CUTOFF: f64 = 0.9567;
/// Attenuation that the Kaiser window is designed for, in dB.
const ATTENUATION: f64 = 124.0;
/// Numbers in a table of filters.
const TABLE: usize = 1 << 18;
/// Independent sums of a scalar product, for vector instructions.
const LANES: usize = 8;

/// Resamples audio with a windowed sinc.
///
/// The filter has the length and the response of the one that the reference
/// uses (soxr, "HQ"): flat to 0.913 of the lower Nyquist frequency, -120 dB
/// from that frequency on. There is no delay: what is at time `t` stays there.
/// Outside the audio there is silence.
///
/// The number of samples is that of the reference (librosa), too:
/// `ceil(n * (target / source))`, computed in f64, which for some lengths is
/// one more than the exact ratio gives (`docs/model.md`, "Reference audio").
///
/// # Errors
///
/// Those of [`Resampler::new`] and [`Resampler::resample`].
pub fn resample(audio: &Audio, target_rate: u32) -> Result<Audio> {
    let samples = Resampler::new(audio.sample_rate, target_rate)?.resample(&audio.samples)?;
    Ok(Audio { samples, sample_rate: target_rate })
}

/// A conversion between two sample rates, with its table of filters.
///
/// See [`resample`] for what it does. The table takes at most about 2 MB,
/// whatever the rates.
#[derive(Clone, Debug)]
pub struct Resampler {
    source_rate: u32,
    target_rate: u32,
    /// None if the rates are equal.
    filters: Option<Filters>,
}

impl Resampler {
    /// Prepares a conversion.
    ///
    /// # Errors
    ///
    /// [`AudioError::SampleRate`] and, for rates more than [`MAX_RATE_RATIO`]
    /// times apart, [`AudioError::RateRatio`].
    pub fn new(source_rate: u32, target_rate: u32) -> Result<Self> {
        check_sample_rate(source_rate)?;
        check_sample_rate(target_rate)?;
        let (low, high) = (source_rate.min(target_rate), source_rate.max(target_rate));
        if high.div_ceil(low) > MAX_RATE_RATIO {
            return Err(AudioError::RateRatio { source_rate, target_rate });
        }
        let filters = (low < high).then(|| Filters::new(source_rate, target_rate));
        Ok(Self { source_rate, target_rate, filters })
    }

    /// Converts one piece of audio from beginning to end.
    ///
    /// # Errors
    ///
    /// [`AudioError::NotFinite`] if a sample is NaN or infinite.
    pub fn resample(&self, samples: &[f32]) -> Result<Vec<f32>> {
        check_finite(samples, 0)?;
        let Some(filters) = &self.filters else { return Ok(samples.to_vec()) };
        let ratio = f64::from(self.target_rate) / f64::from(self.source_rate);
        let length = (samples.len() as f64 * ratio).ceil() as u64;

        let mut padded = vec![0.0; filters.half_taps];
        padded.extend(samples);
        padded.resize(padded.len() + filters.half_taps + 1, 0.0);
        Ok((0..length).map(|index| filters.output(&padded, index)).collect())
    }
}

/// Filters for output samples that lie between two input samples.
///
/// Output sample `k` is at the input position `k * step / count`, in lowest
/// terms. If there are few fractions (`count`), each has its filter. Otherwise
/// the results of the two nearest filters are interpolated.
#[derive(Clone, Debug)]
struct Filters {
    step: u64,
    count: u64,
    half_taps: usize,
    /// The distance of two filters is `1 / phases` of an input period.
    phases: usize,
    /// Filters for the fractions `0, 1/phases, ..., 1`: `[phases + 1, taps]`.
    table: Vec<f32>,
}

impl Filters {
    fn new(source_rate: u32, target_rate: u32) -> Self {
        let divisor = greatest_common_divisor(source_rate, target_rate);
        let (step, count) = (source_rate / divisor, target_rate / divisor);
        // Downwards, the filter is wider by the ratio.
        let widening = f64::from(source_rate.max(target_rate)) / f64::from(target_rate);
        let reach = HALF_TAPS as f64 * widening;
        let half_taps = (reach.ceil() as usize).next_multiple_of(LANES);

        let phases = (count as usize).min((TABLE / (2 * half_taps)).max(1));
        let kernel = Kernel::new(CUTOFF / widening, reach);
        let table = (0..=phases).flat_map(|phase| {
            let fraction = phase as f64 / phases as f64;
            let first = fraction + (half_taps - 1) as f64;
            (0..2 * half_taps).map(move |tap| kernel.at(first - tap as f64) as f32)
        });
        let table = table.collect();
        Self { step: step.into(), count: count.into(), half_taps, phases, table }
    }

    /// Output sample `index` of an input with silence of half the taps in front
    /// of it, and one sample more behind it.
    fn output(&self, padded: &[f32], index: u64) -> f32 {
        let position = index * self.step;
        let start = (position / self.count) as usize + 1;
        let taps = 2 * self.half_taps;
        let input = padded.get(start..start + taps).unwrap_or_default();

        let scaled = position % self.count * self.phases as u64;
        let (phase, rest) = ((scaled / self.count) as usize, scaled % self.count);
        let filter = |phase| self.table.get(phase * taps..(phase + 1) * taps).unwrap_or_default();
        let value = dot(input, filter(phase));
        if rest == 0 {
            return value;
        }
        let weight = (rest as f64 / self.count as f64) as f32;
        value + weight * (dot(input, filter(phase + 1)) - value)
    }
}

/// A sinc under a Kaiser window.
#[derive(Clone, Copy)]
struct Kernel {
    /// Relative to the Nyquist frequency of the input.
    cutoff: f64,
    /// Half the width of the window, in input periods.
    reach: f64,
    /// The shape of the window.
    beta: f64,
}

impl Kernel {
    fn new(cutoff: f64, reach: f64) -> Self {
        // Kaiser's formula for an attenuation above 50 dB.
        Self { cutoff, reach, beta: 0.1102 * (ATTENUATION - 8.7) }
    }

    /// The value at a time in input periods.
    fn at(self, time: f64) -> f64 {
        let inside = 1.0 - (time / self.reach).powi(2);
        if inside <= 0.0 {
            return 0.0;
        }
        let window = bessel_i0(self.beta * inside.sqrt()) / bessel_i0(self.beta);
        let angle = PI * self.cutoff * time;
        let sinc = if angle == 0.0 { 1.0 } else { angle.sin() / angle };
        self.cutoff * sinc * window
    }
}

/// The modified Bessel function of the first kind of order 0, by its power
/// series.
fn bessel_i0(x: f64) -> f64 {
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > f64::EPSILON * sum {
        term *= (x / (2.0 * k)).powi(2);
        sum += term;
        k += 1.0;
    }
    sum
}

/// The scalar product of two slices whose length is a multiple of [`LANES`].
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
