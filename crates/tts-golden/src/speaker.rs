//! Kind `speaker`: reference audio to an x-vector, stage by stage.

use candle_core::{Device, Result, Tensor};
use serde_json::Value;

use crate::error::GoldenError;
use crate::recorded::{Recorded, flat};
use crate::report::Outcome;
use crate::set::{GoldenSet, text};

pub(crate) fn run(
    set: &mut GoldenSet<'_>,
    case: &Value,
    recorded: &mut Recorded,
) -> std::result::Result<(), GoldenError> {
    let model = set.model(text(case, "checkpoint")?)?;
    let samples = recorded.floats("wav")?;
    let encoder = match model.speaker_encoder() {
        Ok(encoder) => encoder,
        Err(e) => {
            recorded.row("embedding", Outcome::Failed(e.to_string()));
            return Ok(());
        }
    };
    let mut stages = Vec::new();
    let mut keep = |name: &str, tensor: &Tensor| -> Result<()> {
        let stage = if name == "mel" { name.to_owned() } else { format!("stage.{name}") };
        stages.push((stage, flat(tensor)?));
        Ok(())
    };
    let embedding = match encoder.embed_with(&samples, &mut keep) {
        Ok(embedding) => embedding,
        Err(e) => {
            recorded.row("embedding", Outcome::Failed(e.to_string()));
            return Ok(());
        }
    };
    stages.push(("embedding".to_owned(), embedding));
    if recorded.has("mel_basis") {
        match encoder.mel().filterbank(&Device::Cpu).and_then(|filters| flat(&filters)) {
            Ok(filters) => stages.push(("mel_basis".to_owned(), filters)),
            Err(e) => recorded.row("mel_basis", Outcome::Failed(e.to_string())),
        }
    }
    for (name, actual) in stages {
        let expected = recorded.floats(&name)?;
        recorded.compare(&name, &expected, &actual);
    }
    Ok(())
}
