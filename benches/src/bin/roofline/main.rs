//! How near each stage comes to what the machine can do: `cargo xtask profile roofline`.

mod args;
mod numbers;
mod peaks;
mod plot;
mod rows;
mod verdict;

use anyhow::{Context, Result};
use candle_core::Device;
use clap::Parser;
use serde::Serialize;
use tts::{Model, Observation, Precision, Probe, Request, SplitRule, Voice};
use tts_checkpoint::Checkpoint;
use tts_profiling::record::{Profile, Summary};

use crate::args::Args;
use crate::numbers::Numbers;
use crate::peaks::{Peaks, Reading};
use crate::rows::Row;

const TEXT: &str = "The train to the coast leaves at half past nine from platform four.";

#[derive(Serialize)]
struct Roofline<'a> {
    #[serde(flatten)]
    peaks: Peaks,
    threads: usize,
    rows: &'a [Row],
}

fn main() -> Result<()> {
    let args = Args::parse();
    // SAFETY: this is the main thread, and it has started no other one.
    let threads = unsafe { tts::fix_threads(args.threads) };
    let files = args.files()?;
    let checkpoint = Checkpoint::open(files.clone())?;
    let precision = match args.dtype {
        Some(precision) => precision,
        None => Precision::of(&files, &Device::Cpu)?,
    };
    let numbers = Numbers::of(&files, precision);
    let mut reading = Reading::new();

    let profile = Profile::start(vec![])?;
    let model = Model::load_with(files, &Device::Cpu, numbers.precision, SplitRule::default())?;
    let request = request(&model, args.frames as usize);
    let mut prompt = PromptLength(0);
    model.speak_batch_with(std::slice::from_ref(&request), &mut prompt)?;
    profile.recording().clear();
    reading.measure();
    for _ in 0..args.iterations {
        model.speak(&request)?;
        reading.measure();
    }
    let summary = Summary::of(&profile.finish()?);
    let peaks = reading.peaks();

    // In the middle of the utterance.
    let context = prompt.0 + args.frames as usize / 2;
    let rows = rows::rows(&checkpoint, &summary, &peaks, &numbers, context, &args);
    print!("{}", verdict::text(&peaks, threads, &rows));
    if let Some(path) = &args.plot {
        std::fs::write(path, plot::svg(&peaks, &rows))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&Roofline { peaks, threads, rows: &rows })?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Positions of a prompt.
struct PromptLength(usize);

impl Probe for PromptLength {
    fn observe(&mut self, _: usize, seen: Observation<'_>) -> candle_core::Result<()> {
        if let Observation::PromptEmbeds(prompt) = seen {
            self.0 = prompt.dim(0)?;
        }
        Ok(())
    }
}

/// A request for exactly so many frames.
fn request(model: &Model, frames: usize) -> Request {
    let speaker = model.speakers().into_iter().next();
    let mut request = model.request(TEXT, speaker.map_or(Voice::Unnamed, Voice::Speaker));
    request.options.fix_length(frames);
    request
}
