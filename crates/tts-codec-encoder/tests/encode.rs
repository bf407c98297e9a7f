//! Frames, codes and errors of the encoder.

use std::f32::consts::TAU;
use std::path::Path;

use candle_core::{Device, Tensor};
use tts_checkpoint::{Checkpoint, ModelFiles};
use tts_codec_encoder::{CodecEncoder, EncoderError};

fn checkpoint() -> Checkpoint {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden");
    Checkpoint::open(ModelFiles::directory(fixtures.join("checkpoints/base_b")).unwrap()).unwrap()
}

fn encoder() -> CodecEncoder {
    let checkpoint = checkpoint();
    CodecEncoder::load(&checkpoint.codec, &checkpoint.codec_weights(&Device::Cpu)).unwrap()
}

/// A tone that swells and wavers, so that every frame is different.
fn signal(samples: usize) -> Vec<f32> {
    let value = |n: usize| {
        let t = n as f32 / 24_000.0;
        let pitch = 220.0 * t + 3.0 * (TAU * 5.0 * t).sin();
        0.4 * (TAU * pitch).sin() * (TAU * 1.7 * t).cos() + 0.1 * (TAU * 2_345.0 * t).sin()
    };
    (0..samples).map(value).collect()
}

#[test]
fn a_started_frame_counts() {
    let codec = encoder();
    assert_eq!((codec.samples_per_frame(), codec.sample_rate()), (1920, 24_000));
    for (samples, frames) in
        [(1, 1), (1919, 1), (1920, 1), (1921, 2), (24_000, 13), (24_001, 13), (24_961, 14)]
    {
        let codes = codec.encode(&signal(samples)).unwrap();
        assert_eq!((codes.len(), codec.frames(samples)), (frames, frames), "{samples} samples");
        assert!(codes.iter().all(|frame| frame.len() == 16), "{samples} samples");
    }
}

#[test]
fn codes_are_entries_of_their_codebooks_and_follow_the_signal() {
    let checkpoint = checkpoint();
    let size = checkpoint.codec.encoder_config.codebook_size as u32;
    let codes = encoder().encode(&signal(40 * 1920)).unwrap();
    for codebook in 0..16 {
        let mut column: Vec<u32> = codes.iter().map(|frame| frame[codebook]).collect();
        assert!(column.iter().all(|&code| code < size), "codebook {codebook}");
        column.sort_unstable();
        column.dedup();
        assert!(column.len() > 5, "codebook {codebook}: only {column:?}");
    }
}

#[test]
fn only_the_kept_codebooks_are_computed() {
    let checkpoint = checkpoint();
    let weights = checkpoint.codec_weights(&Device::Cpu);
    let samples = signal(5000);
    let all = encoder().encode(&samples).unwrap();
    for kept in [1, 2, 15] {
        let mut config = checkpoint.codec.clone();
        config.encoder_valid_num_quantizers = kept;
        let codec = CodecEncoder::load(&config, &weights).unwrap();
        assert_eq!(codec.codebooks(), kept);
        let some = codec.encode(&samples).unwrap();
        for (some, all) in some.iter().zip(&all) {
            assert_eq!(some[..], all[..kept]);
        }
    }
}

#[test]
fn later_samples_do_not_change_earlier_frames() {
    let codec = encoder();
    let samples = signal(20 * 1920);
    let whole = codec.encode(&samples).unwrap();
    for frames in [1, 7, 19] {
        let prefix = codec.encode(&samples[..frames * 1920]).unwrap();
        assert_eq!(prefix[..], whole[..frames]);
    }
}

#[test]
fn every_stage_is_the_same_on_one_thread_and_two() {
    let codec = encoder();
    let samples = signal(30_000);
    let encode = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut stages = Vec::new();
            let mut keep = |name: &str, x: &Tensor| {
                stages.push((name.to_owned(), x.flatten_all()?.to_vec1::<f32>()?));
                Ok(())
            };
            let codes = codec.encode_with(&samples, &mut keep).unwrap();
            (codes, stages)
        })
    };
    assert_eq!(encode(1), encode(2));
}

#[test]
fn unusable_samples_are_typed_errors() {
    let codec = encoder();
    assert!(matches!(codec.encode(&[]), Err(EncoderError::Empty)));
    assert!(matches!(codec.encode_with(&[], &mut |_, _| Ok(())), Err(EncoderError::Empty)));
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut samples = signal(4000);
        (samples[3000], samples[3500]) = (value, value);
        let error = codec.encode(&samples).unwrap_err();
        assert!(matches!(error, EncoderError::NotFinite { index: 3000, .. }), "{error}");
        assert_eq!(error.to_string(), format!("sample 3000 is {value}, expected a finite number"));
    }
}

#[test]
fn samples_of_absurd_size_are_encoded_without_a_panic() {
    let codec = encoder();
    for value in [f32::MAX, f32::MIN, f32::MIN_POSITIVE] {
        assert_eq!(codec.encode(&[value; 2000]).unwrap().len(), 2);
    }
}

#[test]
fn an_absurd_dilation_is_refused_before_it_is_allocated() {
    let checkpoint = checkpoint();
    let mut config = checkpoint.codec.clone();
    config.encoder_config.num_residual_layers = 2;
    for (growth, allowed) in [(4096, true), (4097, false), (usize::MAX, false)] {
        config.encoder_config.dilation_growth_rate = growth;
        let error =
            CodecEncoder::load(&config, &checkpoint.codec_weights(&Device::Cpu)).unwrap_err();
        match error {
            // There is no second block in the file.
            EncoderError::Checkpoint(_) => assert!(allowed, "{growth}"),
            EncoderError::Dilation { block: 1, dilation, .. } => {
                assert!(!allowed && dilation == growth, "{growth}: {dilation}");
            }
            other => panic!("{growth}: {other}"),
        }
    }
}

#[test]
fn an_error_of_the_tap_ends_the_encoding() {
    let mut seen = Vec::new();
    let result = encoder().encode_with(&signal(2000), &mut |name, _| {
        seen.push(name.to_owned());
        if name == "seanet" {
            candle_core::bail!("enough");
        }
        Ok(())
    });
    assert!(matches!(result, Err(EncoderError::Tensor(_))));
    assert_eq!(seen.last().map(String::as_str), Some("seanet"));
}
