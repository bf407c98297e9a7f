//! Kind `codec_decode`: codes to samples, stage by stage.

use serde_json::Value;

use crate::error::GoldenError;
use crate::recorded::{Recorded, flat, frame_rms};
use crate::report::Outcome;
use crate::set::{GoldenSet, text};

pub(crate) fn run(
    set: &mut GoldenSet,
    case: &Value,
    recorded: &mut Recorded,
) -> Result<(), GoldenError> {
    let model = set.model(text(case, "checkpoint")?)?;
    let codec = model.codec();
    let width = recorded.tensor("codes")?.dims().last().copied().unwrap_or(1);
    let codes: Vec<u32> = recorded.integers("codes")?.iter().map(|&code| code as u32).collect();
    let frames: Vec<&[u32]> = codes.chunks(width.max(1)).collect();

    let mut stages = Vec::new();
    let streamed = codec.new_state().and_then(|mut state| {
        codec.push_with(&frames, &mut state, &mut |name, tensor| {
            stages.push((format!("stage.{name}"), flat(tensor)?));
            Ok(())
        })
    });
    let chunked = codec.decode_in_reference_chunks(&frames);
    let (streamed, chunked) = match (streamed, chunked) {
        (Ok(streamed), Ok(chunked)) => (streamed, chunked),
        (Err(e), _) | (_, Err(e)) => {
            recorded.row("decode", Outcome::Failed(e.to_string()));
            return Ok(());
        }
    };
    for (name, actual) in stages {
        if recorded.has(&name) {
            let expected = recorded.floats(&name)?;
            recorded.compare(&name, &expected, &actual);
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
