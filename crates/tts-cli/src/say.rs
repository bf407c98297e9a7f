use std::io::{Read, Write};
use std::path::Path;

use serde_json::json;
use tts::{Layout, Model, Options, Request, Utterance, Voice};

use crate::args::{LayoutArg, SamplingArgs, SayArgs};
use crate::error::CliError;
use crate::model;
use crate::progress::Progress;

pub(crate) fn run(args: &SayArgs) -> Result<(), CliError> {
    let text = text(args)?;
    if model::is_noise(&args.model.model) && !args.quiet {
        eprintln!(
            "tts: the embedded demo model has random weights and emits noise; \
             give a real one with --model DIR"
        );
    }
    let model = model::load(&args.model)?;
    if !args.quiet {
        for name in &model.census().unknown {
            eprintln!("tts: the model holds a tensor this program does not know: {name}");
        }
    }
    let request = Request {
        text,
        language: Some(args.language.clone()),
        voice: args
            .speaker
            .clone()
            .or_else(|| model.speakers().into_iter().next())
            .map_or(Voice::Unnamed, Voice::Speaker),
        instruct: args.instruct.clone(),
        options: options(&model, &args.sampling)?,
    };
    let frame_secs =
        model.codec().samples_per_frame() as f64 / f64::from(model.codec().sample_rate());
    let progress = Progress::new(args.quiet, frame_secs);
    let result = model.speak_with_progress(&request, &mut |frames| progress.frames(frames));
    progress.finish();
    let utterance = result?;
    if !args.quiet {
        for warning in &utterance.warnings {
            eprintln!("tts: {warning}");
        }
    }
    write(&args.output, &utterance)?;
    report(args, &utterance)
}

fn text(args: &SayArgs) -> Result<String, CliError> {
    let read = |path: &Path, result: std::io::Result<String>| {
        result.map_err(|source| CliError::Input { path: path.to_owned(), source })
    };
    match (&args.file, args.text.as_deref()) {
        (Some(path), _) => read(path, std::fs::read_to_string(path)),
        (None, Some("-")) => {
            let mut text = String::new();
            let result = std::io::stdin().read_to_string(&mut text).map(|_| text);
            read(Path::new("standard input"), result)
        }
        (None, text) => Ok(text.unwrap_or_default().to_owned()),
    }
}

fn options(model: &Model, args: &SamplingArgs) -> Result<Options, CliError> {
    fn set<T: Copy>(target: &mut T, value: Option<T>) {
        if let Some(value) = value {
            *target = value;
        }
    }
    let mut options = model.default_options();
    options.seed = args.seed;
    set(&mut options.talker.do_sample, args.do_sample);
    set(&mut options.talker.temperature, args.temperature);
    set(&mut options.talker.top_k, args.top_k);
    set(&mut options.talker.top_p, args.top_p);
    set(&mut options.talker.repetition_penalty, args.repetition_penalty);
    set(&mut options.predictor.do_sample, args.subtalker_do_sample);
    set(&mut options.predictor.temperature, args.subtalker_temperature);
    set(&mut options.predictor.top_k, args.subtalker_top_k);
    set(&mut options.predictor.top_p, args.subtalker_top_p);
    set(&mut options.max_new_tokens, args.max_new_tokens);
    options.layout = args.layout.map(|layout| match layout {
        LayoutArg::Streaming => Layout::Streaming,
        LayoutArg::NonStreaming => Layout::NonStreaming,
    });
    if let Some(seconds) = args.max_seconds {
        if !(seconds.is_finite() && seconds > 0.0) {
            return Err(CliError::Argument {
                name: "--max-seconds",
                value: seconds.to_string(),
                expected: "a positive number",
            });
        }
        let rate = f64::from(model.sample_rate()) / model.codec().samples_per_frame() as f64;
        // The last token drawn yields no frame.
        let tokens = (seconds * rate).ceil() as usize + 1;
        options.max_new_tokens = options.max_new_tokens.min(tokens);
    }
    Ok(options)
}

fn write(path: &Path, utterance: &Utterance) -> Result<(), CliError> {
    if path == Path::new("-") {
        let wav = tts_audio::encode_wav(&utterance.audio).map_err(CliError::OutputAudio)?;
        let mut out = std::io::stdout().lock();
        return out
            .write_all(&wav)
            .and_then(|()| out.flush())
            .map_err(|source| CliError::Output { path: "standard output".into(), source });
    }
    tts_audio::write_wav_file(&utterance.audio, path).map_err(CliError::OutputAudio)
}

fn report(args: &SayArgs, utterance: &Utterance) -> Result<(), CliError> {
    let to_stdout = args.output == Path::new("-");
    let timing = &utterance.timing;
    if args.json {
        let report = json!({
            "output": args.output,
            "seed": args.sampling.seed,
            "sample_rate": utterance.audio.sample_rate,
            "samples": utterance.audio.samples.len(),
            "seconds": timing.audio_secs,
            "frames": timing.frames,
            "finish": utterance.finish.name(),
            "warnings": utterance.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "timing": {
                "prefill_ms": timing.prefill_ms,
                "generate_ms": timing.generate_ms,
                "decode_ms": timing.decode_ms,
                "total_ms": timing.total_ms,
                "rtf": timing.rtf(),
            },
        });
        return if to_stdout {
            eprintln!("{report}");
            Ok(())
        } else {
            writeln!(std::io::stdout(), "{report}")
                .map_err(|source| CliError::Output { path: "standard output".into(), source })
        };
    }
    if !args.quiet {
        eprintln!(
            "tts: {}: {:.2} s of audio, {} frames, RTF {:.2} ({})",
            args.output.display(),
            timing.audio_secs,
            timing.frames,
            timing.rtf(),
            utterance.finish.name(),
        );
    }
    Ok(())
}
