use std::path::PathBuf;

use tts::TtsError;
use tts_audio::AudioError;
use tts_checkpoint::CheckpointError;

/// Why the program stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    Tts(#[from] TtsError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[cfg(feature = "hub")]
    #[error(transparent)]
    Hub(#[from] tts_checkpoint::hub::HubError),
    #[error(transparent)]
    Load(TtsError),
    #[error("{model} is packed in {source}")]
    Precision { model: String, source: tts::PrecisionError },
    #[error("cannot read {path}: {source}")]
    Input { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    InputAudio(AudioError),
    #[error("{path} holds no codes: {problem}")]
    InputCodes { path: PathBuf, problem: String },
    #[error("{name} is {value}; expected {expected}")]
    Argument { name: &'static str, value: String, expected: &'static str },
    #[error("cannot write {}: {source}", path.display())]
    Output { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    OutputAudio(AudioError),
    #[cfg(feature = "profiling")]
    #[error(transparent)]
    Profile(#[from] tts_profiling::record::ProfileError),
}

impl CliError {
    /// Standard output could not be written.
    pub(crate) fn stdout(source: std::io::Error) -> Self {
        Self::Output { path: "standard output".into(), source }
    }

    /// What a script sees; listed in the documentation of the program.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Tts(TtsError::Checkpoint(_))
            | Self::Checkpoint(_)
            | Self::Load(_)
            | Self::Precision { .. } => 3,
            #[cfg(feature = "hub")]
            Self::Hub(_) => 3,
            Self::Tts(TtsError::Voice(tts::VoiceError::Write(_)) | TtsError::PackedWrite(_))
            | Self::Output { .. }
            | Self::OutputAudio(_) => 4,
            #[cfg(feature = "profiling")]
            Self::Profile(tts_profiling::record::ProfileError::Write { .. }) => 4,
            #[cfg(feature = "profiling")]
            Self::Profile(_) => 2,
            Self::Tts(
                TtsError::Device { .. }
                | TtsError::Text(_)
                | TtsError::Option { .. }
                | TtsError::TooLong { .. }
                | TtsError::Sampler(_)
                | TtsError::Reference(_)
                | TtsError::SpeakerEncoder(_)
                | TtsError::NoSpeakerEncoder { .. }
                | TtsError::Voice(_),
            )
            | Self::Input { .. }
            | Self::InputAudio(_)
            | Self::InputCodes { .. }
            | Self::Argument { .. } => 2,
            Self::Tts(_) => 1,
        }
    }
}
