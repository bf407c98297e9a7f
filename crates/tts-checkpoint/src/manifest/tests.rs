//! The counts of the released checkpoints (`docs/model.md`, section 1.3).

use serde_json::{Value, json};

use super::*;

fn released(size: &str, kind: &str) -> ModelConfig {
    let text = include_str!("../../../../fixtures/golden/checkpoints/custom_voice_a/config.json");
    let mut value: Value = serde_json::from_str(text).unwrap();
    let (hidden, intermediate) = if size == "0b6" { (1024, 3072) } else { (2048, 6144) };
    value["tts_model_size"] = json!(size);
    value["tts_model_type"] = json!(kind);
    if kind == "base" {
        value["speaker_encoder_config"] = json!({"enc_dim": hidden, "sample_rate": 24000});
    }
    let shared = json!({"num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128});
    let talker = value["talker_config"].as_object_mut().unwrap();
    talker.extend(shared.as_object().unwrap().clone());
    for (field, n) in [
        ("vocab_size", 3072),
        ("hidden_size", hidden),
        ("intermediate_size", intermediate),
        ("num_hidden_layers", 28),
        ("text_hidden_size", 2048),
        ("text_vocab_size", 151_936),
    ] {
        talker.insert(field.to_owned(), json!(n));
    }
    let predictor = talker["code_predictor_config"].as_object_mut().unwrap();
    predictor.extend(shared.as_object().unwrap().clone());
    for (field, n) in [
        ("vocab_size", 2048),
        ("hidden_size", 1024),
        ("intermediate_size", 3072),
        ("num_hidden_layers", 5),
    ] {
        predictor.insert(field.to_owned(), json!(n));
    }
    serde_json::from_value(value).unwrap()
}

fn count(specs: &[TensorSpec], part: Option<Part>) -> (usize, usize) {
    let chosen = specs.iter().filter(|s| part.is_none_or(|p| s.part == p));
    chosen.fold((0, 0), |(n, v), s| (n + 1, v + s.shape.iter().product::<usize>()))
}

#[test]
fn language_models_have_the_released_counts() {
    let small = model_tensors(&released("0b6", "custom_voice"));
    assert_eq!(count(&small, None), (402, 905_788_672));
    assert_eq!(count(&small, Some(Part::CodePredictor)).1, 141_570_304);
    let large = model_tensors(&released("1b7", "voice_design"));
    assert_eq!(count(&large, None), (404, 1_916_676_352));
    assert_eq!(count(&large, Some(Part::CodePredictor)).1, 175_125_760);
}

#[test]
fn speaker_encoders_have_the_released_counts() {
    let small = model_tensors(&released("0b6", "base"));
    assert_eq!(count(&small, None), (478, 914_643_008));
    assert_eq!(count(&small, Some(Part::SpeakerEncoder)), (76, 8_854_336));
    let large = model_tensors(&released("1b7", "base"));
    assert_eq!(count(&large, None), (480, 1_928_677_440));
    assert_eq!(count(&large, Some(Part::SpeakerEncoder)), (76, 12_001_088));
}

#[test]
fn the_codec_has_the_released_counts() {
    let text = include_str!(
        "../../../../fixtures/golden/checkpoints/custom_voice_a/speech_tokenizer/config.json"
    );
    let mut value: Value = serde_json::from_str(text).unwrap();
    for (field, n) in [
        ("latent_dim", 1024),
        ("codebook_dim", 512),
        ("codebook_size", 2048),
        ("decoder_dim", 1536),
        ("hidden_size", 512),
        ("intermediate_size", 1024),
        ("head_dim", 64),
        ("num_attention_heads", 16),
        ("num_key_value_heads", 16),
        ("num_hidden_layers", 8),
    ] {
        value["decoder_config"][field] = json!(n);
    }
    for (field, n) in [
        ("codebook_dim", 256),
        ("codebook_size", 2048),
        ("head_dim", 64),
        ("hidden_size", 512),
        ("intermediate_size", 2048),
        ("num_attention_heads", 8),
        ("num_key_value_heads", 8),
        ("num_filters", 64),
        ("num_hidden_layers", 8),
        ("num_quantizers", 32),
        ("vector_quantization_hidden_dimension", 256),
    ] {
        value["encoder_config"][field] = json!(n);
    }
    let specs = codec_tensors(&serde_json::from_value(value).unwrap());
    assert_eq!(count(&specs, None), (496, 170_557_441));
    assert_eq!(count(&specs, Some(Part::CodecDecoder)), (271, 114_323_137));
    assert_eq!(count(&specs, Some(Part::CodecEncoder)), (225, 56_234_304));
}
