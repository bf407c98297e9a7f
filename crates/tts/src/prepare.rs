//! A prompt as token ids becomes the talker's input.

use candle_core::Tensor;
use tts_talker::Talker;
use tts_text::{CodecInput, Prompt};

use crate::error::TtsError;

/// The talker's input of a request.
#[derive(Debug)]
pub(crate) struct PreparedPrompt {
    /// `[time, hidden]`.
    pub(crate) embeds: Tensor,
    /// One row per generated frame until text is over, `[n, hidden]`.
    pub(crate) trailing: Option<Tensor>,
    /// The row that is added afterwards, `[1, hidden]`.
    pub(crate) pad: Tensor,
}

/// Embeds both channels of every position and adds them (`docs/model.md`,
/// section 5).
pub(crate) fn prepare(
    talker: &Talker,
    prompt: &Prompt,
    pad_id: u32,
) -> Result<PreparedPrompt, TtsError> {
    let pad = talker.text(&[pad_id])?;
    let mut rows = Vec::with_capacity(prompt.positions.len());
    let texts: Vec<u32> = prompt.positions.iter().filter_map(|p| p.text).collect();
    let texts = talker.text(&texts)?;
    let mut text_row = 0;
    for position in &prompt.positions {
        let text = match position.text {
            Some(_) => {
                text_row += 1;
                Some(texts.narrow(0, text_row - 1, 1)?)
            }
            None => None,
        };
        let codec = match position.codec {
            CodecInput::None => None,
            CodecInput::Id(id) => Some(talker.codec(&[id])?),
            CodecInput::SpeakerEmbedding | CodecInput::ReferenceFrame(_) => {
                return Err(TtsError::ReferenceVoice);
            }
        };
        rows.push(match (text, codec) {
            (Some(text), Some(codec)) => (text + codec)?,
            (Some(row), None) | (None, Some(row)) => row,
            (None, None) => pad.zeros_like()?,
        });
    }
    let trailing =
        if prompt.trailing.is_empty() { None } else { Some(talker.text(&prompt.trailing)?) };
    Ok(PreparedPrompt { embeds: Tensor::cat(&rows, 0)?, trailing, pad })
}
