//! The prompt of the talker (`docs/model.md`, section 5).

mod build;
mod head;
mod layout;
mod request;
mod texts;

use std::fmt;

pub use self::build::{OpenPrompt, build_prompt, open_prompt};
pub use self::request::{Layout, LayoutError, PromptRequest, Reference, Speaker, TextOptions};
pub use self::texts::MAX_TEXT_BYTES;

/// Everything the talker reads before and while it speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The prompt, one entry per position.
    pub positions: Vec<Position>,
    /// Of these, the first that any text has with this voice, language and instruction.
    pub head: usize,
    /// Text ids that go with the generated frames, one each, the end of text
    /// last; once they are used up, and if there are none, `tts_pad` does.
    pub trailing: Vec<u32>,
    /// Whether the text is complete; otherwise more ids are to follow `trailing`.
    pub complete: bool,
    /// Ids of the text alone.
    pub text_tokens: usize,
    /// The whole template around the text.
    pub text_ids: Vec<u32>,
    /// The whole template around the instruction, if one is used.
    pub instruct_ids: Option<Vec<u32>>,
    /// The whole template around the transcript of the reference, if there is
    /// one.
    pub reference_ids: Option<Vec<u32>>,
    /// The language or dialect of the tag; `None` leaves it to the model.
    pub language: Option<String>,
    /// What was asked for and is not done.
    pub warnings: Vec<PromptWarning>,
}

/// One position: the sum of a row of the text channel and one of the codec
/// channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Row of the text embedding; all the layouts have one everywhere.
    pub text: Option<u32>,
    /// What is added to it.
    pub codec: CodecInput,
}

/// The codec channel of a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodecInput {
    /// Nothing: instruction and role are text only.
    None,
    /// A row of the talker's codec embedding.
    Id(u32),
    /// The x-vector of the reference audio.
    SpeakerEmbedding,
    /// The sum of the code embeddings of a frame of the reference audio.
    ReferenceFrame(usize),
}

/// Something a request asked for that the model cannot do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptWarning {
    /// Small CustomVoice models follow no instructions; it was left out.
    InstructDropped,
}

impl fmt::Display for PromptWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InstructDropped => {
                f.write_str("the instruction is ignored: this model follows none")
            }
        }
    }
}
