//! Files of voices: what is written comes back, and nothing else is taken for a voice.

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use tts::{Model, ReferenceSpeech, TtsError, Voice, VoiceError, VoicePrompt};

fn voice() -> VoicePrompt {
    VoicePrompt {
        x_vector: (0..32).map(|i| (i as f32 * 0.7).cos()).collect(),
        reference: Some(ReferenceSpeech {
            transcript: "What is said, né?".to_owned(),
            frames: (0..5).map(|f| (0..16).map(|q| (f * 7 + q) % 64).collect()).collect(),
        }),
    }
}

fn bytes(voice: &VoicePrompt) -> Vec<u8> {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("voice.safetensors");
    voice.save(&path).unwrap();
    std::fs::read(path).unwrap()
}

fn parse(bytes: &[u8]) -> Result<VoicePrompt, VoiceError> {
    VoicePrompt::parse(Path::new("v"), bytes)
}

/// The file with a part of its header replaced by one of the same length.
fn edited(from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes(&voice());
    let at = bytes.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    bytes
}

#[test]
fn a_voice_comes_back_as_it_was() {
    let x_vector_only = VoicePrompt { reference: None, ..voice() };
    for voice in [voice(), x_vector_only] {
        assert_eq!(parse(&bytes(&voice)).unwrap(), voice);
    }
}

#[test]
fn every_truncation_is_refused() {
    let bytes = bytes(&voice());
    for length in 0..bytes.len() {
        let error = parse(&bytes[..length]).unwrap_err();
        assert!(matches!(error, VoiceError::Damaged { .. }), "{length}: {error}");
    }
}

#[test]
fn a_later_version_is_named_as_such() {
    let error = parse(&edited(r#""version":"1""#, r#""version":"2""#)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "v has version 2 of the voice format; this program reads up to 1"
    );
    let error = parse(&edited(r#""version":"1""#, r#""version":"x""#)).unwrap_err();
    assert!(matches!(error, VoiceError::Damaged { .. }), "{error}");
}

#[test]
fn other_content_is_damage() {
    for (from, to) in [
        ("qwen3-tts-voice", "qwen3-tts-vOice"),
        (r#""dtype":"F32""#, r#""dtype":"U32""#),
        (r#""dtype":"U32""#, r#""dtype":"F32""#),
        (r#""shape":[5,16]"#, r#""shape":[ 80 ]"#),
        (r#""transcript""#, r#""transcripT""#),
        (r#""codes""#, r#""codex""#),
    ] {
        let error = parse(&edited(from, to)).unwrap_err();
        assert!(matches!(error, VoiceError::Damaged { .. }), "{to}: {error}");
    }
    let mut broken = voice();
    broken.x_vector[3] = f32::NAN;
    assert!(matches!(parse(&bytes(&broken)), Err(VoiceError::Damaged { .. })));
}

#[test]
fn a_voice_of_another_model_is_refused() {
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/checkpoints/base_b");
    let model = Model::from_pretrained(base, &Device::Cpu).unwrap();
    let mut wide = voice();
    wide.x_vector.push(0.0);
    let mut many = voice();
    many.reference.as_mut().unwrap().frames[2].push(0);
    let mut high = voice();
    high.reference.as_mut().unwrap().frames[4][15] = 64;
    for (voice, what) in
        [(wide, "the width of the x-vector"), (many, "the number of codebooks"), (high, "a code")]
    {
        let request = model.request("Hello.", Voice::Cloned(Arc::new(voice)));
        match model.speak(&request) {
            Err(TtsError::Voice(VoiceError::Mismatch { what: found, .. })) => {
                assert_eq!(found, what);
            }
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn nothing_is_left_of_a_voice_that_cannot_be_written() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("no/such/directory/voice.safetensors");
    assert!(matches!(voice().save(&path), Err(VoiceError::Write(_))));
    assert_eq!(home.path().read_dir().unwrap().count(), 0);
}
