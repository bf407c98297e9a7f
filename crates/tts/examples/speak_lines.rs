//! Speaks every line of a file into an audio file of its own, for listening tests:
//!
//! ```text
//! cargo run --release -p tts --example speak_lines -- LINES DIRECTORY [MODE] [MODEL] [PRECISION]
//! ```
//!
//! MODE is `single`, `batch` (eight at once, the next one when one is over) or `stream` (the
//! layout that brings the text while it is spoken); MODEL is a model directory or `demo`;
//! PRECISION is `f32`, `bf16`, `q8`, `fp8` or `q4mix`. Line N has the seed N. Prints a JSON line
//! for each when it is over: frames, and why it ended. Without arguments two lines go nowhere.

use std::error::Error;
use std::path::{Path, PathBuf};

use serde_json::json;
use tts::{
    Batch, DeviceName, Layout, Model, ModelFiles, Precision, Request, SplitRule, Utterance, Voice,
};

const BATCH: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize| arguments.get(index).map(String::as_str);
    let text = match argument(0) {
        Some(file) => std::fs::read_to_string(file)?,
        None => "Hello there.\nGood night.".to_owned(),
    };
    let directory = argument(1).map(PathBuf::from);
    let mode = argument(2).unwrap_or("batch");
    let files = match argument(3) {
        None | Some("demo") => ModelFiles::Embedded(tts_demo_voice::FILES),
        Some(directory) => ModelFiles::directory(directory)?,
    };
    let precision = argument(4).map_or(Ok(Precision::F32), str::parse)?;
    let device = DeviceName::Auto.open()?;
    let model = Model::load_with(files, &device, precision, SplitRule::default())?;

    let speaker = model.speakers().into_iter().next().map_or(Voice::Unnamed, Voice::Speaker);
    let requests: Vec<Request> = text
        .lines()
        .enumerate()
        .map(|(line, text)| {
            let mut request = model.request(text, speaker.clone());
            request.options.seed = line as u64;
            request.options.max_new_tokens = request.options.max_new_tokens.min(256);
            if mode == "stream" {
                request.options.layout = Some(Layout::Streaming);
            }
            request
        })
        .collect();
    let mut batch = Batch::new(&model, if mode == "batch" { BATCH } else { 1 });
    for request in &requests {
        batch.add(request)?;
    }
    while !batch.is_empty() {
        for (line, spoken) in batch.step()? {
            report(line, &spoken?, directory.as_deref())?;
        }
    }
    Ok(())
}

fn report(line: usize, spoken: &Utterance, directory: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let (frames, finish) = (spoken.frames.len(), spoken.finish.name());
    println!("{}", json!({"line": line, "frames": frames, "finish": finish}));
    if let Some(directory) = directory {
        std::fs::create_dir_all(directory)?;
        tts_audio::write_wav_file(&spoken.audio, directory.join(format!("{line:04}.wav")))?;
    }
    Ok(())
}
