mod check;
mod literals;

use std::path::Path;

use tokenizers::SplitDelimiterBehavior::Isolated;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tts_checkpoint::{ModelConfig, ModelFiles};

use self::literals::{LiteralSet, Piece};
use crate::error::TextError;
use crate::split_rule::SplitRule;
use crate::vocabulary::Vocabulary;

/// What literals of added tokens, such as `<|im_end|>`, mean inside a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Literals {
    /// Nothing: they are ordinary characters, so no text can end its own turn.
    #[default]
    Neutralised,
    /// The added token, as in the reference implementation.
    Special,
}

/// The byte-level BPE of the text vocabulary (`docs/model.md`, section 1.5).
#[derive(Debug)]
pub struct Tokenizer {
    /// Knows no added tokens: they are split out beforehand, or not at all.
    plain: tokenizers::Tokenizer,
    /// The splitting rule alone.
    split: Split,
    literals: LiteralSet,
    im_start: u32,
    im_end: u32,
}

impl Tokenizer {
    /// Reads `vocab.json`, `merges.txt` and `tokenizer_config.json`, or
    /// `tokenizer.json` where there is no `vocab.json`.
    ///
    /// # Errors
    /// If a file is missing or malformed, if some byte could not be encoded, or
    /// if the ids are not those of `config`.
    pub fn load(
        files: &ModelFiles,
        config: &ModelConfig,
        rule: SplitRule,
    ) -> Result<Self, TextError> {
        let vocabulary = Vocabulary::read(files)?;
        vocabulary.check_bytes()?;
        vocabulary.check_ids(config.talker_config.text_vocab_size)?;
        let Vocabulary { path, tokens, merges, added } = vocabulary;
        let bpe = BPE::builder()
            .vocab_and_merges(tokens.into_iter().collect::<Vocab>(), merges)
            .build()
            .map_err(library)?;
        let split = Split::new(SplitPattern::Regex(rule.regex().to_owned()), Isolated, false)
            .map_err(library)?;
        let tokenizer = Self {
            plain: pipeline(bpe, split.clone()).map_err(library)?,
            split,
            literals: LiteralSet::new(added),
            im_start: config.im_start_token_id,
            im_end: config.im_end_token_id,
        };
        tokenizer.check(&path, config)?;
        Ok(tokenizer)
    }

    /// The ids of a text. Nothing is added around it.
    ///
    /// # Errors
    /// [`TextError::Library`] if the splitting rule runs out of its bounds.
    pub fn encode(&self, text: &str, literals: Literals) -> Result<Vec<u32>, TextError> {
        if literals == Literals::Neutralised {
            return self.encode_plain(text);
        }
        let mut ids = Vec::new();
        for piece in self.literals.split(text) {
            match piece {
                Piece::Text(text) => ids.extend(self.encode_plain(text)?),
                Piece::Added(id) => ids.push(id),
            }
        }
        Ok(ids)
    }

    /// The id that opens a turn.
    pub(crate) fn im_start(&self) -> u32 {
        self.im_start
    }

    /// The id that closes a turn.
    pub(crate) fn im_end(&self) -> u32 {
        self.im_end
    }

    /// The rule that cuts a text into pieces before BPE.
    pub(crate) fn split(&self) -> &Split {
        &self.split
    }

    fn encode_plain(&self, text: &str) -> Result<Vec<u32>, TextError> {
        let encoding = self.plain.encode_fast(text, false).map_err(library)?;
        Ok(encoding.get_ids().to_vec())
    }

    fn check(&self, path: &Path, config: &ModelConfig) -> Result<(), TextError> {
        check::added_tokens(&self.literals, path, config)?;
        check::assistant(&self.encode_plain(check::ASSISTANT)?, path, config)
    }
}

fn pipeline(bpe: BPE, split: Split) -> Result<tokenizers::Tokenizer, tokenizers::Error> {
    let bytes = ByteLevel::default().add_prefix_space(false).use_regex(false);
    let steps = vec![PreTokenizerWrapper::from(split), PreTokenizerWrapper::from(bytes)];
    let mut tokenizer = tokenizers::Tokenizer::new(bpe);
    tokenizer.with_normalizer(Some(NFC))?;
    tokenizer.with_pre_tokenizer(Some(Sequence::new(steps)));
    Ok(tokenizer)
}

pub(crate) fn library(source: tokenizers::Error) -> TextError {
    TextError::Library { source }
}
