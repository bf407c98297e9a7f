use tts_checkpoint::{ModelConfig, TalkerConfig};

use crate::error::TextError;

/// The name that leaves the language to the model.
const AUTO: &str = "auto";

/// The languages a request can name, sorted. Dialects are not among them: they
/// come with a speaker.
pub fn supported_languages(config: &ModelConfig) -> Vec<String> {
    let mut names = vec![AUTO.to_owned()];
    names.extend(plain_languages(&config.talker_config).map(|(name, _)| name.to_lowercase()));
    names.sort_unstable();
    names
}

/// The language tag of a request: name and codec id, or none for "auto"
/// (`docs/model.md`, section 5.2). `dialect` is that of the built-in speaker; it
/// takes the place of Chinese and of no language.
pub(crate) fn resolve<'a>(
    config: &'a ModelConfig,
    requested: Option<&str>,
    dialect: Option<&str>,
) -> Result<Option<(&'a str, u32)>, TextError> {
    let talker = &config.talker_config;
    let requested = requested.unwrap_or(AUTO).to_lowercase();
    let language = if requested == AUTO {
        None
    } else {
        let found = plain_languages(talker).find(|(name, _)| name.to_lowercase() == requested);
        Some(found.ok_or_else(|| TextError::UnknownLanguage {
            found: requested.clone(),
            supported: supported_languages(config),
        })?)
    };
    let dialect = dialect.and_then(|dialect| talker.codec_language_id.get_key_value(dialect));
    Ok(match dialect {
        Some((name, &id)) if requested == AUTO || requested == "chinese" => Some((name, id)),
        _ => language,
    })
}

fn plain_languages(talker: &TalkerConfig) -> impl Iterator<Item = (&str, u32)> {
    talker
        .codec_language_id
        .iter()
        .map(|(name, &id)| (name.as_str(), id))
        .filter(|(name, _)| !name.to_lowercase().ends_with("dialect"))
}
