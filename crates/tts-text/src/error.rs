use std::fmt;
use std::path::PathBuf;

use tts_checkpoint::CheckpointError;

/// Why a tokenizer could not be loaded or a prompt not be built.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// A file could not be read.
    #[error(transparent)]
    File(#[from] CheckpointError),
    /// Neither form of the tokenizer is there.
    #[error("no tokenizer: found neither {separate} nor {combined}")]
    NoTokenizer {
        /// The vocabulary of the released checkpoints.
        separate: PathBuf,
        /// The single file that may stand in for it.
        combined: PathBuf,
    },
    /// A JSON file is malformed, lacks a field or has one of the wrong type.
    #[error("{path}: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        source: serde_json::Error,
    },
    /// A text file is not UTF-8.
    #[error("{path}: not UTF-8: {source}")]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Where it stops being UTF-8.
        source: std::str::Utf8Error,
    },
    /// The tokenizer is not a byte-level BPE.
    #[error("{path}: the model is {found:?}; expected \"BPE\"")]
    NotBpe {
        /// The file.
        path: PathBuf,
        /// `model.type`.
        found: String,
    },
    /// A merge rule cannot be applied.
    #[error("{path}: merge rule {number}, {rule:?}: {problem}")]
    Merge {
        /// The file.
        path: PathBuf,
        /// Its number, counted from 1; comment and empty lines do not count.
        number: usize,
        /// The rule.
        rule: String,
        /// What was expected.
        problem: String,
    },
    /// An added token cannot be used.
    #[error("{path}: added token {token:?}: {problem}")]
    AddedToken {
        /// The file.
        path: PathBuf,
        /// Its content.
        token: String,
        /// What was expected.
        problem: String,
    },
    /// Some text could not be encoded, because the symbols of its bytes are not
    /// in the vocabulary.
    #[error("{path}: {missing} of the 256 byte symbols are missing, {first:?} is the first")]
    ByteSymbols {
        /// The file.
        path: PathBuf,
        /// How many.
        missing: usize,
        /// The lowest of them.
        first: char,
    },
    /// The vocabulary is larger than the embedding table of the model.
    #[error("{path}: token {token:?} has id {id}; expected less than `text_vocab_size` = {rows}")]
    IdOutOfRange {
        /// The file.
        path: PathBuf,
        /// The token.
        token: String,
        /// Its id.
        id: u32,
        /// Rows of the table.
        rows: usize,
    },
    /// Tokenizer and configuration belong to different models.
    #[error("{path}: {token:?} is {found:?}; expected id {expected}, `{field}` of config.json")]
    IdMismatch {
        /// The file of the tokenizer.
        path: PathBuf,
        /// The token.
        token: &'static str,
        /// Its ids.
        found: Vec<u32>,
        /// The id in the configuration.
        expected: u32,
        /// The field of the configuration.
        field: &'static str,
    },
    /// The header of the template has to be three tokens long.
    #[error("{path}: {word:?} is {found:?}; expected a single id")]
    NotOneToken {
        /// The file of the tokenizer.
        path: PathBuf,
        /// The word.
        word: &'static str,
        /// Its ids.
        found: Vec<u32>,
    },
    /// The tokenizer library failed.
    #[error("tokenizer: {source}")]
    Library {
        /// What it said.
        source: tokenizers::Error,
    },
    /// There is nothing to say.
    #[error("the {part} is empty or blank")]
    Empty {
        /// Which text.
        part: TextPart,
    },
    /// A text is longer than this engine accepts.
    #[error("the {part} is {size} {unit} long; at most {limit} are possible")]
    TextTooLong {
        /// Which text.
        part: TextPart,
        /// Its length.
        size: usize,
        /// What the length counts: `bytes` or `tokens`.
        unit: &'static str,
        /// The largest possible length.
        limit: usize,
    },
    /// The prompt and the text that trails it do not fit into the positions of
    /// the model.
    #[error("the prompt and the text behind it take {positions} positions; the model has {limit}")]
    PromptTooLong {
        /// Positions needed.
        positions: usize,
        /// `max_position_embeddings`.
        limit: usize,
    },
    /// The model does not speak this language.
    #[error("unknown language {found:?}; supported: {}", supported.join(", "))]
    UnknownLanguage {
        /// The language asked for.
        found: String,
        /// Every possible name.
        supported: Vec<String>,
    },
    /// The model has built-in speakers, but not this one.
    #[error("unknown speaker {found:?}; supported: {}", supported.join(", "))]
    UnknownSpeaker {
        /// The speaker asked for.
        found: String,
        /// Every possible name.
        supported: Vec<String>,
    },
    /// A speaker was named and the kind of model has none.
    #[error("speaker {found:?}: a {kind} model has no built-in speakers; use a custom_voice model")]
    NoBuiltInSpeakers {
        /// The speaker asked for.
        found: String,
        /// `tts_model_type`.
        kind: &'static str,
    },
    /// A voice was to be cloned and the kind of model cannot.
    #[error("a {kind} model does not clone voices; use a base model")]
    NoCloning {
        /// `tts_model_type`.
        kind: &'static str,
    },
    /// The kind of model speaks only with a cloned voice.
    #[error("a base model needs a reference voice; expected reference audio")]
    NeedsReferenceVoice,
    /// The reference audio has no frames.
    #[error("the reference audio has 0 frames; expected at least 1")]
    NoReferenceFrames,
    /// The kind of model takes no instruction.
    #[error("a {kind} model takes no instruction; use a custom_voice or voice_design model")]
    InstructNotSupported {
        /// `tts_model_type`.
        kind: &'static str,
    },
}

/// Which text of a request an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextPart {
    /// The text to speak.
    Text,
    /// The instruction or the description of the voice.
    Instruct,
    /// The transcript of the reference audio.
    Transcript,
}

impl fmt::Display for TextPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Instruct => "instruction",
            Self::Transcript => "transcript of the reference",
        })
    }
}
