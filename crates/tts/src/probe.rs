use candle_core::{Result, Tensor};
use tts_text::Prompt;

/// A value of the running pipeline. Tensors hold the rows of one request.
#[derive(Debug)]
pub enum Observation<'a> {
    /// The prompt as token ids.
    Prompt(&'a Prompt),
    /// Talker input of the prompt, `[time, hidden]`.
    PromptEmbeds(&'a Tensor),
    /// Text still to be added, one row per frame, `[n, hidden]`.
    TrailingText(&'a Tensor),
    /// The row that is added when text is over, `[1, hidden]`.
    PadText(&'a Tensor),
    /// Hidden states of the prompt, `[1, time, hidden]`: 0 is the input, `k` is
    /// after layer `k`, the last after the final norm.
    PrefillHidden(usize, &'a Tensor),
    /// Talker input of step `n` (from 1), `[1, hidden]`, and its position.
    StepInput(usize, usize, &'a Tensor),
    /// Talker output of step `n` (0 is the prompt): hidden state `[1, hidden]`
    /// and logits `[1, vocab]`.
    StepOutput(usize, &'a Tensor, &'a Tensor),
    /// Inputs of the code predictor for a frame, each `[1, hidden]`: the hidden
    /// state and the embedding of the first code.
    PredictorInput(usize, &'a Tensor, &'a Tensor),
    /// Code predictor for a frame and codebook: hidden state `[1, width]` and
    /// logits `[1, codebook size]`.
    PredictorOutput(usize, usize, &'a Tensor, &'a Tensor),
}

/// Looks into the running pipeline, for tests and comparisons. It sees what production
/// code computes, in tensors that it may keep.
pub trait Probe {
    /// Whether [`Probe::observe`] wants to be called at all.
    fn enabled(&self) -> bool {
        true
    }

    /// Hears how many frames of the longest request are complete.
    fn frames(&mut self, _frames: usize) {}

    /// Sees one value of request `item` of the batch.
    ///
    /// # Errors
    /// Whatever it returns ends the synthesis.
    fn observe(&mut self, item: usize, observation: Observation<'_>) -> Result<()>;
}

/// Sees only that a frame is complete.
pub(crate) struct Progress<'a>(pub(crate) &'a mut dyn FnMut(usize));

impl Probe for Progress<'_> {
    fn enabled(&self) -> bool {
        false
    }

    fn observe(&mut self, _: usize, _: Observation<'_>) -> Result<()> {
        Ok(())
    }

    fn frames(&mut self, frames: usize) {
        (self.0)(frames);
    }
}

/// Sees nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoProbe;

impl Probe for NoProbe {
    fn enabled(&self) -> bool {
        false
    }

    fn observe(&mut self, _: usize, _: Observation<'_>) -> Result<()> {
        Ok(())
    }
}
