//! Steps 1 to 6: from logits to the scores that may still be drawn.

use tts_profiling::{Stage, stage_span};

use crate::error::SamplerError;
use crate::exp::exp;
use crate::history::History;
use crate::params::SamplingParams;
use crate::rules::TokenRules;

/// Applies penalty, minimum length, suppression, temperature, top-k and top-p;
/// the last three only if sampling. Removed tokens have the score -inf.
///
/// # Errors
/// If the lengths differ, a logit is NaN or +inf, or no token is left.
pub fn process(
    logits: &[f32],
    params: &SamplingParams,
    rules: &TokenRules,
    history: &History,
    scores: &mut Vec<f32>,
) -> Result<(), SamplerError> {
    mask(logits, params, rules, history, scores)?;
    cut(params, rules, scores, &mut Vec::new())
}

/// Softmax in f32; removed tokens have probability 0.
pub fn probabilities(scores: &[f32]) -> Vec<f32> {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f64> = scores.iter().map(|&s| f64::from(s - largest).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|w| (w / total) as f32).collect()
}

/// Steps 1 to 3, which apply when greedy as well.
pub(crate) fn mask(
    logits: &[f32],
    params: &SamplingParams,
    rules: &TokenRules,
    history: &History,
    scores: &mut Vec<f32>,
) -> Result<(), SamplerError> {
    let (found, expected) = (logits.len(), rules.vocab());
    if found != expected || history.seen().len() != expected {
        return Err(SamplerError::Length { found, expected });
    }
    if let Some((token, &value)) =
        logits.iter().enumerate().find(|(_, l)| l.is_nan() || **l == f32::INFINITY)
    {
        return Err(SamplerError::NotFinite { token, value });
    }
    scores.clear();
    scores.extend_from_slice(logits);
    let penalty = params.repetition_penalty;
    if penalty != 1.0 {
        for (token, (score, &seen)) in scores.iter_mut().zip(history.seen()).enumerate() {
            if seen {
                *score = if *score < 0.0 { *score * penalty } else { *score / penalty };
            }
            if *score == f32::INFINITY {
                return Err(SamplerError::NotFinite { token, value: *score });
            }
        }
    }
    for (score, &suppressed) in scores.iter_mut().zip(rules.suppressed()) {
        if suppressed {
            *score = f32::NEG_INFINITY;
        }
    }
    if history.drawn() < params.min_new_tokens
        && let Some(eos) = rules.eos()
        && let Some(score) = scores.get_mut(eos as usize)
    {
        *score = f32::NEG_INFINITY;
    }
    if scores.iter().all(|&score| score == f32::NEG_INFINITY) {
        return Err(SamplerError::AllSuppressed { vocab: expected });
    }
    Ok(())
}

/// Steps 4 to 6. Fails if a score overflows, or the best one does downwards.
pub(crate) fn cut(
    params: &SamplingParams,
    rules: &TokenRules,
    scores: &mut [f32],
    order: &mut Vec<u32>,
) -> Result<(), SamplerError> {
    if params.do_sample && params.temperature != 1.0 {
        for (token, score) in scores.iter_mut().enumerate() {
            *score /= params.temperature;
            if *score == f32::INFINITY {
                return Err(SamplerError::NotFinite { token, value: *score });
            }
        }
        if scores.iter().all(|&score| score == f32::NEG_INFINITY) {
            return Err(SamplerError::NotFinite { token: 0, value: f32::NEG_INFINITY });
        }
    }
    if rules.traced() {
        {
            let _span = stage_span!(Stage::TopK);
            top_k(params, scores, order);
        }
        let _span = stage_span!(Stage::TopP);
        top_p(params, scores, order);
    } else {
        top_k(params, scores, order);
        top_p(params, scores, order);
    }
    Ok(())
}

/// Removes everything strictly below the k-th largest score.
fn top_k(params: &SamplingParams, scores: &mut [f32], order: &mut Vec<u32>) {
    if !params.do_sample || params.top_k == 0 || params.top_k >= scores.len() {
        return;
    }
    order.clear();
    order.extend(0..scores.len() as u32);
    let score = |id: u32| scores.get(id as usize).copied().unwrap_or(f32::NEG_INFINITY);
    let (_, &mut kth, _) =
        order.select_nth_unstable_by(params.top_k - 1, |&a, &b| score(b).total_cmp(&score(a)));
    let threshold = score(kth);
    for score in scores {
        if *score < threshold {
            *score = f32::NEG_INFINITY;
        }
    }
}

/// Removes every token above which the mass of the nucleus is complete already;
/// the largest always stays.
fn top_p(params: &SamplingParams, scores: &mut [f32], order: &mut Vec<u32>) {
    if !params.do_sample || params.top_p >= 1.0 {
        return;
    }
    let score =
        |scores: &[f32], id: u32| scores.get(id as usize).copied().unwrap_or(f32::NEG_INFINITY);
    order.clear();
    order.extend((0..scores.len() as u32).filter(|&id| score(scores, id) > f32::NEG_INFINITY));
    order.sort_unstable_by(|&a, &b| score(scores, b).total_cmp(&score(scores, a)).then(a.cmp(&b)));
    let Some(&best) = order.first() else { return };
    let largest = score(scores, best);
    let total: u64 = order.iter().map(|&id| weight(score(scores, id), largest)).sum();
    // An integer, so that the cut is the same whatever the order of the sums.
    let nucleus = (f64::from(params.top_p) * total as f64).ceil() as u64;
    let mut above = weight(largest, largest);
    for &id in order.iter().skip(1) {
        let own = weight(score(scores, id), largest);
        if above >= nucleus
            && let Some(score) = scores.get_mut(id as usize)
        {
            *score = f32::NEG_INFINITY;
        }
        above += own;
    }
}

/// The probability of a score relative to the largest one, with 32 fractional
/// bits: integers add up to the same sum in any order.
pub(crate) fn weight(score: f32, largest: f32) -> u64 {
    const ONE: f32 = (1_u64 << 32) as f32;
    (exp(score - largest) * ONE) as u64
}
