//! What fewer bits change: an utterance in f32, and what a packed model would have said to
//! every frame of it.
//!
//!     cargo run --release -p tts-benches --example precision -- [demo|random|MODEL_DIR] [FRAMES] [PACKED_FILE]

use std::env;

use anyhow::Result;
use candle_core::{DType, Device};
use tts::{Agreement, Model, ModelFiles, Precision, Teacher, Voice};
use tts_benches::random_model::{RandomModel, SPEAKING};
use tts_checkpoint::Checkpoint;
use tts_code_predictor::CodePredictor;
use tts_talker::Talker;

const TEXT: &str =
    "A quiet harbour, seven boats and a lighthouse that nobody had painted for years.";

fn main() -> Result<()> {
    // SAFETY: this is the main thread, and it has started no other one.
    unsafe { tts::fix_threads(None) };
    let mut args = env::args().skip(1);
    let files = match args.next().as_deref() {
        None | Some("demo") => ModelFiles::Embedded(tts_demo_voice::FILES),
        Some("random") => RandomModel::real_06b(&SPEAKING)?.files(),
        Some(directory) => ModelFiles::directory(directory)?,
    };
    let frames: usize = args.next().map_or(Ok(12), |frames| frames.parse())?;
    let packed = args.next().map(ModelFiles::open).transpose()?;

    let teacher = teach(files.clone(), frames)?;
    println!("| model | logits | mean KL | same first choice |\n| --- | --- | --- | --- |");
    for precision in [Precision::Q8, Precision::Q4Mix] {
        compare(&files, precision, precision.name(), &teacher)?;
    }
    if let Some(files) = packed {
        let precision = Precision::of(&files, &Device::Cpu)?;
        compare(&files, precision, "the file", &teacher)?;
    }
    Ok(())
}

/// An utterance in f32.
fn teach(files: ModelFiles, frames: usize) -> Result<Teacher> {
    let model = Model::load(files, &Device::Cpu)?;
    let speaker = model.speakers().into_iter().next();
    let mut request = model.request(TEXT, speaker.map_or(Voice::Unnamed, Voice::Speaker));
    request.options.fix_length(frames);
    Ok(Teacher::speak(&model, &[request], &mut |_| ())?)
}

/// Asks a packed model.
fn compare(files: &ModelFiles, precision: Precision, name: &str, teacher: &Teacher) -> Result<()> {
    let checkpoint = Checkpoint::open(files.clone())?;
    let (config, weights) =
        (&checkpoint.config.talker_config, checkpoint.model_weights(DType::F32, &Device::Cpu));
    let talker = teacher.ask_talker(&Talker::load(config, &weights, precision.packing())?)?;
    let half = talker.rows() / 2;
    row(name, "talker, first half", &talker.part(0..half));
    row(name, "talker, second half", &talker.part(half..talker.rows()));
    let predictor = CodePredictor::load(config, &weights, precision.packing())?;
    row(name, "code predictor", &teacher.ask_predictor(&predictor)?);
    Ok(())
}

fn row(name: &str, what: &str, found: &Agreement) {
    let (divergence, same) = (found.divergence(), 100.0 * found.same_choice());
    println!("| {name} | {what} | {divergence:.5} | {same:.1} % |");
}
