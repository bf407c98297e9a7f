use tts_checkpoint::ModelConfig;

use super::head::head;
use super::layout::{continued, text_only};
use super::texts::Texts;
use super::{Prompt, PromptRequest};
use crate::error::{TextError, TextPart};
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
    let voice = speaker::resolve(config, request.speaker)?;
    let language = language::resolve(config, request.language, voice.dialect)?;
    let Texts { text, instruct, transcript, warnings } = Texts::encode(tokenizer, config, request)?;

    let mut positions = head(
        config,
        instruct.as_deref().unwrap_or_default(),
        text.role(),
        language.map(|(_, id)| id),
        voice.slot,
    );
    let body = text.body();
    if body.is_empty() {
        return Err(TextError::Empty { part: TextPart::Text });
    }
    let tail = match (&transcript, request.reference) {
        (Some(transcript), Some(reference)) => {
            continued(config, request.layout, transcript.body(), body, reference.frames)
        }
        _ => text_only(config, request.layout, body),
    };
    positions.extend(tail.positions);

    let limit = config.talker_config.max_position_embeddings;
    let needed = positions.len() + tail.trailing.len();
    if needed > limit {
        return Err(TextError::PromptTooLong { positions: needed, limit });
    }
    Ok(Prompt {
        positions,
        trailing: tail.trailing,
        text_ids: text.ids,
        instruct_ids: instruct,
        reference_ids: transcript.map(|transcript| transcript.ids),
        language: language.map(|(name, _)| name.to_owned()),
        warnings,
    })
}
