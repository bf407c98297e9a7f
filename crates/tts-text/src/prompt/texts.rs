//! The texts of a request, bounded and tokenised.

use tts_checkpoint::{ModelConfig, ModelKind};

use super::{PromptRequest, PromptWarning, Reference, TextOptions};
use crate::error::{TextError, TextPart};
use crate::template::{Wrapped, instruct_ids};
use crate::tokenizer::Tokenizer;

/// The longest text, instruction or transcript in bytes. More than the model
/// could speak in its positions, and little enough to be tokenised at once.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

/// The templates around a text.
pub(super) struct Texts<'a> {
    reader: Reader<'a>,
    pub(super) instruct: Option<Vec<u32>>,
    pub(super) transcript: Option<Wrapped>,
    pub(super) warnings: Vec<PromptWarning>,
}

impl<'a> Texts<'a> {
    pub(super) fn encode(
        tokenizer: &'a Tokenizer,
        config: &ModelConfig,
        request: &PromptRequest<'_>,
    ) -> Result<Self, TextError> {
        let reader = Reader {
            tokenizer,
            options: request.options,
            most_tokens: config.talker_config.max_position_embeddings,
        };
        let mut warnings = Vec::new();
        let instruct = reader.instruct(config, request.instruct, &mut warnings)?;
        let transcript = match request.reference {
            Some(reference) => Some(reader.transcript(config.tts_model_type, reference)?),
            None => None,
        };
        Ok(Self { reader, instruct, transcript, warnings })
    }

    /// The text itself in its template.
    pub(super) fn text(&self, text: &str) -> Result<Wrapped, TextError> {
        self.reader.text(text)
    }
}

struct Reader<'a> {
    tokenizer: &'a Tokenizer,
    options: TextOptions,
    most_tokens: usize,
}

impl Reader<'_> {
    fn text(&self, text: &str) -> Result<Wrapped, TextError> {
        let part = TextPart::Text;
        let text = self.not_blank(text, part)?;
        let wrapped = Wrapped::text(self.tokenizer, text, self.options.literals)?;
        self.not_long(wrapped.body(), part)?;
        Ok(wrapped)
    }

    fn instruct(
        &self,
        config: &ModelConfig,
        instruct: Option<&str>,
        warnings: &mut Vec<PromptWarning>,
    ) -> Result<Option<Vec<u32>>, TextError> {
        let part = TextPart::Instruct;
        let instruct = self.bounded(instruct.unwrap_or_default(), part)?;
        if instruct.is_empty() {
            return Ok(None);
        }
        let kind = config.tts_model_type;
        if kind == ModelKind::Base {
            return Err(TextError::InstructNotSupported { kind: kind.name() });
        }
        if config.drops_instruct() {
            warnings.push(PromptWarning::InstructDropped);
            return Ok(None);
        }
        let ids = instruct_ids(self.tokenizer, instruct, self.options.literals)?;
        self.not_long(&ids, part)?;
        Ok(Some(ids))
    }

    fn transcript(&self, kind: ModelKind, reference: Reference<'_>) -> Result<Wrapped, TextError> {
        if kind != ModelKind::Base {
            return Err(TextError::NoCloning { kind: kind.name() });
        }
        match reference.frames {
            0 => return Err(TextError::NoReferenceFrames),
            frames if frames > self.most_tokens => {
                return Err(TextError::PromptTooLong {
                    positions: frames,
                    limit: self.most_tokens,
                });
            }
            _ => {}
        }
        let part = TextPart::Transcript;
        let transcript = self.not_blank(reference.transcript, part)?;
        let wrapped = Wrapped::transcript(self.tokenizer, transcript, self.options.literals)?;
        self.not_long(wrapped.body(), part)?;
        Ok(wrapped)
    }

    fn not_blank<'t>(&self, text: &'t str, part: TextPart) -> Result<&'t str, TextError> {
        let text = self.bounded(text, part)?;
        if text.trim().is_empty() { Err(TextError::Empty { part }) } else { Ok(text) }
    }

    fn bounded<'t>(&self, text: &'t str, part: TextPart) -> Result<&'t str, TextError> {
        let text = if self.options.trim { text.trim() } else { text };
        within(text.len(), MAX_TEXT_BYTES, "bytes", part)?;
        Ok(text)
    }

    fn not_long(&self, ids: &[u32], part: TextPart) -> Result<(), TextError> {
        within(ids.len(), self.most_tokens, "tokens", part)
    }
}

fn within(size: usize, limit: usize, unit: &'static str, part: TextPart) -> Result<(), TextError> {
    if size <= limit { Ok(()) } else { Err(TextError::TextTooLong { part, size, unit, limit }) }
}
