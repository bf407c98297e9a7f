//! What follows the head, mode by mode (`docs/model.md`, sections 5.4 and 5.5).

use std::iter::once;

use tts_checkpoint::ModelConfig;

use super::{CodecInput, Layout, Position};

/// The ids that fill the channels.
#[derive(Debug, Clone, Copy)]
struct Fillers {
    text_pad: u32,
    text_eos: u32,
    codec_pad: CodecInput,
    codec_bos: CodecInput,
}

/// The end of a prompt.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) positions: Vec<Position>,
    pub(super) trailing: Vec<u32>,
}

impl Fillers {
    fn new(config: &ModelConfig) -> Self {
        Self {
            text_pad: config.tts_pad_token_id,
            text_eos: config.tts_eos_token_id,
            codec_pad: CodecInput::Id(config.talker_config.codec_pad_id),
            codec_bos: CodecInput::Id(config.talker_config.codec_bos_id),
        }
    }

    /// Texts first, then codes: each against the filler of the other channel.
    fn one_after_the_other(
        self,
        text: impl Iterator<Item = u32>,
        codec: impl Iterator<Item = CodecInput>,
    ) -> Tail {
        let texts = text.map(|text| Position { text: Some(text), codec: self.codec_pad });
        let codes = codec.map(|codec| Position { text: Some(self.text_pad), codec });
        Tail { positions: texts.chain(codes).collect(), trailing: Vec::new() }
    }

    /// Both at once, as long as the codes last; text that is left over trails.
    fn side_by_side(
        self,
        mut text: impl Iterator<Item = u32>,
        codec: impl Iterator<Item = CodecInput>,
    ) -> Tail {
        let positions = codec
            .map(|codec| Position { text: text.next().or(Some(self.text_pad)), codec })
            .collect();
        Tail { positions, trailing: text.collect() }
    }

    fn lay_out(
        self,
        layout: Layout,
        text: impl Iterator<Item = u32>,
        complete: bool,
        codec: impl Iterator<Item = CodecInput>,
    ) -> Tail {
        let text = text.chain(complete.then_some(self.text_eos));
        match layout {
            Layout::Streaming => self.side_by_side(text, codec),
            Layout::NonStreaming => self.one_after_the_other(text, codec),
        }
    }
}

/// Ids of a text, and whether they are all of it: the end of text follows only then.
pub(super) type Body<'a> = (&'a [u32], bool);

/// Text alone: the only code is the one that starts them.
pub(super) fn text_only(config: &ModelConfig, layout: Layout, (body, complete): Body<'_>) -> Tail {
    let fillers = Fillers::new(config);
    fillers.lay_out(layout, body.iter().copied(), complete, once(fillers.codec_bos))
}

/// Text after a transcript, and the frames of the audio it belongs to.
pub(super) fn continued(
    config: &ModelConfig,
    layout: Layout,
    transcript: &[u32],
    (body, complete): Body<'_>,
    frames: usize,
) -> Tail {
    let fillers = Fillers::new(config);
    let text = transcript.iter().chain(body).copied();
    let codec = once(fillers.codec_bos).chain((0..frames).map(CodecInput::ReferenceFrame));
    fillers.lay_out(layout, text, complete, codec)
}
