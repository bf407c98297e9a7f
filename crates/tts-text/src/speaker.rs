use tts_checkpoint::{Dialect, ModelConfig, ModelKind};

use crate::error::TextError;
use crate::prompt::{CodecInput, Speaker};

/// The built-in speakers, sorted.
pub fn supported_speakers(config: &ModelConfig) -> Vec<String> {
    let mut names: Vec<_> =
        config.talker_config.spk_id.keys().map(|name| name.to_lowercase()).collect();
    names.sort_unstable();
    names
}

/// What a speaker means to a model.
#[derive(Debug, Default)]
pub(crate) struct Voice<'a> {
    /// The row in the speaker slot; without one there is no slot.
    pub(crate) slot: Option<CodecInput>,
    /// The dialect the speaker speaks.
    pub(crate) dialect: Option<&'a str>,
}

/// The voice of a request, if the kind of model has it (`docs/model.md`,
/// section 5.2).
pub(crate) fn resolve<'a>(
    config: &'a ModelConfig,
    speaker: Speaker<'_>,
) -> Result<Voice<'a>, TextError> {
    let kind = config.tts_model_type;
    match (kind, speaker) {
        (ModelKind::Base, Speaker::Embedding) => {
            Ok(Voice { slot: Some(CodecInput::SpeakerEmbedding), dialect: None })
        }
        (_, Speaker::Embedding) => Err(TextError::NoCloning { kind: kind.name() }),
        (ModelKind::Base, Speaker::None | Speaker::Named("")) => {
            Err(TextError::NeedsReferenceVoice)
        }
        (_, Speaker::None | Speaker::Named("")) => Ok(Voice::default()),
        (ModelKind::CustomVoice, Speaker::Named(name)) => named(config, name),
        (_, Speaker::Named(name)) => {
            Err(TextError::NoBuiltInSpeakers { found: name.to_owned(), kind: kind.name() })
        }
    }
}

fn named<'a>(config: &'a ModelConfig, requested: &str) -> Result<Voice<'a>, TextError> {
    let talker = &config.talker_config;
    let wanted = requested.to_lowercase();
    match talker.spk_id.iter().find(|(name, _)| name.to_lowercase() == wanted) {
        Some((name, &id)) => Ok(Voice {
            slot: Some(CodecInput::Id(id)),
            dialect: talker.spk_is_dialect.get(name).and_then(Dialect::name),
        }),
        None => Err(TextError::UnknownSpeaker {
            found: requested.to_owned(),
            supported: supported_speakers(config),
        }),
    }
}
