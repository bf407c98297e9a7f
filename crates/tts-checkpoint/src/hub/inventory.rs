//! Which files of a repository make up a model (`docs/model.md`, section 1).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::HubError;
use super::names::is_file_name;

/// Sampling defaults; a model works without them.
pub(super) const GENERATION_CONFIG: &str = "generation_config.json";

/// The engine does not read these. The official package does, perhaps from the
/// same cache.
const FOR_OTHERS: [&str; 2] =
    ["preprocessor_config.json", "speech_tokenizer/preprocessor_config.json"];

const SHARD_INDEX: &str = "model.safetensors.index.json";

/// The files of a model that a place has and lacks, paths with `/`. Shards are
/// not among them: their names are known once the index has been read.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    pub(super) present: Vec<String>,
    pub(super) missing: Vec<String>,
}

impl Inventory {
    /// Asks the place `has` for every file of a model.
    pub(super) fn take(has: impl Fn(&str) -> bool) -> Self {
        let mut inventory = Self::default();
        let mut require = |file: String| {
            let list = if has(&file) { &mut inventory.present } else { &mut inventory.missing };
            list.push(file);
        };
        require("config.json".to_owned());
        for file in [GENERATION_CONFIG].into_iter().chain(FOR_OTHERS) {
            if has(file) {
                require(file.to_owned());
            }
        }
        if has("tokenizer.json") && !has("vocab.json") {
            require("tokenizer.json".to_owned());
        } else {
            for file in ["vocab.json", "merges.txt", "tokenizer_config.json"] {
                require(file.to_owned());
            }
        }
        require("speech_tokenizer/config.json".to_owned());
        for directory in ["", "speech_tokenizer/"] {
            let single = format!("{directory}model.safetensors");
            let index = format!("{directory}{SHARD_INDEX}");
            require(if has(&index) && !has(&single) { index } else { single });
        }
        inventory
    }

    /// The indices of shards among the files that are present.
    pub(super) fn shard_indices(&self) -> Vec<String> {
        self.present.iter().filter(|file| file.ends_with(SHARD_INDEX)).cloned().collect()
    }
}

#[derive(Deserialize)]
struct ShardIndex {
    weight_map: BTreeMap<String, String>,
}

/// The shards that the index `file` in the directory `snapshot` lists.
pub(super) fn shards(snapshot: &Path, file: &str) -> Result<Vec<String>, HubError> {
    let path = snapshot.join(file);
    let malformed = |problem| HubError::ShardIndex { path: path.clone(), problem };
    let content = std::fs::read(&path).map_err(|source| HubError::cache(&path, source))?;
    let index: ShardIndex =
        serde_json::from_slice(&content).map_err(|error| malformed(error.to_string()))?;
    let names: BTreeSet<String> = index.weight_map.into_values().collect();
    if let Some(name) = names.iter().find(|name| !is_file_name(name)) {
        return Err(malformed(format!("{name:?} is not the name of a file beside it")));
    }
    let directory = file.strip_suffix(SHARD_INDEX).unwrap_or_default();
    Ok(names.into_iter().map(|name| format!("{directory}{name}")).collect())
}
