//! The same weights in every form a directory may store them in.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device};
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::json;
use tts_checkpoint::{Checkpoint, CheckpointError, ModelFiles, model_tensors};

const WEIGHTS: &str = "model.safetensors";

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    tts_fixture::write_to(home.path()).unwrap();
    home
}

fn original() -> SafeTensors<'static> {
    let (_, bytes) = tts_fixture::FILES.iter().find(|(name, _)| *name == WEIGHTS).unwrap();
    SafeTensors::deserialize(bytes).unwrap()
}

fn open(home: &Path) -> Result<Checkpoint, CheckpointError> {
    Checkpoint::open(ModelFiles::directory(home)?)
}

/// Every tensor of the language models, in the order of the manifest.
fn values(checkpoint: &Checkpoint, dtype: DType) -> Vec<Vec<f32>> {
    let weights = checkpoint.model_weights(dtype, &Device::Cpu);
    let read = |name: &str| {
        let tensor = weights.tensor(name).unwrap();
        assert_eq!(tensor.dtype(), dtype);
        tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    };
    model_tensors(&checkpoint.config).iter().map(|spec| read(&spec.name)).collect()
}

fn embedded() -> Vec<Vec<f32>> {
    let checkpoint = Checkpoint::open(ModelFiles::Embedded(tts_fixture::FILES)).unwrap();
    values(&checkpoint, DType::F32)
}

fn save(path: &Path, tensors: &[(String, TensorView<'_>)]) {
    let tensors = tensors.iter().map(|(name, view)| (name, view.clone()));
    std::fs::write(path, safetensors::serialize(tensors, None).unwrap()).unwrap();
}

#[test]
fn shards() {
    let home = home();
    std::fs::remove_file(home.path().join(WEIGHTS)).unwrap();
    let tensors = original().tensors();
    let half = tensors.len() / 2;
    let mut map = HashMap::new();
    for (file, part) in [("a.safetensors", &tensors[..half]), ("b.safetensors", &tensors[half..])] {
        save(&home.path().join(file), part);
        map.extend(part.iter().map(|(name, _)| (name.clone(), file)));
    }
    let index = home.path().join("model.safetensors.index.json");
    std::fs::write(&index, json!({"metadata": {}, "weight_map": map}).to_string()).unwrap();
    assert_eq!(values(&open(home.path()).unwrap(), DType::F32), embedded());

    save(&home.path().join("b.safetensors"), &tensors[half - 1..]);
    let error = open(home.path()).unwrap_err();
    assert!(matches!(error, CheckpointError::DuplicateTensor { .. }), "{error}");
    std::fs::remove_file(home.path().join("b.safetensors")).unwrap();
    let error = open(home.path()).unwrap_err();
    assert!(error.to_string().contains("b.safetensors"), "{error}");
}

/// Stores the weights in another type; returns what should be read back.
fn restore(home: &Path, dtype: Dtype, convert: impl Fn(f32) -> (Vec<u8>, f32)) -> Vec<Vec<f32>> {
    let mut stored = Vec::new();
    let mut expected = HashMap::new();
    for (name, view) in original().tensors() {
        assert_eq!(view.dtype(), Dtype::BF16);
        let (mut bytes, mut values) = (Vec::new(), Vec::new());
        for pair in view.data().as_chunks().0 {
            let (raw, value) = convert(bf16::from_le_bytes(*pair).to_f32());
            bytes.extend(raw);
            values.push(value);
        }
        stored.push((name.clone(), bytes, view.shape().to_vec()));
        expected.insert(name, values);
    }
    let views: Vec<_> = stored
        .iter()
        .map(|(name, bytes, shape)| {
            (name.clone(), TensorView::new(dtype, shape.clone(), bytes).unwrap())
        })
        .collect();
    save(&home.join(WEIGHTS), &views);
    let config = open(home).unwrap().config;
    model_tensors(&config).iter().map(|spec| expected.remove(&spec.name).unwrap()).collect()
}

#[test]
fn every_float_type_in_and_both_compute_types_out() {
    let home = home();
    let same = restore(home.path(), Dtype::F32, |x| (x.to_le_bytes().to_vec(), x));
    assert_eq!(values(&open(home.path()).unwrap(), DType::F32), same);
    assert_eq!(same, embedded());
    assert_eq!(values(&open(home.path()).unwrap(), DType::BF16), same);

    let rounded = restore(home.path(), Dtype::F16, |x| {
        let x = f16::from_f32(x);
        (x.to_le_bytes().to_vec(), x.to_f32())
    });
    assert_eq!(values(&open(home.path()).unwrap(), DType::F32), rounded);
    assert_ne!(rounded, same);
}

#[test]
fn other_types_are_refused() {
    let home = home();
    restore(home.path(), Dtype::F64, |x| (f64::from(x).to_le_bytes().to_vec(), x));
    let checkpoint = open(home.path()).unwrap();
    let weights = checkpoint.model_weights(DType::F32, &Device::Cpu);
    let error = weights.tensor("talker.model.norm.weight").unwrap_err();
    assert!(matches!(error, CheckpointError::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("F64"), "{error}");
}

#[test]
fn unknown_tensors_are_reported_and_do_not_disturb() {
    let home = home();
    let mut tensors = original().tensors();
    let (_, view) = tensors[0].clone();
    tensors.push(("talker.extra".to_owned(), view));
    save(&home.path().join(WEIGHTS), &tensors);
    let checkpoint = open(home.path()).unwrap();
    assert_eq!(checkpoint.census.unknown, ["talker.extra"]);
    assert_eq!(values(&checkpoint, DType::F32), embedded());
}
