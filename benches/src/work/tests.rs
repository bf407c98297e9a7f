use std::sync::LazyLock;

use tts_checkpoint::{Checkpoint, CodecConfig, ModelConfig, Part, TensorSpec};
use tts_checkpoint::{codec_tensors, model_tensors};

use super::*;
use crate::random_model::RandomModel;

static REAL: LazyLock<RandomModel> = LazyLock::new(|| RandomModel::base_06b(&[]).unwrap());

fn real() -> Checkpoint {
    Checkpoint::open(REAL.files()).unwrap()
}

/// In millions, to one decimal place.
fn millions(count: u64) -> f64 {
    (count as f64 / 1e5).round() / 10.0
}

/// Values of the tensors of a part with more than one dimension whose names pass.
fn values(tensors: &[TensorSpec], part: Part, counts: impl Fn(&str) -> bool) -> u64 {
    let matrices =
        tensors.iter().filter(|t| t.part == part && t.shape.len() > 1 && counts(&t.name));
    matrices.map(|t| t.shape.iter().product::<usize>() as u64).sum()
}

fn model() -> (ModelConfig, Vec<TensorSpec>) {
    let config = real().config;
    let tensors = model_tensors(&config);
    (config, tensors)
}

fn codec() -> (CodecConfig, Vec<TensorSpec>) {
    let config = real().codec;
    let tensors = codec_tensors(&config);
    (config, tensors)
}

#[test]
fn the_language_models_of_the_06b_read_known_numbers_of_weights() {
    let config = real().config.talker_config;
    let step = talker_step(&config, 1).total();
    assert_eq!(millions(step.weights), 443.5);
    let frame = predictor_frame(&config);
    assert_eq!(millions(frame.total().weights), 1211.1);
    assert_eq!(millions(frame.op("heads").unwrap().weights), 31.5);
    let pass = frame.op("projections").unwrap() + frame.op("MLP").unwrap();
    assert_eq!(millions(pass.weights / 15), 78.6);
    // 1.73 G are the matrices: attention at position 100 adds 11.5 M and 2.8 M.
    let attention = |stage: &StageWork| stage.op("attention").unwrap().multiply_adds;
    let (talker, predictor) = (talker_step(&config, 100), predictor_frame(&config));
    assert_eq!(millions(attention(&talker)), 11.5);
    assert_eq!(millions(attention(&predictor)), 2.8);
    let all = talker.total().multiply_adds + predictor.total().multiply_adds;
    let matrices = all - attention(&talker) - attention(&predictor);
    assert_eq!(millions(matrices), 1733.3);
}

#[test]
fn a_talker_step_reads_the_cache_of_every_position_seen() {
    let config = real().config.talker_config;
    assert_eq!(talker_step(&config, 100).total().cache, 57_344 * 100);
    let step = talker_step(&config, 1).total();
    assert_eq!(step.bytes(2.0, 4.0), step.weight_bytes(2.0) + 57_344.0 * 4.0);
}

#[test]
fn a_prefill_reads_the_weights_once() {
    let config = real().config.talker_config;
    let (step, prompt) = (talker_step(&config, 1), prefill(&config, 25));
    assert_eq!(prompt.total().weights, step.total().weights);
    let (one, all) = (step.op("MLP").unwrap(), prompt.op("MLP").unwrap());
    assert_eq!(all.multiply_adds, 25 * one.multiply_adds);
    // Query t sees t keys: 325 in all.
    let (one, all) = (step.op("attention").unwrap(), prompt.op("attention").unwrap());
    assert_eq!(all.multiply_adds, 325 * one.multiply_adds);
}

#[test]
fn a_codec_frame_takes_known_numbers_of_multiply_adds() {
    let config = real().codec.decoder_config;
    let frame = codec_decode(&config, 1);
    assert_eq!(millions(frame.total().multiply_adds), 2480.6);
    assert_eq!(millions(frame.op("residual units").unwrap().multiply_adds), 2010.1);
    assert_eq!(millions(frame.op("transposed convolutions").unwrap().multiply_adds), 335.0);
    assert_eq!(millions(snake_evaluations(&config, 1)), 2.8);
}

#[test]
fn more_frames_take_more_arithmetic_and_the_same_weights() {
    let config = real().codec.decoder_config;
    let (one, many) = (codec_decode(&config, 1).total(), codec_decode(&config, 25).total());
    assert_eq!(many.weights, one.weights);
    assert_eq!(many.multiply_adds, 25 * one.multiply_adds);
    assert_eq!(snake_evaluations(&config, 25), 25 * snake_evaluations(&config, 1));
}

#[test]
fn weights_are_the_matrices_of_the_checkpoint() {
    let (config, tensors) = model();
    let used = |name: &str| !name.contains("embedding") && !name.contains("text_projection");
    let talker = talker_step(&config.talker_config, 1).total();
    assert_eq!(talker.weights, values(&tensors, Part::Talker, used));
    let speaker = config.speaker_encoder_config.unwrap();
    let all = values(&tensors, Part::SpeakerEncoder, |_| true);
    assert_eq!(x_vector(&speaker, 100).total().weights, all);

    let (config, tensors) = codec();
    let decoder =
        |name: &str| !name.contains("embedding_sum") && !name.contains("input_proj.weight");
    let inputs = 512 * 1024;
    let found = codec_decode(&config.decoder_config, 1).total().weights;
    assert_eq!(found, values(&tensors, Part::CodecDecoder, decoder) + inputs);
    // Sixteen of the 32 codebooks are used, and no output projection.
    let encoder = |name: &str| !name.contains("output_proj") && !name.contains("embed_sum");
    let codebooks = 16 * 2048 * 256;
    let found = codec_encode(&config, 1).total().weights;
    assert_eq!(found, values(&tensors, Part::CodecEncoder, encoder) + codebooks);
}

#[test]
fn a_wider_talker_projects_the_inputs_of_the_predictor() {
    let mut config = real().config.talker_config;
    assert_eq!(predictor_frame(&config).op("input projection"), Some(Work::default()));
    config.hidden_size = 2048;
    let input = predictor_frame(&config).op("input projection").unwrap();
    assert_eq!(input.weights, 15 * 2048 * 1024);
    assert_eq!(input.multiply_adds, 16 * 2048 * 1024);
}
