//! `tts-nsys REPORT.sqlite`: kernel gaps, GPU time per span and waits of a recording
//! of Nsight Systems (`nsys export --type sqlite`).

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tts_nsys::{FrameWindow, Selection, analyse, read};

/// Says where the GPU waited for the CPU in a recording of Nsight Systems.
#[derive(Debug, Parser)]
struct Args {
    /// SQLite file of `nsys export --type sqlite`
    report: PathBuf,
    /// Leave out the first N utterances (the warm-up)
    #[arg(long, value_name = "N", default_value_t = 0)]
    skip: usize,
    /// Analyse each utterance from this frame on
    #[arg(long, value_name = "N")]
    from_frame: Option<usize>,
    /// Analyse this many frames of each utterance
    #[arg(long, value_name = "N")]
    frames: Option<NonZeroUsize>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    fn selection(&self) -> Selection {
        let windowed = self.from_frame.is_some() || self.frames.is_some();
        let frames = windowed.then(|| FrameWindow {
            from: self.from_frame.unwrap_or(0),
            count: self.frames.map_or(usize::MAX, NonZeroUsize::get),
        });
        Selection { skip_utterances: self.skip, frames }
    }
}

fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let report = analyse(&read(&args.report)?, &args.selection())?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(())
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let causes = std::iter::successors(error.source(), |&cause| cause.source());
            let lines: Vec<String> =
                std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect();
            eprintln!("tts-nsys: {}", lines.join(": "));
            ExitCode::FAILURE
        }
    }
}
