//! Prepares a (made-up) recording as reference audio: reads it, measures it, brings it to
//! 24 kHz and writes it as FLAC.
//!
//! Run with `cargo run -p tts-audio --example prepare_reference`.

use std::error::Error;
use std::f32::consts::TAU;

use tts_audio::{
    Audio, AudioFormat, Limits, analysis, read_audio_file, resample, write_audio_file,
};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("hum.wav");
    write_audio_file(&hum(), &path, AudioFormat::WavF32)?;

    let recording = read_audio_file(&path, Limits { max_seconds: 60.0 })?;
    let Audio { samples, sample_rate } = &recording;
    println!("{:.2} s at {sample_rate} Hz", recording.duration_secs());
    println!("peak {:.3}, RMS {:.3}", analysis::peak(samples), analysis::rms(samples));
    println!("clipped: {:.2} %", 100.0 * analysis::clipped_ratio(samples));
    println!("silent: {:.0} %", 100.0 * analysis::silence_ratio(samples, *sample_rate));

    let mut reference = resample(&recording, 24_000)?;
    reference.fade_in(0.01);
    if analysis::trailing_silence_secs(&reference.samples, reference.sample_rate) < 0.5 {
        reference.append_silence(0.5)?;
    }
    let output = directory.path().join("reference.flac");
    write_audio_file(&reference, &output, AudioFormat::Flac)?;
    println!("reference: {:.2} s, {} bytes", reference.duration_secs(), output.metadata()?.len());
    Ok(())
}

/// Two seconds at 44.1 kHz.
fn hum() -> Audio {
    let sample = |i| 0.3 * (TAU * 110.0 * i as f32 / 44_100.0).sin();
    Audio { samples: (0..88_200).map(sample).collect(), sample_rate: 44_100 }
}
