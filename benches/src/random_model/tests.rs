use candle_core::{DType, Device};
use tts::{Model, Voice};
use tts_checkpoint::{Checkpoint, Part};

use super::{RandomModel, SPEAKING};

/// A model with the shapes of the embedded one, except for its vocabulary.
fn small(parts: &[Part]) -> RandomModel {
    let text = |name| {
        let found = tts_fixture::FILES.iter().find(|(path, _)| *path == name);
        std::str::from_utf8(found.unwrap().1).unwrap()
    };
    RandomModel::new(text("config.json"), text("speech_tokenizer/config.json"), parts).unwrap()
}

#[test]
fn a_random_model_speaks() {
    let model = Model::load(small(&SPEAKING).files(), &Device::Cpu).unwrap();
    let mut request = model.request("Yes.", Voice::Unnamed);
    request.options.max_new_tokens = 3;
    let spoken = model.speak(&request).unwrap();
    assert!(!spoken.frames.is_empty());
    assert!(spoken.audio.samples.iter().any(|sample| sample.abs() > 1e-3));
}

#[test]
fn weights_are_the_same_every_time_and_zeros_elsewhere() {
    let weights = |part, name: &str| {
        let checkpoint = Checkpoint::open(small(&[part]).files()).unwrap();
        let weights = checkpoint.model_weights(DType::F32, &Device::Cpu);
        weights.tensor(name).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    let head = weights(Part::Talker, "talker.codec_head.weight");
    assert_eq!(head, weights(Part::Talker, "talker.codec_head.weight"));
    let mean = head.iter().sum::<f32>() / head.len() as f32;
    let power = head.iter().map(|value| value * value).sum::<f32>() / head.len() as f32;
    assert!(mean.abs() < 0.01 && (power - 1.0 / 96.0).abs() < 1e-3, "{mean} {power}");
    let zeros = weights(Part::CodePredictor, "talker.codec_head.weight");
    assert!(zeros.iter().all(|&value| value == 0.0));
}

#[test]
fn a_written_model_can_be_opened() {
    let directory = tempfile::tempdir().unwrap();
    small(&[]).write_to(directory.path()).unwrap();
    let files = tts_checkpoint::ModelFiles::directory(directory.path()).unwrap();
    assert!(Checkpoint::open(files).unwrap().census.unknown.is_empty());
}

#[test]
fn released_shapes_have_the_released_size() {
    let custom_voice = Checkpoint::open(RandomModel::real_06b(&[]).unwrap().files()).unwrap();
    let values = |part| custom_voice.census.parts[&part].values;
    let codec = values(Part::CodecDecoder) + values(Part::CodecEncoder);
    assert_eq!(codec, 170_557_441);
    assert_eq!(custom_voice.census.total().values - codec, 905_788_672);

    let large = Checkpoint::open(RandomModel::real_17b(&[]).unwrap().files()).unwrap();
    assert_eq!(large.census.total().values - codec, 1_916_676_352);

    let base = Checkpoint::open(RandomModel::base_06b(&[]).unwrap().files()).unwrap();
    assert_eq!(base.census.parts[&Part::SpeakerEncoder].values, 8_854_336);
}
