use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use candle_core::Device;
use serde_json::Value;
use tts::{Model, ModelFiles, Precision, SplitRule};

use crate::error::GoldenError;
use crate::recorded::Recorded;
use crate::report::{Outcome, Row};
use crate::{codec_decode, codec_encode, generate, resample, sampling, speaker, tokenizer};

/// What is compared with recorded results.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where models compute.
    pub device: Device,
    /// How. In f32 every stage is compared; else what does not depend on drawn tokens, under the
    /// bounds of the precision.
    pub precision: Precision,
}

impl Default for Target {
    /// The CPU, in f32.
    fn default() -> Self {
        Self { device: Device::Cpu, precision: Precision::F32 }
    }
}

/// A golden set: its directory and the models loaded so far.
pub(crate) struct GoldenSet<'a> {
    pub(crate) directory: PathBuf,
    pub(crate) target: &'a Target,
    models: HashMap<String, Rc<Model>>,
}

impl GoldenSet<'_> {
    /// The model of a checkpoint of the set.
    pub(crate) fn model(&mut self, checkpoint: &str) -> Result<Rc<Model>, GoldenError> {
        if let Some(model) = self.models.get(checkpoint) {
            return Ok(model.clone());
        }
        let path = self.directory.join("checkpoints").join(checkpoint);
        let Target { device, precision } = self.target;
        let model = ModelFiles::open(&path)
            .map_err(Into::into)
            .and_then(|files| Model::load_with(files, device, *precision, SplitRule::default()));
        let model = model.map_err(|e| GoldenError::File { path, problem: e.to_string() })?;
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

/// Runs all cases of a set, or one.
///
/// # Errors
/// If the set itself is unreadable.
pub fn run_set(
    directory: &Path,
    target: &Target,
    only: Option<&str>,
) -> Result<Vec<Row>, GoldenError> {
    let manifest = read_json(&directory.join("manifest.json"))?;
    let mut set = GoldenSet { directory: directory.to_owned(), target, models: HashMap::new() };
    let mut rows = if only.is_none() { tokenizer::run(directory)? } else { Vec::new() };
    let Some(cases) = manifest["cases"].as_array() else {
        return Err(GoldenError::File {
            path: directory.join("manifest.json"),
            problem: "no list of cases".to_owned(),
        });
    };
    for case in cases.iter().filter(|case| only.is_none_or(|only| case["id"] == only)) {
        rows.extend(run_case(&mut set, case)?);
    }
    Ok(rows)
}

fn run_case(set: &mut GoldenSet<'_>, case: &Value) -> Result<Vec<Row>, GoldenError> {
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
    let mut recorded = Recorded::load(&set.directory, id, set.target.precision)?;
    run(set, case, &mut recorded)?;
    Ok(recorded.rows)
}
