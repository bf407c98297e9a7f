//! Voices taken from reference audio.

use std::sync::Arc;

use tts::{Model, ReferenceOptions, TtsError, Voice, VoicePrompt};
use tts_audio::{Limits, read_audio_file};

use crate::args::{ReferenceArgs, VoiceCommand, VoiceMakeArgs};
use crate::error::CliError;
use crate::model;

pub(crate) fn run(command: &VoiceCommand) -> Result<(), CliError> {
    match command {
        VoiceCommand::Make(args) => make(args),
        VoiceCommand::Show { voice } => {
            let prompt = VoicePrompt::load(voice).map_err(TtsError::from)?;
            let reference = match &prompt.reference {
                Some(reference) => format!(
                    "{} frames\ntranscript  {}",
                    reference.frames.len(),
                    reference.transcript
                ),
                None => "none: the x-vector only".to_owned(),
            };
            let width = prompt.x_vector.len();
            let text = format!("x-vector    {width} values\nreference   {reference}\n");
            crate::print(text.as_bytes())
        }
    }
}

fn make(args: &VoiceMakeArgs) -> Result<(), CliError> {
    let model = model::load(&args.model)?;
    let prompt = from_reference(&model, &args.reference, false)?.ok_or(CliError::Argument {
        name: "--ref-audio",
        value: "missing".to_owned(),
        expected: "an audio file",
    })?;
    prompt.save(&args.output).map_err(TtsError::from)?;
    Ok(())
}

/// The voice of `--voice` or `--ref-audio`, if one is given.
pub(crate) fn cloned(
    model: &Model,
    file: Option<&std::path::Path>,
    reference: &ReferenceArgs,
    quiet: bool,
) -> Result<Option<Voice>, CliError> {
    let prompt = match file {
        Some(path) => Some(VoicePrompt::load(path).map_err(TtsError::from)?),
        None => from_reference(model, reference, quiet)?,
    };
    Ok(prompt.map(|prompt| Voice::Cloned(Arc::new(prompt))))
}

fn from_reference(
    model: &Model,
    args: &ReferenceArgs,
    quiet: bool,
) -> Result<Option<VoicePrompt>, CliError> {
    let Some(path) = &args.ref_audio else { return Ok(None) };
    let options = ReferenceOptions {
        x_vector_only: args.x_vector_only,
        append_silence: args.append_silence,
        fade_in: args.fade_in,
        ..ReferenceOptions::default()
    };
    let limits = Limits { max_seconds: options.max_seconds };
    let audio = read_audio_file(path, limits).map_err(CliError::InputAudio)?;
    let (prompt, warnings) = model.voice_prompt(&audio, args.ref_text.as_deref(), &options)?;
    if !quiet {
        for warning in warnings {
            eprintln!("tts: {warning}");
        }
    }
    Ok(Some(prompt))
}
