//! The network against the official package and against the textbook.

mod checkpoint;
mod textbook;

use std::collections::HashMap;
use std::f64::consts::TAU;

use candle_core::{DType, Device};
use tts_speaker::{SpeakerEncoder, SpeakerError};

use checkpoint::Variant;
use textbook::Signal;

fn base_b() -> SpeakerEncoder {
    checkpoint::encoder(&checkpoint::open(checkpoint::base_b()), DType::F32)
}

/// A tone in noise. A pure tone would leave most bands to the rounding of the
/// transform.
fn audio(amplitude: f64, samples: usize) -> Vec<f32> {
    let sample = |i: u32| {
        let hash = i.wrapping_mul(7_919).wrapping_add(12_345).wrapping_mul(2_654_435_761) >> 8;
        let noise = f64::from(hash % 10_007) / 5_003.0 - 1.0;
        let tone = (TAU * 440.0 * f64::from(i) / 24_000.0).sin();
        (amplitude * (0.7 * tone + 0.3 * noise)) as f32
    };
    (0..samples as u32).map(sample).collect()
}

#[track_caller]
fn assert_close(actual: &[f32], expected: &[f32], bound: f32) {
    assert_eq!(actual.len(), expected.len());
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        assert!((a - e).abs() <= bound, "value {i}: {a}, expected {e}");
    }
}

fn norm(x: &[f32]) -> f32 {
    x.iter().map(|x| x * x).sum::<f32>().sqrt()
}

#[test]
fn x_vectors_are_those_of_the_official_package() {
    let encoder = base_b();
    let recorded = [
        // One second, the shortest audio, and one second beyond [-1, 1].
        (0.5, 24_000, 2.652_234_8, [-0.061_066_642, -0.368_033_02, 0.885_329_5, -0.274_887_44]),
        (0.5, 1_280, 2.526_941_5, [-0.122_844_61, -0.226_673_11, 0.791_735_05, -0.362_770_97]),
        (1.5, 24_000, 1.914_369_3, [-0.047_773_167, -0.286_015_57, 0.631_130_93, -0.223_081_08]),
    ];
    for (amplitude, samples, expected_norm, first) in recorded {
        let x_vector = encoder.embed(&audio(amplitude, samples)).unwrap();
        assert_eq!(x_vector.len(), 32);
        assert_close(&x_vector[..4], &first, 1e-5);
        assert_close(&[norm(&x_vector)], &[expected_norm], 2e-5);
    }
}

/// Shapes that no released checkpoint has: five blocks, even kernels (one of which
/// reflects at the end only), another number of groups, more channels than are
/// pooled at once but no multiple, other bands and rate.
fn unusual() -> Variant {
    Variant::new(&serde_json::json!({
        "enc_dim": 32,
        "sample_rate": 16_000,
        "mel_dim": 20,
        "enc_channels": [24, 24, 24, 24, 24, 96],
        "enc_kernel_sizes": [4, 3, 5, 2, 3, 3],
        "enc_dilations": [2, 1, 3, 1, 2, 4],
        "enc_res2net_scale": 3,
        "enc_attention_channels": 5,
        "enc_se_channels": 7,
    }))
}

#[test]
fn every_stage_equals_the_textbook_for_any_configuration() {
    let variant = unusual();
    let encoder = checkpoint::encoder(&variant.checkpoint, DType::F32);
    let mut stages: HashMap<String, Signal> = HashMap::new();
    let mut names = Vec::new();
    let x_vector = encoder
        .embed_with(&audio(0.5, 5_000), &mut |name, stage| {
            names.push(name.to_owned());
            stages.insert(name.to_owned(), textbook::signal(stage)?);
            Ok(())
        })
        .unwrap();
    let blocks = ["block0", "block1", "block2", "block3", "block4"];
    assert_eq!(names, [&["mel"], &blocks[..], &["mfa", "pooling"]].concat());

    let config = variant.checkpoint.config.speaker_encoder_config.as_ref().unwrap();
    let expected = textbook::stages(config, &variant.tensors, &stages["mel"]);
    stages.insert("embedding".into(), x_vector.iter().map(|&x| vec![f64::from(x)]).collect());
    for (name, expected) in expected {
        let actual = &stages[&name];
        assert_eq!((actual.len(), actual[0].len()), (expected.len(), expected[0].len()), "{name}");
        let rms = textbook::rms(&expected);
        for (a, e) in actual.iter().flatten().zip(expected.iter().flatten()) {
            assert!((a - e).abs() <= 1e-5 * rms, "{name}: {a}, expected {e}, rms {rms}");
        }
    }
}

#[test]
fn the_shortest_audio_follows_from_the_widest_reflection() {
    // Block 3 of the released shape: kernel 3, dilation 4, so 4 steps on each side.
    assert_eq!(base_b().min_samples(), 5 * 256);
    // Block 2 of the unusual one: kernel 5, dilation 3, so 6 steps on each side.
    let unusual = checkpoint::encoder(&unusual().checkpoint, DType::F32);
    assert_eq!(unusual.min_samples(), 7 * 256);
    assert_eq!(unusual.sample_rate(), 16_000);
    // Without a kernel only the spectrum reflects.
    let pointwise = Variant::new(&serde_json::json!({
        "enc_dim": 32, "sample_rate": 24_000,
        "enc_channels": [16, 16, 16], "enc_kernel_sizes": [1, 1, 1], "enc_dilations": [1, 1, 1],
    }));
    let pointwise = checkpoint::encoder(&pointwise.checkpoint, DType::F32);
    assert_eq!(pointwise.min_samples(), 385);
    for encoder in [&base_b(), &unusual, &pointwise] {
        let needed = encoder.min_samples();
        assert_eq!(encoder.embed(&audio(0.5, needed)).unwrap().len(), 32);
        for found in [0, 1, needed - 1] {
            let error = encoder.embed(&audio(0.5, found)).unwrap_err();
            let expected = format!("{found} samples, at least {needed} are needed");
            assert!(error.to_string().contains(&expected), "{error}");
        }
    }
}

#[test]
fn samples_that_are_not_finite_are_refused() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut samples = audio(0.5, 2_000);
        samples[1_999] = value;
        match base_b().embed(&samples) {
            Err(SpeakerError::NotFinite { index: 1_999, value: found }) => {
                assert_eq!(found.to_bits(), value.to_bits());
            }
            other => panic!("{value}: {other:?}"),
        }
    }
}

#[test]
fn silence_and_the_largest_samples_have_finite_x_vectors() {
    let encoder = base_b();
    for samples in [[0.0; 2_000], [f32::MAX; 2_000]] {
        assert!(encoder.embed(&samples).unwrap().iter().all(|x| x.is_finite()));
    }
}

#[test]
fn the_number_of_threads_does_not_change_the_x_vector() {
    let encoder = base_b();
    let samples = audio(0.5, 240_000);
    let embed = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| encoder.embed(&samples).unwrap())
    };
    assert_eq!(embed(1), embed(2));
}

#[test]
fn weights_asked_for_in_another_type_are_computed_in_f32() {
    let checkpoint = checkpoint::open(checkpoint::base_b());
    let samples = audio(0.5, 5_000);
    let rounded = checkpoint::encoder(&checkpoint, DType::BF16).embed(&samples).unwrap();
    let exact = checkpoint::encoder(&checkpoint, DType::F32).embed(&samples).unwrap();
    assert_ne!(rounded, exact);
    assert_close(&rounded, &exact, 0.02 * norm(&exact));
}

#[test]
fn an_error_of_the_tap_stops_the_encoder() {
    let mut seen = 0;
    let stopped = base_b().embed_with(&audio(0.5, 2_000), &mut |name, _| {
        seen += 1;
        if name == "block1" { Err(candle_core::Error::msg("enough")) } else { Ok(()) }
    });
    assert!(matches!(stopped, Err(SpeakerError::Tensor(_))));
    assert_eq!(seen, 3);
}

#[test]
fn the_filterbank_is_that_of_the_configuration() {
    let unusual = checkpoint::encoder(&unusual().checkpoint, DType::F32);
    assert_eq!(unusual.mel().filterbank(&Device::Cpu).unwrap().dims(), [20, 513]);
}
