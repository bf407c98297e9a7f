//! `tokenizer.json`: everything in one file. Only the vocabulary is taken from
//! it; how text is normalised and split is a property of the model family.

use std::collections::HashMap;

use serde::Deserialize;
use tts_checkpoint::ModelFiles;

use super::{AddedTokenEntry, Vocabulary, parse, split_merge};
use crate::error::TextError;

pub(super) const TOKENIZER: &str = "tokenizer.json";

#[derive(Deserialize)]
struct TokenizerFile {
    model: Model,
    #[serde(default)]
    added_tokens: Vec<NumberedToken>,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: String,
    vocab: HashMap<String, u32>,
    merges: Vec<Merge>,
}

/// Newer files write a merge as a pair, older ones as one string.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Pair(String, String),
    Line(String),
}

#[derive(Deserialize)]
struct NumberedToken {
    id: u32,
    #[serde(flatten)]
    entry: AddedTokenEntry,
}

pub(super) fn read(files: &ModelFiles, content: &[u8]) -> Result<Vocabulary, TextError> {
    let path = files.path(TOKENIZER);
    let TokenizerFile { model, added_tokens } = parse(files, TOKENIZER, content)?;
    if model.kind != "BPE" {
        return Err(TextError::NotBpe { path, found: model.kind });
    }
    let merges = model
        .merges
        .into_iter()
        .enumerate()
        .map(|(index, merge)| match merge {
            Merge::Pair(left, right) => Ok((left, right)),
            Merge::Line(line) => split_merge(&line, index + 1, path.clone()),
        })
        .collect::<Result<_, _>>()?;
    let added = added_tokens
        .into_iter()
        .map(|token| token.entry.with_id(token.id, files, TOKENIZER))
        .collect::<Result<_, _>>()?;
    let vocabulary = Vocabulary { path: path.clone(), tokens: model.vocab, merges, added };
    vocabulary.check_merges(path)?;
    Ok(vocabulary)
}
