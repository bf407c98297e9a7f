mod combined;
mod separate;

use std::collections::HashMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokenizers::models::bpe::Merges;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tts_checkpoint::ModelFiles;

use crate::error::TextError;

/// What the tokenizer files say, whichever form they have.
///
/// The checks here keep the tokenizer library from failing later: it drops bytes
/// that have no symbol without a word and panics on merges that make no token.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    /// The file with the tokens.
    pub(crate) path: PathBuf,
    /// Ordinary tokens and their ids.
    pub(crate) tokens: HashMap<String, u32>,
    /// Merge rules, strongest first.
    pub(crate) merges: Merges,
    /// Added tokens: literals that stand for one id.
    pub(crate) added: Vec<AddedToken>,
}

/// One added token.
#[derive(Debug)]
pub(crate) struct AddedToken {
    pub(crate) content: String,
    pub(crate) id: u32,
}

/// How an added token is matched, in either form of the files.
#[derive(Debug, Deserialize)]
struct AddedTokenEntry {
    content: String,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    single_word: bool,
}

impl Vocabulary {
    pub(crate) fn read(files: &ModelFiles) -> Result<Self, TextError> {
        if let Some(tokens) = files.read(separate::VOCAB)? {
            return separate::read(files, &tokens);
        }
        match files.read(combined::TOKENIZER)? {
            Some(content) => combined::read(files, &content),
            None => Err(TextError::NoTokenizer {
                separate: files.path(separate::VOCAB),
                combined: files.path(combined::TOKENIZER),
            }),
        }
    }

    /// Every id has a row in the text embedding.
    pub(crate) fn check_ids(&self, rows: usize) -> Result<(), TextError> {
        let added = self.added.iter().map(|token| (&token.content, token.id));
        let all = self.tokens.iter().map(|(token, &id)| (token, id)).chain(added);
        match all.max_by_key(|&(_, id)| id) {
            Some((token, id)) if id as usize >= rows => Err(TextError::IdOutOfRange {
                path: self.path.clone(),
                token: token.clone(),
                id,
                rows,
            }),
            _ => Ok(()),
        }
    }

    /// Every byte can be encoded.
    pub(crate) fn check_bytes(&self) -> Result<(), TextError> {
        let is_missing = |symbol: &char| !self.tokens.contains_key(symbol.to_string().as_str());
        let missing: Vec<char> = ByteLevel::alphabet().into_iter().filter(is_missing).collect();
        match missing.iter().min() {
            None => Ok(()),
            Some(&first) => Err(TextError::ByteSymbols {
                path: self.path.clone(),
                missing: missing.len(),
                first,
            }),
        }
    }

    /// Both sides and the result of every merge are tokens. `path` is the file
    /// with the merges.
    fn check_merges(&self, path: PathBuf) -> Result<(), TextError> {
        for (index, (left, right)) in self.merges.iter().enumerate() {
            let joined = format!("{left}{right}");
            for token in [left, right, &joined] {
                if !self.tokens.contains_key(token) {
                    return Err(TextError::Merge {
                        path,
                        number: index + 1,
                        rule: format!("{left} {right}"),
                        problem: format!("{token:?} is not in the vocabulary"),
                    });
                }
            }
        }
        Ok(())
    }
}

impl AddedTokenEntry {
    fn with_id(self, id: u32, files: &ModelFiles, file: &str) -> Result<AddedToken, TextError> {
        let problem = if self.content.is_empty() {
            "expected some content"
        } else if self.lstrip || self.rstrip || self.single_word {
            "expected `lstrip`, `rstrip` and `single_word` to be false, as in the released files"
        } else {
            return Ok(AddedToken { content: self.content, id });
        };
        Err(TextError::AddedToken {
            path: files.path(file),
            token: self.content,
            problem: problem.to_owned(),
        })
    }
}

fn parse<T: DeserializeOwned>(
    files: &ModelFiles,
    file: &str,
    content: &[u8],
) -> Result<T, TextError> {
    serde_json::from_slice(content)
        .map_err(|source| TextError::Json { path: files.path(file), source })
}

/// Splits a rule of the form `left right`.
fn split_merge(rule: &str, number: usize, path: PathBuf) -> Result<(String, String), TextError> {
    match rule.split_once(' ') {
        Some((left, right)) if !right.contains(' ') => Ok((left.to_owned(), right.to_owned())),
        _ => Err(TextError::Merge {
            path,
            number,
            rule: rule.to_owned(),
            problem: "expected two tokens with one space between them".to_owned(),
        }),
    }
}
