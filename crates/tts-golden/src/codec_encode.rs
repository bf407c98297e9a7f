//! Kind `codec_encode`: samples to codes, stage by stage.
//!
//! The reference pads the shorter items of a batch with zeros before encoding and
//! cuts their codes afterwards. It records every stage of the padded batch.

use std::collections::HashMap;

use serde_json::Value;
use tts_codec_encoder::{CodecEncoder, EncoderError};

use crate::error::GoldenError;
use crate::recorded::{Recorded, flat};
use crate::report::Outcome;
use crate::set::{GoldenSet, text};

pub(crate) fn run(
    set: &mut GoldenSet<'_>,
    case: &Value,
    recorded: &mut Recorded,
) -> Result<(), GoldenError> {
    let model = set.model(text(case, "checkpoint")?)?;
    let encoder = match model.codec_encoder() {
        Ok(encoder) => encoder,
        Err(error) => {
            recorded.row("encode", Outcome::Failed(error.to_string()));
            return Ok(());
        }
    };
    let mut waves = Vec::new();
    while recorded.has(&format!("wav.{}", waves.len())) {
        waves.push(recorded.floats(&format!("wav.{}", waves.len()))?);
    }
    let longest = waves.iter().map(Vec::len).max().unwrap_or_default();
    for (item, wave) in waves.iter().enumerate() {
        match Encoded::new(encoder, wave, longest) {
            Ok(encoded) => {
                compare_codes(recorded, &encoded, item)?;
                compare_stages(recorded, case, encoded.stages, item, waves.len())?;
            }
            Err(error) => {
                recorded.row(&format!("encode.{item}"), Outcome::Failed(error.to_string()));
            }
        }
    }
    Ok(())
}

/// What the encoder makes of one item of a batch.
struct Encoded {
    /// Every stage of the padded item, flat.
    stages: HashMap<String, Vec<f32>>,
    /// Codes of the padded item, in one piece and in several.
    codes: Vec<i64>,
    codes_in_pieces: Vec<i64>,
    /// Codes of the item by itself.
    codes_alone: Vec<i64>,
}

impl Encoded {
    fn new(encoder: &CodecEncoder, wave: &[f32], longest: usize) -> Result<Self, EncoderError> {
        let mut padded = wave.to_vec();
        padded.resize(longest, 0.0);
        let mut stages = HashMap::new();
        let codes = encoder.encode_with(&padded, &mut |name, tensor| {
            stages.insert(format!("stage.{name}"), flat(tensor)?);
            Ok(())
        })?;
        let frames = encoder.frames(wave.len());
        let cut = |codes: &[Vec<u32>]| -> Vec<i64> {
            codes.iter().take(frames).flatten().map(|&code| i64::from(code)).collect()
        };
        Ok(Self {
            stages,
            codes: cut(&codes),
            codes_in_pieces: cut(&encoder.encode(&padded)?),
            codes_alone: cut(&encoder.encode(wave)?),
        })
    }
}

fn compare_codes(
    recorded: &mut Recorded,
    encoded: &Encoded,
    item: usize,
) -> Result<(), GoldenError> {
    let name = format!("codes.{item}");
    let expected = recorded.integers(&name)?;
    recorded.compare_integers(&name, &expected, &encoded.codes);
    let in_pieces = format!("{name} (in pieces)");
    recorded.compare_integers(&in_pieces, &expected, &encoded.codes_in_pieces);
    let name = format!("codes_alone.{item}");
    if recorded.has(&name) {
        let expected = recorded.integers(&name)?;
        recorded.compare_integers(&name, &expected, &encoded.codes_alone);
    }
    Ok(())
}

/// Compares the item's row of every recorded stage.
fn compare_stages(
    recorded: &mut Recorded,
    case: &Value,
    mut stages: HashMap<String, Vec<f32>>,
    item: usize,
    items: usize,
) -> Result<(), GoldenError> {
    let names = case["tensors"].as_object().into_iter().flat_map(|tensors| tensors.keys());
    for name in names.filter(|name| name.starts_with("stage.")) {
        let batch = recorded.floats(name)?;
        let row = batch.len() / items;
        let expected = &batch[item * row..(item + 1) * row];
        let actual = stages.remove(name).unwrap_or_default();
        recorded.compare(&format!("{name}.{item}"), expected, &actual);
    }
    Ok(())
}
