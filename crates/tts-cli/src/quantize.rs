use std::fmt::Write as _;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use candle_core::Device;
use indicatif::ProgressBar;
use tts::{
    MeasuredPart, Measuring, Model, ModelKind, QualityBar, Quantized, ReferenceOptions, TtsError,
    Voice, VoicePrompt,
};
use tts_checkpoint::{Checkpoint, ModelFiles};

use crate::args::QuantizeArgs;
use crate::error::CliError;
use crate::model;

/// What the model inside the program says to be cloned.
const REFERENCE: &str = "This is how I sound when I read a sentence to you.";

pub(crate) fn run(args: &QuantizeArgs) -> Result<(), CliError> {
    model::fix_threads(None);
    let files = model::files(&args.model)?;
    // What can be known is said before a model is measured for minutes.
    Checkpoint::open_to_pack(files.clone())?;
    let directory = args.output.parent().filter(|path| !path.as_os_str().is_empty());
    directory
        .map_or(Ok(()), |directory| std::fs::metadata(directory).map(|_| ()))
        .map_err(|source| CliError::Output { path: args.output.clone(), source })?;
    let (size, precision, parts) = if let Some(precision) = args.dtype {
        (tts::quantize(files, precision, &args.output)?, precision, String::new())
    } else {
        let made = measured(args, files)?;
        (made.size, made.precision, parts(&made))
    };
    let megabytes = size as f64 / 1e6;
    let file = args.output.display();
    crate::print(format!("{file}: {megabytes:.1} MB in {precision}\n{parts}").as_bytes())
}

/// Few bits where the model bears them.
fn measured(args: &QuantizeArgs, files: ModelFiles) -> Result<Quantized, CliError> {
    let model = Model::load(files, &Device::Cpu).map_err(CliError::Load)?;
    let voice = voice(args, &model)?;
    let requests = tts::measuring_requests(&model, voice.as_ref());
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::new_spinner()
    } else {
        ProgressBar::hidden()
    };
    bar.enable_steady_tick(Duration::from_millis(100));
    let mut progress = |step| {
        bar.set_message(match step {
            Measuring::Speaking(frame) => format!("speaking in f32, frame {frame}"),
            Measuring::Packing => "packing in 8 and in 4 bits".to_owned(),
            Measuring::Talker(number) => format!("measuring the talker, {number}"),
            Measuring::CodePredictor(number) => format!("measuring the code predictor, {number}"),
        });
    };
    let quality = QualityBar::default();
    let made = tts::quantize_within(model, &requests, quality, &args.output, &mut progress);
    bar.finish_and_clear();
    Ok(made?)
}

/// Who speaks while a model is measured that has no speakers: the voice of `--voice`, or that of the
/// model inside the program.
fn voice(args: &QuantizeArgs, model: &Model) -> Result<Option<Voice>, CliError> {
    let prompt = match &args.voice {
        Some(path) => VoicePrompt::load(path).map_err(TtsError::from)?,
        None if model.kind() != ModelKind::Base => return Ok(None),
        None => {
            let demo = Model::load(ModelFiles::Embedded(tts_demo_voice::FILES), &Device::Cpu)?;
            let speaker = demo.speakers().into_iter().next().unwrap_or_default();
            let spoken = demo.speak(&demo.request(REFERENCE, Voice::Speaker(speaker)))?;
            let options = ReferenceOptions::default();
            model.voice_prompt(&spoken.audio, Some(REFERENCE), &options)?.0
        }
    };
    Ok(Some(Voice::Cloned(Arc::new(prompt))))
}

/// What was found.
fn parts(made: &Quantized) -> String {
    let mut lines = String::new();
    for (name, part) in [("talker", &made.talker), ("code predictor", &made.predictor)] {
        let MeasuredPart { in_four_bits, layers, agreement, bound } = part;
        let (four, divergence) = (in_four_bits.len(), agreement.divergence());
        let same = 100.0 * agreement.same_choice();
        let is = if part.is_within() { "at most" } else { "more than" };
        let _ = writeln!(
            lines,
            "{name:16} {four} of {layers} layers in 4 bits; divergence from f32 {divergence:.5} \
             ({is} {bound}), first choice the same in {same:.1} %"
        );
    }
    lines
}
