//! Measurements that tell whether a recording is fit for use.
//!
//! A good reference recording is loud but not clipped, mostly speech, and ends
//! with a short pause.

/// The magnitude from which a sample counts as clipped.
pub const CLIPPING_LEVEL: f32 = 0.999;
/// The RMS below which a window counts as silent: -50 dBFS.
pub const SILENCE_LEVEL: f32 = 0.003_162_278;
/// The duration over which the level is measured, in seconds.
const WINDOW_SECS: f64 = 0.02;

/// The largest magnitude of a sample; zero for no samples.
pub fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |peak, x| x.abs().max(peak))
}

/// The root mean square of the samples; zero for no samples.
///
/// A full-scale sine has an RMS of 0.707, that is -3.01 dBFS.
pub fn rms(samples: &[f32]) -> f32 {
    if samples.is_empty() {
        return 0.0;
    }
    let energy: f64 = samples.iter().map(|&x| f64::from(x).powi(2)).sum();
    (energy / samples.len() as f64).sqrt() as f32
}

/// The share of samples, from 0 to 1, that reach [`CLIPPING_LEVEL`].
pub fn clipped_ratio(samples: &[f32]) -> f64 {
    let clipped = samples.iter().filter(|x| x.abs() >= CLIPPING_LEVEL).count();
    clipped as f64 / samples.len().max(1) as f64
}

/// The share of the time, from 0 to 1, in windows of 20 ms whose RMS is below
/// [`SILENCE_LEVEL`].
pub fn silence_ratio(samples: &[f32], sample_rate: u32) -> f64 {
    let windows = samples.chunks(window(sample_rate));
    let silent: usize = windows.filter(|window| is_silent(window)).map(<[f32]>::len).sum();
    silent as f64 / samples.len().max(1) as f64
}

/// The duration of the silence at the beginning, in seconds, in whole windows of
/// 20 ms.
pub fn leading_silence_secs(samples: &[f32], sample_rate: u32) -> f64 {
    let windows = samples.chunks(window(sample_rate));
    let silent: usize = windows.take_while(|window| is_silent(window)).map(<[f32]>::len).sum();
    silent as f64 / f64::from(sample_rate.max(1))
}

/// The duration of the silence at the end, in seconds, in whole windows of
/// 20 ms.
pub fn trailing_silence_secs(samples: &[f32], sample_rate: u32) -> f64 {
    let windows = samples.rchunks(window(sample_rate));
    let silent: usize = windows.take_while(|window| is_silent(window)).map(<[f32]>::len).sum();
    silent as f64 / f64::from(sample_rate.max(1))
}

fn window(sample_rate: u32) -> usize {
    ((f64::from(sample_rate) * WINDOW_SECS).round() as usize).max(1)
}

fn is_silent(window: &[f32]) -> bool {
    rms(window) < SILENCE_LEVEL
}
