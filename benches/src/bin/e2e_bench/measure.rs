//! One run.

use std::time::Instant;

use anyhow::Result;
use serde::Serialize;
use tts::{ChunkSchedule, Model, Request, SynthesisTiming, Utterance};
use tts_audio::analysis;

use crate::args::Args;
use crate::playback::{Arrival, Playback};

/// Frames of the largest chunk of a stream.
const LARGEST_CHUNK: usize = 25;

/// What one run took.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Sample {
    pub(crate) wall_ms: f64,
    pub(crate) audio_secs: f64,
    pub(crate) frames: usize,
    pub(crate) prefill_ms: f64,
    pub(crate) generate_ms: f64,
    pub(crate) decode_ms: f64,
    /// Of a stream only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) playback: Option<Playback>,
}

impl Sample {
    /// Seconds of work for a second of audio.
    pub(crate) fn rtf(&self) -> f64 {
        ratio(self.wall_ms / 1e3, self.audio_secs)
    }

    /// Frames, each of which begins with a token of the talker, in a second of work.
    pub(crate) fn tokens_per_second(&self) -> f64 {
        ratio(self.frames as f64, self.wall_ms / 1e3)
    }
}

/// A ratio; 0 if there is nothing to divide by.
pub(crate) fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}

/// Speaks a request and measures it.
#[inline(never)] // `cargo xtask bench gate` counts what is below this function
pub(crate) fn run(model: &Model, request: &Request, args: &Args) -> Result<Sample> {
    let started = Instant::now();
    if args.streaming {
        return stream(model, request, args, started);
    }
    let requests: Vec<Request> = (0..args.batch.unwrap_or(1))
        .map(|utterance| {
            let mut request = request.clone();
            request.options.utterance = utterance;
            request
        })
        .collect();
    let utterances = model.speak_batch(&requests)?;
    let wall_ms = ms(started);
    Ok(whole(&utterances, wall_ms))
}

/// Stages that a batch shares count once; those of each utterance are added.
fn whole(utterances: &[Utterance], wall_ms: f64) -> Sample {
    let timings = || utterances.iter().map(|utterance| utterance.timing);
    let sum = |time: fn(SynthesisTiming) -> f64| timings().map(time).sum::<f64>();
    Sample {
        wall_ms,
        audio_secs: sum(|timing| timing.audio_secs),
        frames: timings().map(|timing| timing.frames).sum(),
        prefill_ms: sum(|timing| timing.prefill_ms),
        generate_ms: timings().map(|timing| timing.generate_ms).fold(0.0, f64::max),
        decode_ms: sum(|timing| timing.decode_ms),
        playback: None,
    }
}

fn stream(model: &Model, request: &Request, args: &Args, started: Instant) -> Result<Sample> {
    let schedule = ChunkSchedule::doubling(args.first_chunk as usize, LARGEST_CHUNK).in_time();
    let mut stream = model.stream(request, schedule)?;
    let (mut arrivals, mut samples) = (Vec::new(), Vec::new());
    for chunk in stream.by_ref() {
        let chunk = chunk?;
        let plays_ms = chunk.samples.len() as f64 * 1e3 / f64::from(model.sample_rate());
        arrivals.push(Arrival { at_ms: ms(started), plays_ms });
        samples.extend(chunk.samples);
    }
    let wall_ms = ms(started);
    let timing = stream.session().timing();
    let silence = analysis::leading_silence_secs(&samples, model.sample_rate());
    Ok(Sample {
        wall_ms,
        audio_secs: timing.audio_secs,
        frames: timing.frames,
        prefill_ms: timing.prefill_ms,
        generate_ms: timing.generate_ms,
        decode_ms: timing.decode_ms,
        playback: Some(Playback::of(&arrivals, silence * 1e3)),
    })
}

fn ms(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}
