use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tts::{
    Audio, ChunkSchedule, Delivery, Guard, GuardAction, LongSpeech, Model, Options, Request,
    SplitLimits, SynthesisTiming, Voice,
};
use tts_audio::{AudioError, StreamWriter};

use crate::args::{GuardArg, SamplingArgs, SayArgs};
use crate::error::CliError;
use crate::progress::Progress;
use crate::{model, output, voice};

pub(crate) fn run(args: &SayArgs) -> Result<(), CliError> {
    let text = text(args)?;
    if args.model.model == tts_demo_voice::NAME && !args.quiet {
        eprintln!(
            "tts: this is the small demo voice inside the program; for the real ones give \
             --model Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice, or a directory"
        );
    }
    let model = model::load(&args.model)?;
    if !args.quiet {
        for name in &model.census().unknown {
            eprintln!("tts: the model holds a tensor this program does not know: {name}");
        }
    }
    let cloned = voice::cloned(&model, args.voice.as_deref(), &args.reference, args.quiet)?;
    let speaker = || args.speaker.clone().or_else(|| model.speakers().into_iter().next());
    let request = Request {
        text,
        language: Some(args.language.clone()),
        voice: cloned.unwrap_or_else(|| speaker().map_or(Voice::Unnamed, Voice::Speaker)),
        instruct: args.instruct.clone(),
        options: options(&model, args)?,
    };
    if args.stream {
        stream(args, &model, &request)
    } else if args.file.is_some() {
        say_long(args, &model, &request)
    } else {
        say(args, &model, &request)
    }
}

fn target(args: &SayArgs) -> PathBuf {
    let or = if args.stream { "-" } else { "speech.wav" };
    args.output.clone().unwrap_or_else(|| or.into())
}

/// One utterance, written whole.
fn say(args: &SayArgs, model: &Model, request: &Request) -> Result<(), CliError> {
    let progress = Progress::new(args.quiet, frame_seconds(model));
    let result = model.speak_with_progress(request, &mut |frames| progress.frames(frames));
    progress.finish();
    let utterance = result?;
    let target = target(args);
    let warnings = utterance.warnings.iter().map(ToString::to_string).collect();
    let report = Report {
        seed: utterance.seed,
        samples: utterance.audio.samples.len(),
        sample_rate: utterance.audio.sample_rate,
        finish: vec![utterance.finish.name()],
        timing: utterance.timing,
        warnings,
    };
    report.warn(args);
    output::write(&target, output::format(&target, args.format), &utterance.audio)?;
    report.print(args, &target)
}

/// A long text, written whole.
fn say_long(args: &SayArgs, model: &Model, request: &Request) -> Result<(), CliError> {
    let target = target(args);
    let limits = Some(SplitLimits::default());
    let mut speech = LongSpeech::new(model, request, Delivery::Whole, limits);
    let progress = Progress::new(args.quiet, frame_seconds(model));
    let mut audio = Audio { samples: Vec::new(), sample_rate: model.sample_rate() };
    for samples in speech.by_ref() {
        audio.samples.extend(samples.inspect_err(|_| progress.finish())?);
        progress.frames(audio.samples.len() / model.codec().samples_per_frame());
    }
    progress.finish();
    let report = Report::of_long(&speech, request, &audio);
    report.warn(args);
    output::write(&target, output::format(&target, args.format), &audio)?;
    report.print(args, &target)
}

/// Any text, written chunk by chunk.
fn stream(args: &SayArgs, model: &Model, request: &Request) -> Result<(), CliError> {
    let target = target(args);
    if !output::is_stdout(&target) {
        return Err(CliError::Argument {
            name: "--output",
            value: target.display().to_string(),
            expected: "\"-\" with --stream",
        });
    }
    let format = output::format(&target, args.format);
    let failed = |error| match error {
        AudioError::Stream(source) => CliError::stdout(source),
        other => CliError::OutputAudio(other),
    };
    let delivery = Delivery::Chunks(ChunkSchedule::default());
    // Only a file is long text; a text on the command line is one utterance.
    let limits = args.file.as_ref().map(|_| SplitLimits::default());
    let mut speech = LongSpeech::new(model, request, delivery, limits);
    let mut audio = Audio { samples: Vec::new(), sample_rate: model.sample_rate() };
    let mut writer = None;
    for (chunk, samples) in speech.by_ref().enumerate() {
        let samples = samples?;
        // Nothing is written before the first chunk: a refused request leaves no header.
        let out = match &mut writer {
            Some(out) => out,
            None => writer.insert(
                StreamWriter::new(std::io::stdout(), format, audio.sample_rate).map_err(failed)?,
            ),
        };
        out.write(&samples).map_err(failed)?;
        if args.json {
            let start = audio.samples.len();
            eprintln!("{}", json!({"chunk": chunk, "start": start, "samples": samples.len()}));
        }
        audio.samples.extend(samples);
    }
    if let Some(out) = writer {
        out.finish().map_err(failed)?;
    }
    let report = Report::of_long(&speech, request, &audio);
    report.warn(args);
    report.print(args, &target)
}

fn frame_seconds(model: &Model) -> f64 {
    model.codec().samples_per_frame() as f64 / f64::from(model.codec().sample_rate())
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

fn options(model: &Model, args: &SayArgs) -> Result<Options, CliError> {
    let mut options = sampling(model, &args.sampling)?;
    options.guard = match args.guard {
        GuardArg::Off => Guard::off(),
        GuardArg::Stop => Guard { action: GuardAction::Stop, ..Guard::default() },
        GuardArg::Report => Guard { action: GuardAction::Report, ..Guard::default() },
        GuardArg::Retry => Guard { action: GuardAction::Retry(args.retries), ..Guard::default() },
    };
    Ok(options)
}

fn sampling(model: &Model, args: &SamplingArgs) -> Result<Options, CliError> {
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
    options.layout = args.layout;
    if let Some(seconds) = args.max_seconds {
        if !(seconds.is_finite() && seconds > 0.0) {
            return Err(CliError::Argument {
                name: "--max-seconds",
                value: seconds.to_string(),
                expected: "a positive number",
            });
        }
        // The last token drawn yields no frame.
        let tokens = (seconds / frame_seconds(model)).ceil() as usize + 1;
        options.max_new_tokens = options.max_new_tokens.min(tokens);
    }
    Ok(options)
}

/// What was spoken.
struct Report {
    seed: u64,
    samples: usize,
    sample_rate: u32,
    /// Why each piece ended.
    finish: Vec<&'static str>,
    timing: SynthesisTiming,
    warnings: Vec<String>,
}

impl Report {
    fn of_long(speech: &LongSpeech<&Model>, request: &Request, audio: &Audio) -> Self {
        let first = speech.spoken().first().map(|piece| piece.timing.first_audio_ms);
        let mut timing = SynthesisTiming {
            first_audio_ms: first.unwrap_or_default(),
            audio_secs: audio.duration_secs(),
            ..SynthesisTiming::default()
        };
        for piece in speech.spoken() {
            timing.prefill_ms += piece.timing.prefill_ms;
            timing.generate_ms += piece.timing.generate_ms;
            timing.decode_ms += piece.timing.decode_ms;
            timing.total_ms += piece.timing.total_ms;
            timing.frames += piece.timing.frames;
        }
        Self {
            seed: request.options.seed,
            samples: audio.samples.len(),
            sample_rate: audio.sample_rate,
            finish: speech.spoken().iter().map(|piece| piece.finish.name()).collect(),
            timing,
            warnings: speech.warnings().iter().map(ToString::to_string).collect(),
        }
    }

    fn warn(&self, args: &SayArgs) {
        if !args.quiet {
            for warning in &self.warnings {
                eprintln!("tts: {warning}");
            }
        }
    }

    fn json(&self, target: &Path) -> Value {
        let timing = &self.timing;
        json!({
            "output": target,
            "seed": self.seed,
            "sample_rate": self.sample_rate,
            "samples": self.samples,
            "seconds": timing.audio_secs,
            "frames": timing.frames,
            "finish": self.finish.last(),
            "pieces": self.finish,
            "warnings": self.warnings,
            "timing": {
                "prefill_ms": timing.prefill_ms,
                "generate_ms": timing.generate_ms,
                "decode_ms": timing.decode_ms,
                "first_audio_ms": timing.first_audio_ms,
                "total_ms": timing.total_ms,
                "rtf": timing.rtf(),
            },
        })
    }

    fn print(&self, args: &SayArgs, target: &Path) -> Result<(), CliError> {
        if args.json {
            let report = self.json(target);
            if output::is_stdout(target) {
                eprintln!("{report}");
                return Ok(());
            }
            return crate::print(format!("{report}\n").as_bytes());
        }
        if !args.quiet {
            eprintln!(
                "tts: {}: {:.2} s of audio, {} frames, RTF {:.2} ({})",
                target.display(),
                self.timing.audio_secs,
                self.timing.frames,
                self.timing.rtf(),
                self.finish.last().copied().unwrap_or_default(),
            );
        }
        Ok(())
    }
}
