//! The form of the released checkpoints: one file each for tokens, merges and
//! added tokens.

use std::collections::BTreeMap;

use serde::Deserialize;
use tts_checkpoint::ModelFiles;

use super::{AddedTokenEntry, Vocabulary, parse, split_merge};
use crate::error::TextError;

pub(super) const VOCAB: &str = "vocab.json";
const MERGES: &str = "merges.txt";
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";

#[derive(Deserialize)]
struct TokenizerConfig {
    added_tokens_decoder: BTreeMap<u32, AddedTokenEntry>,
}

pub(super) fn read(files: &ModelFiles, tokens: &[u8]) -> Result<Vocabulary, TextError> {
    let tokens = parse(files, VOCAB, tokens)?;
    let merges = files.read_required(MERGES)?;
    let merges = std::str::from_utf8(&merges)
        .map_err(|source| TextError::NotUtf8 { path: files.path(MERGES), source })?;
    let merges = merges
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("#version"))
        .enumerate()
        .map(|(index, line)| split_merge(line, index + 1, files.path(MERGES)))
        .collect::<Result<_, _>>()?;
    let config: TokenizerConfig =
        parse(files, TOKENIZER_CONFIG, &files.read_required(TOKENIZER_CONFIG)?)?;
    let added = config
        .added_tokens_decoder
        .into_iter()
        .map(|(id, entry)| entry.with_id(id, files, TOKENIZER_CONFIG))
        .collect::<Result<_, _>>()?;
    let vocabulary = Vocabulary { path: files.path(VOCAB), tokens, merges, added };
    vocabulary.check_merges(files.path(MERGES))?;
    Ok(vocabulary)
}
