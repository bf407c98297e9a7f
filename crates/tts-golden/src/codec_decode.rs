//! Kind `codec_decode`: codes to samples, stage by stage.

use candle_core::Tensor;
use serde_json::Value;

use crate::error::GoldenError;
use crate::recorded::{Recorded, flat, frame_rms};
use crate::report::Outcome;
use crate::set::{GoldenSet, text};

/// Frames that a decoder takes at once on every device.
const FRAMES: usize = 32;

/// The pieces of every stage, in the order of stages.
#[derive(Default)]
struct Stages(Vec<(String, Vec<Tensor>)>);

impl Stages {
    fn keep(&mut self, name: &str, x: &Tensor) -> candle_core::Result<()> {
        let piece = x.copy()?;
        match self.0.iter_mut().find(|(stage, _)| stage == name) {
            Some((_, pieces)) => pieces.push(piece),
            None => self.0.push((name.to_owned(), vec![piece])),
        }
        Ok(())
    }
}

/// The dimension of time.
fn time_of(stage: &str) -> usize {
    usize::from(!stage.starts_with("transformer"))
}

pub(crate) fn run(
    set: &mut GoldenSet<'_>,
    case: &Value,
    recorded: &mut Recorded,
) -> Result<(), GoldenError> {
    let model = set.model(text(case, "checkpoint")?)?;
    let codec = model.codec();
    let width = recorded.tensor("codes")?.dims().last().copied().unwrap_or(1);
    let codes: Vec<u32> = recorded.integers("codes")?.iter().map(|&code| code as u32).collect();
    let frames: Vec<&[u32]> = codes.chunks(width.max(1)).collect();

    let mut stages = Stages::default();
    let streamed = codec.new_state().and_then(|mut state| {
        let mut samples = Vec::new();
        for piece in frames.chunks(FRAMES) {
            let mut keep = |name: &str, x: &Tensor| stages.keep(name, x);
            samples.extend(codec.push_with(piece, &mut state, &mut keep)?);
        }
        Ok(samples)
    });
    let chunked = codec.decode_in_reference_chunks(&frames);
    let (streamed, chunked) = match (streamed, chunked) {
        (Ok(streamed), Ok(chunked)) => (streamed, chunked),
        (Err(e), _) | (_, Err(e)) => {
            recorded.row("decode", Outcome::Failed(e.to_string()));
            return Ok(());
        }
    };
    for (name, pieces) in stages.0 {
        let stage = format!("stage.{name}");
        if recorded.has(&stage) {
            let expected = recorded.floats(&stage)?;
            match Tensor::cat(&pieces, time_of(&name)).and_then(|whole| flat(&whole)) {
                Ok(actual) => recorded.compare(&stage, &expected, &actual),
                Err(e) => recorded.row(&stage, Outcome::Failed(e.to_string())),
            }
        }
    }
    if recorded.has("wav") {
        let expected = recorded.floats("wav")?;
        recorded.compare("wav", &expected, &streamed);
        recorded.compare("wav (reference chunks)", &expected, &chunked);
        return Ok(());
    }
    let samples = codec.samples_per_frame();
    let rms = frame_rms(&chunked, samples);
    let expected = recorded.floats("wav_frame_rms")?;
    recorded.compare("wav_frame_rms", &expected, &rms);
    let spans = case["facts"]["wav_spans_in_frames"].as_array().cloned().unwrap_or_default();
    for (k, span) in spans.iter().enumerate() {
        let edge = |i: usize| span[i].as_u64().unwrap_or_default() as usize * samples;
        let name = format!("wav_span.{k}");
        let expected = recorded.floats(&name)?;
        let actual = chunked.get(edge(0)..edge(1)).unwrap_or_default();
        recorded.compare(&name, &expected, actual);
    }
    Ok(())
}
