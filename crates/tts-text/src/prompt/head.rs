use tts_checkpoint::ModelConfig;

use super::{CodecInput, Position};

/// What all modes have in common (`docs/model.md`, sections 5.2 and 5.3):
/// instruction, role, language tag, speaker slot, start of text. The start of
/// codes follows in the mode's own part.
pub(super) fn head(
    config: &ModelConfig,
    instruct: &[u32],
    role: &[u32],
    language: Option<u32>,
    speaker: Option<CodecInput>,
) -> Vec<Position> {
    let talker = &config.talker_config;
    let text_only = instruct.iter().chain(role);
    let mut positions: Vec<_> =
        text_only.map(|&text| Position { text: Some(text), codec: CodecInput::None }).collect();

    let tag = match language {
        Some(id) => {
            vec![talker.codec_think_id, talker.codec_think_bos_id, id, talker.codec_think_eos_id]
        }
        None => {
            vec![talker.codec_nothink_id, talker.codec_think_bos_id, talker.codec_think_eos_id]
        }
    };
    let prefix = tag.into_iter().map(CodecInput::Id).chain(speaker);
    positions.extend(prefix.map(|codec| Position { text: Some(config.tts_pad_token_id), codec }));
    positions.push(Position {
        text: Some(config.tts_bos_token_id),
        codec: CodecInput::Id(talker.codec_pad_id),
    });
    positions
}
