use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use candle_core::Device;
use serde_json::Value;
use tts::Model;

use crate::error::GoldenError;
use crate::recorded::Recorded;
use crate::report::{Outcome, Row};
use crate::{codec_decode, codec_encode, generate, resample, sampling, speaker, tokenizer};

/// A golden set: its directory and the models loaded so far.
pub(crate) struct GoldenSet {
    pub(crate) directory: PathBuf,
    models: HashMap<String, Rc<Model>>,
}

impl GoldenSet {
    /// The model of a checkpoint of the set.
    pub(crate) fn model(&mut self, checkpoint: &str) -> Result<Rc<Model>, GoldenError> {
        if let Some(model) = self.models.get(checkpoint) {
            return Ok(model.clone());
        }
        let path = self.directory.join("checkpoints").join(checkpoint);
        let model = Model::from_pretrained(&path, &Device::Cpu)
            .map_err(|e| GoldenError::File { path, problem: e.to_string() })?;
        let model = Rc::new(model);
        self.models.insert(checkpoint.to_owned(), model.clone());
        Ok(model)
    }
}

/// A field of a case in the manifest.
pub(crate) fn text<'a>(case: &'a Value, field: &str) -> Result<&'a str, GoldenError> {
    case[field].as_str().ok_or_else(|| GoldenError::Case {
        case: case["id"].as_str().unwrap_or("?").to_owned(),
        problem: format!("no field {field}"),
    })
}

pub(crate) fn read_json(path: &Path) -> Result<Value, GoldenError> {
    let file = |problem: String| GoldenError::File { path: path.to_owned(), problem };
    let content = std::fs::read(path).map_err(|e| file(e.to_string()))?;
    serde_json::from_slice(&content).map_err(|e| file(e.to_string()))
}

/// Runs all cases of a set.
///
/// # Errors
/// If the set itself is unreadable.
pub fn run_set(directory: &Path) -> Result<Vec<Row>, GoldenError> {
    let manifest = read_json(&directory.join("manifest.json"))?;
    let mut set = GoldenSet { directory: directory.to_owned(), models: HashMap::new() };
    let mut rows = tokenizer::run(directory)?;
    let Some(cases) = manifest["cases"].as_array() else {
        return Err(GoldenError::File {
            path: directory.join("manifest.json"),
            problem: "no list of cases".to_owned(),
        });
    };
    for case in cases {
        rows.extend(run_case(&mut set, case)?);
    }
    Ok(rows)
}

fn run_case(set: &mut GoldenSet, case: &Value) -> Result<Vec<Row>, GoldenError> {
    let (id, kind) = (text(case, "id")?, text(case, "kind")?);
    let run = match kind {
        "generate" => generate::run,
        "codec_decode" => codec_decode::run,
        "codec_encode" => codec_encode::run,
        "resample" => resample::run,
        "speaker" => speaker::run,
        "sampling" => sampling::run,
        _ => {
            let (case, stage) = (id.to_owned(), kind.to_owned());
            return Ok(vec![Row { case, stage, outcome: Outcome::NotSupported }]);
        }
    };
    let mut recorded = Recorded::load(&set.directory, id)?;
    run(set, case, &mut recorded)?;
    Ok(recorded.rows)
}
