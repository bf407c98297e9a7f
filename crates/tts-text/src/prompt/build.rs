use tts_checkpoint::ModelConfig;

use super::head::head;
use super::layout::{Tail, continued, text_only};
use super::texts::Texts;
use super::{Layout, Position, Prompt, PromptRequest, PromptWarning};
use crate::error::{TextError, TextPart};
use crate::template::{Wrapped, role_ids};
use crate::tokenizer::Tokenizer;
use crate::{language, speaker};

/// The prompt of a request (`docs/model.md`, section 5).
///
/// # Errors
/// If the kind of model cannot do what is asked, a name is unknown, a text is
/// blank or the whole does not fit into the positions of the model.
pub fn build_prompt(
    tokenizer: &Tokenizer,
    config: &ModelConfig,
    request: &PromptRequest<'_>,
) -> Result<Prompt, TextError> {
    let texts = Texts::encode(tokenizer, config, request)?;
    let text = texts.text(request.text)?;
    let open = OpenPrompt::new(config, request, text.role(), &texts)?;
    if text.body().is_empty() {
        return Err(TextError::Empty { part: TextPart::Text });
    }
    let prompt = open.with_text(config, text.body(), true)?;
    Ok(Prompt { text_ids: text.ids, ..prompt })
}

/// A prompt whose text is still to come, in the streaming layout; the text of the
/// request is not looked at.
///
/// # Errors
/// As [`build_prompt`].
pub fn open_prompt(
    tokenizer: &Tokenizer,
    config: &ModelConfig,
    request: &PromptRequest<'_>,
) -> Result<OpenPrompt, TextError> {
    let texts = Texts::encode(tokenizer, config, request)?;
    let request = PromptRequest { layout: Layout::Streaming, ..*request };
    OpenPrompt::new(config, &request, &role_ids(tokenizer)?, &texts)
}

/// Everything of a prompt but its text.
#[derive(Debug, Clone)]
pub struct OpenPrompt {
    head: Vec<Position>,
    layout: Layout,
    /// Transcript and length in frames of the reference audio.
    reference: Option<(Wrapped, usize)>,
    instruct_ids: Option<Vec<u32>>,
    language: Option<String>,
    warnings: Vec<PromptWarning>,
}

impl OpenPrompt {
    fn new(
        config: &ModelConfig,
        request: &PromptRequest<'_>,
        role: &[u32],
        texts: &Texts<'_>,
    ) -> Result<Self, TextError> {
        let voice = speaker::resolve(config, request.speaker)?;
        let language = language::resolve(config, request.language, voice.dialect)?;
        let instruct = texts.instruct.as_deref().unwrap_or_default();
        let transcript = texts.transcript.clone();
        Ok(Self {
            head: head(config, instruct, role, language.map(|(_, id)| id), voice.slot),
            layout: request.layout,
            reference: transcript.zip(request.reference.map(|reference| reference.frames)),
            instruct_ids: texts.instruct.clone(),
            language: language.map(|(name, _)| name.to_owned()),
            warnings: texts.warnings.clone(),
        })
    }

    /// Ids of text that the streaming layout needs before the model can begin.
    pub fn text_needed(&self) -> usize {
        match &self.reference {
            // One position for the start of codes and one for every frame.
            Some((transcript, frames)) => {
                (frames + 1).saturating_sub(transcript.body().len()).max(1)
            }
            None => 1,
        }
    }

    /// The prompt with the first ids of the text, or all of them. The end of text
    /// follows only if the text is complete.
    ///
    /// # Errors
    /// If the whole does not fit into the positions of the model.
    pub fn with_text(
        &self,
        config: &ModelConfig,
        ids: &[u32],
        complete: bool,
    ) -> Result<Prompt, TextError> {
        let Tail { positions: tail, trailing } = match &self.reference {
            Some((transcript, frames)) => {
                continued(config, self.layout, transcript.body(), (ids, complete), *frames)
            }
            None => text_only(config, self.layout, (ids, complete)),
        };
        let positions = [self.head.as_slice(), &tail].concat();
        let limit = config.talker_config.max_position_embeddings;
        let needed = positions.len() + trailing.len();
        if needed > limit {
            return Err(TextError::PromptTooLong { positions: needed, limit });
        }
        let transcript = match &self.reference {
            // Side by side with the frames, as far as they go.
            Some((transcript, frames)) if self.layout == Layout::Streaming => {
                transcript.body().len().min(frames + 1)
            }
            Some((transcript, _)) => transcript.body().len(),
            None => 0,
        };
        Ok(Prompt {
            positions,
            head: self.head.len() + transcript,
            trailing,
            complete,
            text_tokens: ids.len(),
            text_ids: ids.to_vec(),
            instruct_ids: self.instruct_ids.clone(),
            reference_ids: self.reference.as_ref().map(|(transcript, _)| transcript.ids.clone()),
            language: self.language.clone(),
            warnings: self.warnings.clone(),
        })
    }
}
