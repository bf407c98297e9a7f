//! What a recording is like, and small changes to it.

use tts_audio::analysis::{
    CLIPPING_LEVEL, clipped_ratio, leading_silence_secs, peak, rms, silence_ratio,
    trailing_silence_secs,
};
use tts_audio::{Audio, AudioError, MAX_SILENCE_SECS};

const RATE: u32 = 1000;

/// Seconds of a square wave, then of silence.
fn square_then_silence(square: f64, silence: f64) -> Vec<f32> {
    let length = |seconds: f64| (seconds * f64::from(RATE)) as usize;
    let mut samples: Vec<f32> =
        (0..length(square)).map(|i| if i % 2 == 0 { 0.5 } else { -0.5 }).collect();
    samples.resize(samples.len() + length(silence), 0.0);
    samples
}

#[test]
fn no_samples_measure_nothing() {
    assert_eq!((peak(&[]), rms(&[]), clipped_ratio(&[])), (0.0, 0.0, 0.0));
    assert_eq!((silence_ratio(&[], RATE), trailing_silence_secs(&[], RATE)), (0.0, 0.0));
}

#[test]
fn levels_are_those_of_the_samples() {
    let samples = square_then_silence(1.0, 3.0);
    assert_eq!(peak(&samples), 0.5);
    assert_eq!(rms(&samples), 0.25);
    assert_eq!(peak(&[0.25, -0.75]), 0.75);
}

#[test]
fn clipped_samples_are_counted_on_both_sides() {
    assert_eq!(clipped_ratio(&[1.0, -1.0, 0.99, CLIPPING_LEVEL, 0.0, -2.0, 0.0, 0.0]), 0.5);
}

#[test]
fn silence_is_counted_in_windows_and_not_in_zero_crossings() {
    assert_eq!(silence_ratio(&square_then_silence(1.0, 3.0), RATE), 0.75);
    assert_eq!(silence_ratio(&[0.0; 77], RATE), 1.0);
    // Half of these samples are zero.
    let sparse: Vec<f32> = (0..1000).map(|i| if i % 2 == 0 { 0.1 } else { 0.0 }).collect();
    assert_eq!(silence_ratio(&sparse, RATE), 0.0);
    // -60 dBFS is silence, -40 dBFS is not.
    assert_eq!(silence_ratio(&[0.001; 100], RATE), 1.0);
    assert_eq!(silence_ratio(&[0.01; 100], RATE), 0.0);
}

#[test]
fn trailing_silence_ends_at_the_last_sound() {
    assert_eq!(trailing_silence_secs(&square_then_silence(1.0, 0.5), RATE), 0.5);
    assert_eq!(trailing_silence_secs(&square_then_silence(1.0, 0.0), RATE), 0.0);
    assert_eq!(trailing_silence_secs(&square_then_silence(0.0, 0.5), RATE), 0.5);
    let mut samples = square_then_silence(1.0, 0.5);
    samples.extend([0.5; 20]);
    assert_eq!(trailing_silence_secs(&samples, RATE), 0.0);
    assert_eq!(trailing_silence_secs(&samples, 0), 0.0);
}

#[test]
fn a_fade_rises_from_zero_and_leaves_the_rest() {
    let mut audio = Audio { samples: vec![1.0; 10], sample_rate: RATE };
    audio.fade_in(0.004);
    assert_eq!(audio.samples, [0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);

    let whole = audio.clone();
    for seconds in [0.0, -1.0, f64::NAN] {
        audio.fade_in(seconds);
        assert_eq!(audio, whole);
    }
    audio.fade_in(1.0);
    assert!(audio.samples.iter().all(|&sample| sample < 0.01));
    audio.fade_in(f64::INFINITY);
    assert!(audio.samples.iter().all(|&sample| sample < 1e-9));
}

#[test]
fn silence_is_appended_within_bounds() {
    let mut audio = Audio { samples: vec![0.5; 3], sample_rate: RATE };
    audio.append_silence(0.002).unwrap();
    assert_eq!(audio.samples, [0.5, 0.5, 0.5, 0.0, 0.0]);
    for seconds in [0.0, -1.0, f64::NAN] {
        audio.append_silence(seconds).unwrap();
        assert_eq!(audio.samples.len(), 5);
    }
    for seconds in [MAX_SILENCE_SECS + 1.0, f64::INFINITY] {
        assert!(matches!(audio.append_silence(seconds), Err(AudioError::TooLong { .. })));
    }
    audio.sample_rate = u32::MAX;
    assert!(matches!(audio.append_silence(1.0), Err(AudioError::SampleRate { .. })));
}

#[test]
fn leading_silence_ends_at_the_first_sound() {
    let mut samples = square_then_silence(1.0, 0.5);
    assert_eq!(leading_silence_secs(&samples, RATE), 0.0);
    samples.reverse();
    assert_eq!(leading_silence_secs(&samples, RATE), 0.5);
    assert_eq!(leading_silence_secs(&[], 0), 0.0);
}
