//! Writes a rising tone as a WAV file and a picture, and checks both files.
//!
//! Run with `cargo run -p tts-audio --example plot_tone`.

use std::error::Error;
use std::f32::consts::TAU;

use tts_audio::plot::{self, PlotOptions};
use tts_audio::{Audio, Limits, read_audio_file, write_file_atomically, write_wav_file};

const SAMPLE_RATE: u32 = 24_000;
const SECONDS: f32 = 3.0;

fn main() -> Result<(), Box<dyn Error>> {
    let audio = chirp(200.0, 8000.0);
    let directory = tempfile::tempdir()?;

    let wav = directory.path().join("chirp.wav");
    write_wav_file(&audio, &wav)?;
    let back = read_audio_file(&wav, Limits { max_seconds: 10.0 })?;
    assert_eq!(back.samples.len(), audio.samples.len());

    let options =
        PlotOptions { title: "chirp, 200 Hz to 8 kHz".to_owned(), ..PlotOptions::default() };
    let png = plot::render(&audio, &options)?.encode_png()?;
    let picture = directory.path().join("chirp.png");
    write_file_atomically(&picture, |file| file.write_all(&png))?;

    for path in [wav, picture] {
        println!("{}: {} bytes", path.display(), path.metadata()?.len());
    }
    Ok(())
}

/// A tone that rises linearly between two frequencies in Hz and fades in and out.
fn chirp(from: f32, to: f32) -> Audio {
    let count = (SECONDS * SAMPLE_RATE as f32) as usize;
    let samples = (0..count).map(|i| {
        let t = i as f32 / SAMPLE_RATE as f32;
        let cycles = from * t + (to - from) * t * t / (2.0 * SECONDS);
        let fade = (TAU / 2.0 * t / SECONDS).sin();
        0.6 * fade * (TAU * cycles.fract()).sin()
    });
    Audio { samples: samples.collect(), sample_rate: SAMPLE_RATE }
}
