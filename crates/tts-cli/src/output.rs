//! Where audio goes.

use std::path::Path;

use tts::Audio;
use tts_audio::{AudioFormat, write_audio_file};

use crate::args::FormatArg;
use crate::error::CliError;

/// The form of an output: as asked for, or by its name, or WAV.
pub(crate) fn format(path: &Path, asked: Option<FormatArg>) -> AudioFormat {
    match asked {
        Some(FormatArg::Wav) => AudioFormat::WavPcm16,
        Some(FormatArg::WavF32) => AudioFormat::WavF32,
        Some(FormatArg::Flac) => AudioFormat::Flac,
        Some(FormatArg::S16le) => AudioFormat::PcmS16,
        Some(FormatArg::F32le) => AudioFormat::PcmF32,
        None => AudioFormat::from_path(path).unwrap_or(AudioFormat::WavPcm16),
    }
}

/// Whether a path stands for standard output.
pub(crate) fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// Writes whole audio to a file or standard output.
pub(crate) fn write(path: &Path, format: AudioFormat, audio: &Audio) -> Result<(), CliError> {
    if is_stdout(path) {
        return crate::print(&format.encode(audio).map_err(CliError::OutputAudio)?);
    }
    write_audio_file(audio, path, format).map_err(CliError::OutputAudio)
}
