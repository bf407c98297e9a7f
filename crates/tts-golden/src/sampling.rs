//! Kind `sampling`: the logits pipeline and its distribution.

use serde_json::Value;
use tts_sampler::{History, SamplerError, SamplingParams, TokenRules};

use crate::error::GoldenError;
use crate::recorded::{Recorded, largest_difference};
use crate::report::Outcome;
use crate::set::{GoldenSet, text};

const BOUND: f64 = 1e-6;

pub(crate) fn run(
    _: &mut GoldenSet,
    case: &Value,
    recorded: &mut Recorded,
) -> Result<(), GoldenError> {
    for item in case["facts"]["items"].as_array().into_iter().flatten() {
        let id = text(item, "id")?;
        let logits = recorded.floats(&format!("logits.{id}"))?;
        let history = recorded.integers(&format!("history.{id}"))?;
        let scores = recorded.floats(&format!("scores.{id}"))?;
        let probs = recorded.floats(&format!("probs.{id}"))?;
        match process(item, &logits, &history) {
            Ok(actual) => {
                let relative = relative_difference(&scores, &actual);
                let outcome = Outcome::Difference { max_abs: relative, bound: BOUND };
                recorded.row(&format!("scores.{id}"), outcome);
                let max_abs = largest_difference(&probs, &tts_sampler::probabilities(&actual));
                let outcome = Outcome::Difference { max_abs, bound: BOUND };
                recorded.row(&format!("probs.{id}"), outcome);
            }
            Err(error) => recorded.row(id, Outcome::Failed(error.to_string())),
        }
    }
    Ok(())
}

fn process(item: &Value, logits: &[f32], history: &[i64]) -> Result<Vec<f32>, SamplerError> {
    let float = |name: &str, or: f32| item[name].as_f64().map_or(or, |v| v as f32);
    let size = |value: &Value| value.as_u64().unwrap_or_default() as usize;
    let params = SamplingParams {
        do_sample: true,
        temperature: float("temperature", 1.0),
        top_k: size(&item["top_k"]),
        top_p: float("top_p", 1.0),
        repetition_penalty: float("repetition_penalty", 1.0),
        min_new_tokens: size(&item["min_new_tokens"]),
    };
    let suppress = &item["suppress"];
    let ids = |list: &Value| -> Vec<u32> {
        list.as_array().into_iter().flatten().map(|id| size(id) as u32).collect()
    };
    let suppressed: Vec<u32> = if suppress.is_object() {
        let except = ids(&suppress["except"]);
        let range = size(&suppress["from"]) as u32..size(&suppress["to"]) as u32;
        range.filter(|id| !except.contains(id)).collect()
    } else {
        ids(suppress)
    };
    let eos = item["eos"].as_u64().map(|id| id as u32);
    let rules = TokenRules::new(logits.len(), suppressed, eos)?;
    let mut seen = History::new(logits.len());
    for &id in history {
        seen.push(id as u32)?;
    }
    let mut scores = Vec::new();
    tts_sampler::process(logits, &params, &rules, &seen, &mut scores)?;
    Ok(scores)
}

fn relative_difference(expected: &[f32], actual: &[f32]) -> f64 {
    expected.iter().zip(actual).fold(0.0, |worst, (&e, &a)| {
        if e == a {
            return worst;
        }
        let difference = f64::from(e) - f64::from(a);
        let relative = (difference / f64::from(e)).abs();
        if relative.is_nan() { f64::INFINITY } else { worst.max(relative) }
    })
}
