use tts_audio::Audio;
use tts_text::PromptWarning;

use crate::options::Options;
use crate::timing::SynthesisTiming;

/// What to speak and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The text.
    pub text: String,
    /// The language; `None` or "auto" leaves it to the model.
    pub language: Option<String>,
    /// A built-in speaker (CustomVoice models); `None` or "" uses none.
    pub speaker: Option<String>,
    /// Instruction (CustomVoice) or description of the voice (VoiceDesign).
    pub instruct: Option<String>,
    /// How to generate.
    pub options: Options,
}

/// Why an utterance ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The model said that it is finished.
    EndOfSpeech,
    /// The limit on tokens was reached.
    MaxTokens,
}

impl FinishReason {
    /// A name for reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EndOfSpeech => "end_of_speech",
            Self::MaxTokens => "max_tokens",
        }
    }
}

/// A request, spoken.
#[derive(Debug, Clone)]
pub struct Utterance {
    /// The samples.
    pub audio: Audio,
    /// The codes of each frame.
    pub frames: Vec<Vec<u32>>,
    /// Every codebook-0 token drawn, the end of speech included.
    pub first_codes: Vec<u32>,
    /// Why it ended.
    pub finish: FinishReason,
    /// What the user should know of the prompt.
    pub warnings: Vec<PromptWarning>,
    /// Where the time went; shared stages of a batch count in full for each.
    pub timing: SynthesisTiming,
}
