use candle_core::Tensor;
use tts_code_predictor::PredictorState;
use tts_sampler::{DrawKey, History};
use tts_talker::{Output, TalkerState};
use tts_text::Prompt;

use crate::options::Options;
use crate::request::FinishReason;

/// Everything of one request between its prompt and its last code. It is made
/// for the request and dropped with it, so nothing is shared between requests.
#[derive(Debug)]
pub(crate) struct Session {
    /// Its place in the batch.
    pub(crate) item: usize,
    pub(crate) options: Options,
    pub(crate) prompt: Prompt,
    pub(crate) talker: TalkerState,
    pub(crate) predictor: PredictorState,
    pub(crate) history: History,
    /// The talker's view of the last position, one row.
    pub(crate) output: Output,
    /// Text still to be added, `[n, hidden]`.
    pub(crate) trailing: Option<Tensor>,
    /// The row that is added when text is over, `[1, hidden]`.
    pub(crate) pad: Tensor,
    pub(crate) first_codes: Vec<u32>,
    pub(crate) frames: Vec<Vec<u32>>,
    pub(crate) prefill_ms: f64,
    pub(crate) generate_ms: f64,
}

impl Session {
    /// The key of the next draw of codebook 0.
    pub(crate) fn draw_key(&self) -> DrawKey {
        DrawKey {
            seed: self.options.seed,
            request: 0,
            step: self.first_codes.len() as u32,
            codebook: 0,
        }
    }

    /// The key of the draws for the frame that the last token began.
    pub(crate) fn frame_key(&self) -> DrawKey {
        DrawKey { step: self.frames.len() as u32, ..self.draw_key() }
    }

    /// The text row that goes with the frame generated last.
    pub(crate) fn next_text(&self) -> candle_core::Result<Tensor> {
        let frame = self.frames.len().saturating_sub(1);
        match &self.trailing {
            Some(rows) if frame < rows.dim(0)? => rows.narrow(0, frame, 1),
            _ => Ok(self.pad.clone()),
        }
    }

    /// Why the session is over, if it is. The last token drawn yields no frame.
    pub(crate) fn finish(&self, end_of_speech: u32) -> Option<FinishReason> {
        if self.first_codes.last() == Some(&end_of_speech) {
            Some(FinishReason::EndOfSpeech)
        } else if self.first_codes.len() >= self.options.max_new_tokens {
            Some(FinishReason::MaxTokens)
        } else {
            None
        }
    }
}
