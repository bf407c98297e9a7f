//! `tokenizer.json` of a set: texts and their ids under both splitting rules.

use std::path::Path;

use serde_json::Value;
use tts_checkpoint::{Checkpoint, ModelFiles};
use tts_text::{Literals, SplitRule, Tokenizer};

use crate::error::GoldenError;
use crate::report::{Outcome, Row};
use crate::set::{read_json, text};

pub(crate) fn run(directory: &Path) -> Result<Vec<Row>, GoldenError> {
    let path = directory.join("tokenizer.json");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let set = read_json(&path)?;
    let vocabulary = directory.join(text(&set, "vocabulary")?);
    let file = |problem: String| GoldenError::File { path: vocabulary.clone(), problem };
    let files = ModelFiles::directory(&vocabulary).map_err(|e| file(e.to_string()))?;
    let checkpoint = Checkpoint::open(files).map_err(|e| file(e.to_string()))?;
    let load = |rule| {
        Tokenizer::load(&checkpoint.files, &checkpoint.config, rule)
            .map_err(|e| file(e.to_string()))
    };
    let (released, local) = (load(SplitRule::Qwen2)?, load(SplitRule::Tekken)?);
    let mut rows = Vec::new();
    for item in set["items"].as_array().into_iter().flatten() {
        let string = text(item, "text")?;
        let local_ids = if item["ids_reference_local_dir"].is_array() {
            &item["ids_reference_local_dir"]
        } else {
            &item["ids"]
        };
        for (tokenizer, rule, ids) in
            [(&released, "qwen2", &item["ids"]), (&local, "tekken", local_ids)]
        {
            let outcome = match tokenizer.encode(string, Literals::Special) {
                Ok(actual) => Outcome::Equal(expected(ids) == actual),
                Err(error) => Outcome::Failed(error.to_string()),
            };
            let start: String = string.escape_debug().take(16).collect();
            rows.push(Row {
                case: "tokenizer".to_owned(),
                stage: format!("{rule} {start}"),
                outcome,
            });
        }
    }
    Ok(rows)
}

fn expected(ids: &Value) -> Vec<u32> {
    let ids = ids.as_array().into_iter().flatten();
    ids.map(|id| id.as_u64().unwrap_or(u64::MAX) as u32).collect()
}
