//! Tokenizer against configuration.

use std::path::Path;

use tts_checkpoint::ModelConfig;

use super::literals::LiteralSet;
use crate::error::TextError;

/// The role of the model in the templates; one token.
pub(super) const ASSISTANT: &str = "assistant";

/// The templates need the markers of a turn. The ids of the text channel have no
/// text form of their own, so files may lack them but not disagree.
pub(super) fn added_tokens(
    literals: &LiteralSet,
    path: &Path,
    config: &ModelConfig,
) -> Result<(), TextError> {
    let expected = [
        ("<|im_start|>", "im_start_token_id", config.im_start_token_id, true),
        ("<|im_end|>", "im_end_token_id", config.im_end_token_id, true),
        ("<tts_pad>", "tts_pad_token_id", config.tts_pad_token_id, false),
        ("<tts_text_bos>", "tts_bos_token_id", config.tts_bos_token_id, false),
        ("<tts_text_eod>", "tts_eos_token_id", config.tts_eos_token_id, false),
    ];
    for (token, field, expected, required) in expected {
        let found = literals.id(token);
        let agrees = found.map_or(!required, |id| id == expected);
        if !agrees {
            let found = Vec::from_iter(found);
            return Err(TextError::IdMismatch {
                path: path.to_owned(),
                token,
                found,
                expected,
                field,
            });
        }
    }
    Ok(())
}

/// The slices of the templates count on `assistant` being one token.
pub(super) fn assistant(found: &[u32], path: &Path, config: &ModelConfig) -> Result<(), TextError> {
    let &[id] = found else {
        return Err(TextError::NotOneToken {
            path: path.to_owned(),
            word: ASSISTANT,
            found: found.to_vec(),
        });
    };
    match config.assistant_token_id {
        Some(expected) if expected != id => Err(TextError::IdMismatch {
            path: path.to_owned(),
            token: ASSISTANT,
            found: vec![id],
            expected,
            field: "assistant_token_id",
        }),
        _ => Ok(()),
    }
}
