//! The sample rate is changed and nothing else.

use std::f64::consts::TAU;

use tts_audio::{Audio, AudioError, MAX_RATE_RATIO, Resampler, resample};

/// A tone of amplitude 0.5.
fn tone(hz: f64, sample_rate: u32, count: usize) -> Vec<f32> {
    let step = TAU * hz / f64::from(sample_rate);
    (0..count).map(|i| (0.5 * (step * i as f64).sin()) as f32).collect()
}

/// The RMS in dB, relative to a tone of amplitude 0.5.
fn level_db(samples: impl Iterator<Item = f64> + Clone) -> f64 {
    let power = samples.clone().map(|x| x * x).sum::<f64>() / samples.count() as f64;
    10.0 * (power / 0.125).log10()
}

/// All but what the ends of a tone, which are jumps, reach.
fn middle(samples: &[f32], source_rate: u32, target_rate: u32) -> std::ops::Range<usize> {
    let reach = 100.0 * f64::from(target_rate) / f64::from(source_rate.min(target_rate));
    let reach = reach.ceil() as usize;
    assert!(samples.len() > 4 * reach);
    reach..samples.len() - reach
}

const RATES: [(u32, u32); 12] = [
    (48_000, 24_000),
    (44_100, 24_000),
    (22_050, 24_000),
    (16_000, 24_000),
    (8_000, 24_000),
    (96_000, 24_000),
    (192_000, 24_000),
    (24_000, 48_000),
    (24_000, 8_000),
    (11_025, 44_100),
    // Coprime: interpolated between tabulated filters.
    (44_101, 24_000),
    (24_001, 24_000),
];

#[test]
fn a_tone_below_the_cutoff_stays_the_same_tone() {
    for (source, target) in RATES {
        let resampler = Resampler::new(source, target).unwrap();
        for relative in [0.001, 0.3, 0.7, 0.9, 0.913] {
            let hz = relative * f64::from(source.min(target)) / 2.0;
            let samples = resampler.resample(&tone(hz, source, source as usize / 4)).unwrap();
            let expected = tone(hz, target, samples.len());
            let range = middle(&samples, source, target);
            let error = range.map(|i| f64::from(samples[i]) - f64::from(expected[i]));
            let error = level_db(error);
            assert!(error < -115.0, "{source} to {target} Hz, {hz} Hz: error {error} dB");
        }
    }
}

#[test]
fn a_tone_above_the_lower_nyquist_frequency_vanishes() {
    for (source, target) in RATES.into_iter().filter(|(source, target)| source > target) {
        let resampler = Resampler::new(source, target).unwrap();
        for relative in [1.0, 1.1, 1.5, 1.9] {
            let hz = relative * f64::from(target) / 2.0;
            if 2.0 * hz < f64::from(source) {
                let samples = resampler.resample(&tone(hz, source, source as usize / 4)).unwrap();
                let range = middle(&samples, source, target);
                let alias = level_db(range.map(|i| f64::from(samples[i])));
                assert!(alias < -115.0, "{source} to {target} Hz, {hz} Hz: alias {alias} dB");
            }
        }
    }
}

#[test]
fn a_constant_stays_the_same_constant() {
    for (source, target) in RATES {
        let samples =
            Resampler::new(source, target).unwrap().resample(&vec![0.5; source as usize / 4]);
        let samples = samples.unwrap();
        for index in middle(&samples, source, target) {
            assert!((samples[index] - 0.5).abs() < 2e-6, "{source} to {target} Hz");
        }
    }
}

#[test]
fn an_impulse_stays_where_it_is_and_keeps_its_symmetry() {
    for (source, target) in [(48_000, 24_000), (44_100, 24_000), (16_000, 24_000), (24_000, 48_000)]
    {
        let mut impulse = vec![0.0; source as usize / 10];
        let center = source as usize / 20;
        impulse[center] = 1.0;
        let samples = Resampler::new(source, target).unwrap().resample(&impulse).unwrap();
        let center = target as usize / 20;
        let peak = samples.iter().copied().fold(0.0, f32::max);
        assert_eq!(samples[center], peak);
        for distance in 1..center {
            let (before, after) = (samples[center - distance], samples[center + distance]);
            assert!((before - after).abs() < 1e-6, "{source} to {target} Hz, {distance}");
        }
    }
}

#[test]
fn the_first_and_last_samples_are_right() {
    // A hump that begins and ends in silence, and fills the audio.
    let hump = |rate: u32, count: usize| -> Vec<f32> {
        let position = |i: usize| i as f64 / (f64::from(rate) * 0.1);
        (0..count).map(|i| (TAU / 2.0 * position(i)).sin().max(0.0).powi(8) as f32).collect()
    };
    for (source, target) in [(48_000, 24_000), (44_100, 24_000), (16_000, 24_000)] {
        let input = hump(source, source as usize / 10);
        let samples = Resampler::new(source, target).unwrap().resample(&input).unwrap();
        let expected = hump(target, samples.len());
        for (index, (found, expected)) in samples.iter().zip(expected).enumerate() {
            assert!((found - expected).abs() < 1e-5, "{source} to {target} Hz, sample {index}");
        }
    }
}

#[test]
fn the_length_is_that_of_the_reference() {
    // As librosa computes it; the second is one more than the exact ratio.
    for (source, target, count, expected) in [
        (16_000, 24_000, 9_600, 14_400),
        (44_100, 24_000, 26_460, 14_401),
        (48_000, 24_000, 28_800, 14_400),
        (48_000, 24_000, 1, 1),
        (48_000, 24_000, 3, 2),
        (44_101, 24_000, 1_000, 545),
        (7_919, 24_000, 1_000, 3_031),
        (24_000, 24_000, 17, 17),
        (8_000, 24_000, 1, 3),
    ] {
        let resampler = Resampler::new(source, target).unwrap();
        let samples = resampler.resample(&vec![0.1; count]).unwrap();
        assert_eq!(samples.len(), expected, "{count} samples from {source} to {target} Hz");
        assert!(resampler.resample(&[]).unwrap().is_empty());
    }
}

#[test]
fn equal_rates_change_nothing() {
    let audio = Audio { samples: tone(440.0, 24_000, 100), sample_rate: 24_000 };
    assert_eq!(resample(&audio, 24_000).unwrap(), audio);
}

#[test]
fn a_resampler_can_be_used_again() {
    let resampler = Resampler::new(44_100, 24_000).unwrap();
    let samples = tone(440.0, 44_100, 5_000);
    let audio = Audio { samples: samples.clone(), sample_rate: 44_100 };
    let first = resampler.resample(&samples).unwrap();
    assert_eq!(resampler.resample(&samples).unwrap(), first);
    assert_eq!(resample(&audio, 24_000).unwrap(), Audio { samples: first, sample_rate: 24_000 });
}

#[test]
fn rates_far_apart_are_possible_up_to_a_bound() {
    let limit = MAX_RATE_RATIO;
    for (source, target) in [(768_000, 768_000 / limit), (767_999, 24_000), (100, 100 * limit)] {
        let count = 20_000.min(source as usize);
        let samples = Resampler::new(source, target).unwrap().resample(&vec![0.25; count]);
        let samples = samples.unwrap();
        let center = samples[samples.len() / 2];
        // The shortest of these is all edge.
        assert!(samples.len() < 40 || (center - 0.25).abs() < 1e-3, "{source} {target}: {center}");
    }
    assert!(matches!(
        Resampler::new(768_000, 767),
        Err(AudioError::RateRatio { source_rate: 768_000, target_rate: 767 })
    ));
    assert!(matches!(Resampler::new(1, 1_001), Err(AudioError::RateRatio { .. })));
}

#[test]
fn audio_that_means_nothing_is_refused() {
    assert!(matches!(Resampler::new(0, 24_000), Err(AudioError::SampleRate { found: 0 })));
    assert!(matches!(Resampler::new(24_000, 0), Err(AudioError::SampleRate { found: 0 })));
    let audio = Audio { samples: vec![0.0, f32::NAN], sample_rate: 16_000 };
    assert!(matches!(resample(&audio, 24_000), Err(AudioError::NotFinite { index: 1, .. })));
    assert!(matches!(resample(&audio, 16_000), Err(AudioError::NotFinite { index: 1, .. })));
}
