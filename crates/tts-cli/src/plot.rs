use tts_audio::plot::{PlotOptions, render};
use tts_audio::{Limits, read_audio_file, write_file_atomically};

use crate::args::PlotArgs;
use crate::error::CliError;

/// Longest audio that is drawn, in seconds.
const MAX_SECONDS: f64 = 6.0 * 3600.0;

pub(crate) fn run(args: &PlotArgs) -> Result<(), CliError> {
    let audio = read_audio_file(&args.audio, Limits { max_seconds: MAX_SECONDS })
        .map_err(CliError::InputAudio)?;
    let title = args.audio.file_name().map(|name| name.to_string_lossy().into_owned());
    let options = PlotOptions { title: title.unwrap_or_default(), ..PlotOptions::default() };
    let picture = render(&audio, &options).map_err(CliError::InputAudio)?;
    let png = picture.encode_png().map_err(CliError::OutputAudio)?;
    let output = args.output.clone().unwrap_or_else(|| args.audio.with_extension("png"));
    write_file_atomically(&output, |file| file.write_all(&png)).map_err(CliError::OutputAudio)
}
