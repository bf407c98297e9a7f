//! Kind `resample`: audio at another sample rate to 24 kHz.

use serde_json::Value;
use tts_audio::Resampler;

use crate::error::GoldenError;
use crate::recorded::Recorded;
use crate::report::Outcome;
use crate::set::GoldenSet;

const TARGET_RATE: u32 = 24_000;
/// The largest error relative to the audio, as a ratio of RMS values: -60 dB. Two
/// resamplers agree as far as their filters do, not sample by sample.
const BOUND: f64 = 1e-3;

pub(crate) fn run(
    _set: &mut GoldenSet<'_>,
    case: &Value,
    recorded: &mut Recorded,
) -> Result<(), GoldenError> {
    let rate = case["facts"]["rate"].as_u64().and_then(|rate| u32::try_from(rate).ok());
    let rate = rate.ok_or_else(|| GoldenError::Case {
        case: case["id"].as_str().unwrap_or("?").to_owned(),
        problem: "no field facts.rate".to_owned(),
    })?;
    let input = recorded.floats("wav_in")?;
    let expected = recorded.floats("wav_24k")?;
    let resampler = Resampler::new(rate, TARGET_RATE);
    match resampler.and_then(|resampler| resampler.resample(&input)) {
        Ok(actual) if actual.len() == expected.len() => {
            let max_abs = relative_error(&expected, &actual);
            recorded.row("snr", Outcome::Difference { max_abs, bound: BOUND });
        }
        Ok(actual) => {
            let problem = format!("{} samples, expected {}", actual.len(), expected.len());
            recorded.row("wav_24k", Outcome::Failed(problem));
        }
        Err(error) => recorded.row("wav_24k", Outcome::Failed(error.to_string())),
    }
    Ok(())
}

/// The RMS of the difference over the RMS of what is expected: `10^(-SNR/20)`.
fn relative_error(expected: &[f32], actual: &[f32]) -> f64 {
    let energy: f64 = expected.iter().map(|&e| f64::from(e).powi(2)).sum();
    let pairs = expected.iter().zip(actual);
    let error: f64 = pairs.map(|(&e, &a)| (f64::from(e) - f64::from(a)).powi(2)).sum();
    (error / energy).sqrt()
}
