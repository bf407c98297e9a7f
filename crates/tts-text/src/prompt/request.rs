use std::fmt;
use std::str::FromStr;

use tts_checkpoint::ModelKind;

use crate::tokenizer::Literals;

/// What to say, and how.
#[derive(Debug, Clone, Copy)]
pub struct PromptRequest<'a> {
    /// The text to speak.
    pub text: &'a str,
    /// A name of [`supported_languages`](crate::supported_languages) in any case;
    /// `None` is the same as "auto".
    pub language: Option<&'a str>,
    /// Who speaks.
    pub speaker: Speaker<'a>,
    /// How to speak, or a description of the voice. Empty is the same as `None`.
    pub instruct: Option<&'a str>,
    /// Where the text goes.
    pub layout: Layout,
    /// Reference audio to continue; without it, a cloned voice is the x-vector
    /// alone.
    pub reference: Option<Reference<'a>>,
    /// How the texts are read.
    pub options: TextOptions,
}

impl<'a> PromptRequest<'a> {
    /// A request with nothing but a text.
    pub fn new(text: &'a str, layout: Layout) -> Self {
        Self {
            text,
            language: None,
            speaker: Speaker::None,
            instruct: None,
            layout,
            reference: None,
            options: TextOptions::default(),
        }
    }
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Speaker<'a> {
    /// Nobody in particular.
    #[default]
    None,
    /// A name of [`supported_speakers`](crate::supported_speakers) in any case;
    /// empty is the same as `None`.
    Named(&'a str),
    /// The voice of reference audio, given as its x-vector.
    Embedding,
}

/// Where the text goes (`docs/model.md`, section 5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One text token per generated frame, beginning with the last position of
    /// the prompt.
    Streaming,
    /// All text before the first frame.
    NonStreaming,
}

/// A text that names no layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?}; expected streaming or non-streaming")]
pub struct LayoutError(String);

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Layout {
    type Err = LayoutError;

    fn from_str(text: &str) -> Result<Self, LayoutError> {
        let named = Self::ALL.into_iter().find(|layout| layout.name() == text);
        named.ok_or_else(|| LayoutError(text.to_owned()))
    }
}

impl Layout {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Streaming, Self::NonStreaming];

    /// As users write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Streaming => "streaming",
            Self::NonStreaming => "non-streaming",
        }
    }

    /// The layout a kind of model uses unless told otherwise.
    pub const fn default_for(kind: ModelKind) -> Self {
        match kind {
            ModelKind::Base => Self::Streaming,
            ModelKind::CustomVoice | ModelKind::VoiceDesign => Self::NonStreaming,
        }
    }
}

/// Reference audio whose codes the model continues.
#[derive(Debug, Clone, Copy)]
pub struct Reference<'a> {
    /// What is said in it, from the first to the last word.
    pub transcript: &'a str,
    /// Its length in frames of codes.
    pub frames: usize,
}

/// How the texts of a request are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextOptions {
    /// Drops white space at both ends. The reference implementation keeps it,
    /// and loses a leading newline into the role.
    pub trim: bool,
    /// What literals of added tokens mean.
    pub literals: Literals,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self { trim: true, literals: Literals::Neutralised }
    }
}

#[cfg(test)]
mod tests {
    use super::Layout;

    #[test]
    fn names_are_read_back() {
        for layout in Layout::ALL {
            assert_eq!(layout.to_string().parse(), Ok(layout));
        }
        let error = "wide".parse::<Layout>().unwrap_err();
        assert_eq!(error.to_string(), "\"wide\"; expected streaming or non-streaming");
    }
}
