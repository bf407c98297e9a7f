//! Models in one packed file: the same speech, and typed errors for what is not one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::Device;
use tempfile::TempDir;
use tts::{
    Audio, CheckpointError, Model, ModelFiles, Precision, ReferenceOptions, SplitRule, TtsError,
    Voice, quantize,
};
use tts_checkpoint::{Checkpoint, Part};

const PACKED: [Precision; 2] = [Precision::Q8, Precision::Q4Mix];

fn base() -> ModelFiles {
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/checkpoints/base_b");
    ModelFiles::directory(base).unwrap()
}

fn load(files: ModelFiles, precision: Precision) -> Result<Model, TtsError> {
    Model::load_with(files, &Device::Cpu, precision, SplitRule::default())
}

fn packed(files: ModelFiles, precision: Precision) -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("model.tts");
    let size = quantize(files, precision, &path).unwrap();
    assert_eq!(size as u64, path.metadata().unwrap().len());
    (home, path)
}

fn speak(model: &Model, voice: Voice) -> Vec<f32> {
    let mut request = model.request("One file.", voice);
    request.options.max_new_tokens = 6;
    model.speak(&request).unwrap().audio.samples
}

#[test]
fn a_packed_file_speaks_as_the_directory_it_is_from() {
    for precision in PACKED {
        let files = ModelFiles::Embedded(tts_fixture::FILES);
        let (_home, path) = packed(files.clone(), precision);
        let opened = ModelFiles::open(&path).unwrap();
        assert_eq!(Precision::of(&opened, &Device::Cpu), Ok(precision));
        let [expected, found] = [files, opened].map(|files| {
            let model = load(files, precision).unwrap();
            let speaker = model.speakers().swap_remove(0);
            let total = model.census().total();
            assert_eq!(model.census().unknown, [""; 0]);
            (speak(&model, Voice::Speaker(speaker)), total.tensors, total.values)
        });
        assert!(expected.0.iter().any(|sample| sample.abs() > 1e-3));
        assert_eq!(expected, found, "{precision}");
    }
}

#[test]
fn encoders_are_in_the_file_too() {
    let (_home, path) = packed(base(), Precision::Q8);
    let samples = (0..48_000).map(|i| 0.3 * (i as f32 * 0.05).sin()).collect();
    let audio = Audio { samples, sample_rate: 24_000 };
    let spoken = [base(), ModelFiles::open(path).unwrap()].map(|files| {
        let model = load(files, Precision::Q8).unwrap();
        let options = ReferenceOptions::default();
        let (prompt, _) = model.voice_prompt(&audio, Some("A long tone."), &options).unwrap();
        speak(&model, Voice::Cloned(Arc::new(prompt)))
    });
    assert_eq!(spoken[0], spoken[1]);
}

#[test]
fn matrices_take_half_of_16_bits_and_are_not_there_twice() {
    let files = ModelFiles::Embedded(tts_demo_voice::FILES);
    let (_home, path) = packed(files.clone(), Precision::Q8);
    let size = path.metadata().unwrap().len() as usize;
    let [stored, packed] = [files, ModelFiles::open(path).unwrap()].map(|files| {
        let census = Checkpoint::open(files).unwrap().census;
        (census.parts[&Part::Talker], census.total().bytes)
    });
    assert_eq!(stored.0.bytes, stored.0.values * 2);
    assert!(packed.0.bytes < stored.0.bytes * 6 / 10, "{packed:?} of {stored:?}");
    assert!(packed.1 < size && size - packed.1 < 1 << 20, "{packed:?} of {size} bytes");
}

fn refusal(path: &Path) -> CheckpointError {
    ModelFiles::open(path).and_then(Checkpoint::open).unwrap_err()
}

#[test]
fn what_is_not_a_packed_file_is_refused() {
    let (home, path) = packed(ModelFiles::Embedded(tts_fixture::FILES), Precision::Q8);
    let whole = std::fs::read(&path).unwrap();
    let other = home.path().join("other");
    for length in [1, 8, 1000, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&other, &whole[..length]).unwrap();
        assert!(matches!(refusal(&other), CheckpointError::Safetensors { .. }), "{length}");
    }
    std::fs::write(&other, []).unwrap();
    assert!(matches!(refusal(&other), CheckpointError::Unsupported { .. }));
    // Weights of the ordinary kind.
    let (_, weights) = tts_fixture::FILES.iter().find(|(n, _)| *n == "model.safetensors").unwrap();
    std::fs::write(&other, weights).unwrap();
    assert!(refusal(&other).to_string().contains("tts quantize"), "{}", refusal(&other));
    // A file of another version.
    let version = b"tts packed 1";
    let at = whole.windows(version.len()).position(|part| part == version).unwrap();
    let mut changed = whole.clone();
    changed[at + version.len() - 1] = b'9';
    std::fs::write(&other, changed).unwrap();
    assert!(refusal(&other).to_string().contains("tts packed 9"), "{}", refusal(&other));
    assert!(matches!(refusal(&home.path().join("none")), CheckpointError::NoSuchModel { .. }));
}

#[test]
fn damaged_values_are_an_error_and_no_panic() {
    let (home, path) = packed(ModelFiles::Embedded(tts_fixture::FILES), Precision::Q8);
    let whole = std::fs::read(&path).unwrap();
    let marks: Vec<_> =
        (0..whole.len() - 8).step_by(64).filter(|&at| whole[at..].starts_with(b"tts")).collect();
    assert!(marks.len() > 30, "{} marks at multiples of 64 bytes", marks.len());
    let other = home.path().join("other");
    for at in marks.iter().step_by(7) {
        let mut changed = whole.clone();
        changed[at + 8] ^= 0x40;
        std::fs::write(&other, &changed).unwrap();
        let error = load(ModelFiles::open(&other).unwrap(), Precision::Q8).unwrap_err();
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn precisions_are_not_mixed() {
    let files = ModelFiles::Embedded(tts_fixture::FILES);
    let (home, path) = packed(files.clone(), Precision::Q8);
    let opened = ModelFiles::open(&path).unwrap();
    for precision in [Precision::F32, Precision::Q4Mix] {
        let error = load(opened.clone(), precision).unwrap_err();
        assert!(matches!(error, TtsError::PackedPrecision { .. }), "{error}");
        assert!(error.to_string().contains("packed in q8"), "{error}");
    }
    let error = Model::from_pretrained(&path, &Device::Cpu).unwrap_err();
    assert!(matches!(error, TtsError::PackedPrecision { .. }), "{error}");
    let other = home.path().join("other");
    for precision in [Precision::F32, Precision::Fp8] {
        let error = quantize(files.clone(), precision, &other).unwrap_err();
        assert!(matches!(error, TtsError::NotPacked { .. }), "{error}");
    }
    let error = quantize(opened, Precision::Q8, &other).unwrap_err();
    assert!(error.to_string().contains("packed already"), "{error}");
    assert!(!other.exists());
}
