//! Kind `generate`: the public API, greedy, watched by a probe.

use std::collections::HashMap;
use std::sync::Arc;

use candle_core::Tensor;
use serde_json::Value;
use tts::{
    Audio, CodecMode, Guard, Layout, Model, Observation, Options, Precision, Probe,
    ReferenceOptions, Request, TextOptions, TtsError, Voice, VoicePrompt,
};
use tts_sampler::{History, SamplingParams, TokenRules};
use tts_text::Literals;

use crate::error::GoldenError;
use crate::recorded::{Recorded, flat, frame_rms};
use crate::report::Outcome;
use crate::set::{GoldenSet, text};

/// Recorded steps and frames of a run.
const STEPS: usize = 4;
const FRAMES: usize = 2;

/// What the pipeline computed, flat, by item and name.
#[derive(Default)]
struct Seen {
    values: HashMap<(usize, String), Vec<f32>>,
    positions: HashMap<(usize, usize), usize>,
    ids: HashMap<(usize, &'static str), Vec<i64>>,
}

impl Seen {
    fn keep(&mut self, item: usize, name: String, tensor: &Tensor) -> candle_core::Result<()> {
        self.values.entry((item, name)).or_default().extend(flat(tensor)?);
        Ok(())
    }

    fn take(&mut self, item: usize, name: &str) -> Vec<f32> {
        self.values.remove(&(item, name.to_owned())).unwrap_or_default()
    }
}

impl Probe for Seen {
    fn observe(&mut self, item: usize, observation: Observation<'_>) -> candle_core::Result<()> {
        match observation {
            Observation::Prompt(prompt) => {
                let ids = |ids: &[u32]| ids.iter().map(|&id| i64::from(id)).collect();
                self.ids.insert((item, "text_ids"), ids(&prompt.text_ids));
                if let Some(instruct) = &prompt.instruct_ids {
                    self.ids.insert((item, "instruct_ids"), ids(instruct));
                }
                if let Some(reference) = &prompt.reference_ids {
                    self.ids.insert((item, "ref_ids"), ids(reference));
                }
                Ok(())
            }
            Observation::PromptEmbeds(x) => self.keep(item, "prompt_embeds".into(), x),
            Observation::TrailingText(x) => self.keep(item, "trailing_text".into(), x),
            Observation::PadText(x) => self.keep(item, "tts_pad_embed".into(), x),
            Observation::PrefillHidden(layer, x) => {
                self.keep(item, format!("prefill.hidden.{layer}"), x)
            }
            Observation::StepInput(n, position, x) if n < STEPS => {
                self.positions.insert((item, n), position);
                self.keep(item, format!("step{n}.input_embeds"), x)
            }
            Observation::StepOutput(n, hidden, logits) if n < STEPS => {
                self.keep(item, format!("step{n}.hidden"), hidden)?;
                self.keep(item, format!("step{n}.logits"), logits)
            }
            Observation::PredictorInput(n, hidden, first) if n < FRAMES => {
                let name = format!("frame{n}.predictor_input");
                self.keep(item, name.clone(), hidden)?;
                self.keep(item, name, first)
            }
            Observation::PredictorOutput(n, _, hidden, logits) if n < FRAMES => {
                self.keep(item, format!("frame{n}.predictor_hidden"), hidden)?;
                self.keep(item, format!("frame{n}.predictor_logits"), logits)
            }
            _ => Ok(()),
        }
    }
}

pub(crate) fn run(
    set: &mut GoldenSet<'_>,
    case: &Value,
    recorded: &mut Recorded,
) -> Result<(), GoldenError> {
    let model = set.model(text(case, "checkpoint")?)?;
    let mut requests = requests(case, &model);
    if case["api"] == "voice_clone" {
        let prompts = match reference_voices(case, &model, recorded)? {
            Ok(prompts) => prompts,
            Err(error) => {
                recorded.row("reference", Outcome::Failed(error.to_string()));
                return Ok(());
            }
        };
        for (item, request) in requests.iter_mut().enumerate() {
            // One reference serves all texts.
            let prompt = prompts.get(item).or(prompts.first()).cloned();
            request.voice = prompt.map_or(Voice::Unnamed, Voice::Cloned);
        }
    }
    let is_exact = set.target.precision == Precision::F32;
    if !is_exact {
        // Other tokens may be drawn, so nothing behind the first can be compared.
        for request in &mut requests {
            request.options.max_new_tokens = 1;
        }
    }
    let mut seen = Seen::default();
    let utterances = match model.speak_batch_with(&requests, &mut seen) {
        Ok(utterances) => utterances,
        Err(error) => {
            recorded.row("generate", Outcome::Failed(error.to_string()));
            return Ok(());
        }
    };
    let batch = Batch { items: requests.len(), prompt: prompt_lengths(recorded)? };
    compare_prompt(recorded, &mut seen, &batch)?;
    if !is_exact {
        for item in 0..batch.items {
            let actual = seen.take(item, "step0.logits");
            compare_row(recorded, "step0.logits", &batch, item, &actual)?;
        }
        return Ok(());
    }
    compare_steps(recorded, &mut seen, &batch, &model, &requests)?;
    let drawn = recorded.integers("first_codes")?;
    let row = drawn.len() / batch.items.max(1);
    for (item, utterance) in utterances.iter().enumerate() {
        let actual: Vec<i64> = utterance.first_codes.iter().map(|&c| i64::from(c)).collect();
        let expected = &drawn[item * row..(item + 1) * row];
        // Rows that ended earlier are padded.
        let expected = expected.get(..actual.len()).unwrap_or(expected);
        recorded.compare_integers(&format!("first_codes.{item}"), expected, &actual);
        let codes = format!("codes.{item}");
        let expected = recorded.integers(&codes)?;
        let actual: Vec<i64> = utterance.frames.iter().flatten().map(|&c| i64::from(c)).collect();
        recorded.compare_integers(&codes, &expected, &actual);
        compare_wave(recorded, item, &utterance.audio.samples, model.codec().samples_per_frame())?;
    }
    Ok(())
}

/// Compares a waveform: all of it, or every fourth sample and the loudness of every
/// frame, which is what a small set keeps of it.
fn compare_wave(
    recorded: &mut Recorded,
    item: usize,
    samples: &[f32],
    samples_per_frame: usize,
) -> Result<(), GoldenError> {
    let whole = format!("wav.{item}");
    if recorded.has(&whole) {
        let expected = recorded.floats(&whole)?;
        recorded.compare(&whole, &expected, samples);
        return Ok(());
    }
    let loudness = format!("wav_frame_rms.{item}");
    let expected = recorded.floats(&loudness)?;
    recorded.compare(&loudness, &expected, &frame_rms(samples, samples_per_frame));
    let sparse = format!("wav_every_4.{item}");
    let expected = recorded.floats(&sparse)?;
    let actual: Vec<f32> = samples.iter().copied().step_by(4).collect();
    recorded.compare(&sparse, &expected, &actual);
    Ok(())
}

fn requests(case: &Value, model: &Model) -> Vec<Request> {
    let count = case["text"].as_array().map_or(1, Vec::len);
    let field = |name: &str, item: usize| -> Option<String> {
        let value = &case[name];
        let value = value.as_array().map_or(Some(value), |list| list.get(item));
        value.and_then(Value::as_str).map(str::to_owned)
    };
    let params = &case["params"];
    let flag = |name: &str, or: bool| params[name].as_bool().unwrap_or(or);
    let float = |name: &str, or: f32| params[name].as_f64().map_or(or, |v| v as f32);
    let size = |name: &str, or: usize| params[name].as_u64().map_or(or, |v| v as usize);
    let d = model.default_options();
    let options = Options {
        talker: SamplingParams {
            do_sample: flag("do_sample", d.talker.do_sample),
            temperature: float("temperature", d.talker.temperature),
            top_k: size("top_k", d.talker.top_k),
            top_p: float("top_p", d.talker.top_p),
            repetition_penalty: float("repetition_penalty", d.talker.repetition_penalty),
            ..d.talker
        },
        predictor: SamplingParams {
            do_sample: flag("subtalker_dosample", d.predictor.do_sample),
            temperature: float("subtalker_temperature", d.predictor.temperature),
            top_k: size("subtalker_top_k", d.predictor.top_k),
            top_p: float("subtalker_top_p", d.predictor.top_p),
            ..d.predictor
        },
        max_new_tokens: size("max_new_tokens", d.max_new_tokens),
        layout: case["non_streaming_mode"].as_bool().map(|non_streaming| {
            if non_streaming { Layout::NonStreaming } else { Layout::Streaming }
        }),
        // The official package neither trims nor neutralises.
        text: TextOptions { trim: false, literals: Literals::Special },
        codec: CodecMode::ReferenceChunks,
        guard: Guard::off(),
        ..d
    };
    (0..count)
        .map(|item| Request {
            text: field("text", item).unwrap_or_default(),
            language: field("language", item),
            voice: field("speaker", item).map_or(Voice::Unnamed, Voice::Speaker),
            instruct: field("instruct", item).filter(|instruct| !instruct.is_empty()),
            options: options.clone(),
        })
        .collect()
}

/// The voices of a case, compared with the recorded ones.
fn reference_voices(
    case: &Value,
    model: &Model,
    recorded: &mut Recorded,
) -> Result<Result<Vec<Arc<VoicePrompt>>, TtsError>, GoldenError> {
    let references = match &case["reference"] {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    };
    let mut waves = Vec::with_capacity(references.len());
    for item in 0..references.len() {
        waves.push(recorded.floats(&format!("ref_wav.{item}"))?);
    }
    let longest = waves.iter().map(Vec::len).max().unwrap_or_default();
    let mut voices = Vec::with_capacity(references.len());
    for (item, (reference, wave)) in references.iter().zip(waves).enumerate() {
        let rate = reference["waveform"]["rate"].as_u64().unwrap_or(24_000) as u32;
        let audio = Audio { samples: wave, sample_rate: rate };
        let voice = match reference_voice(reference, model, &audio, longest) {
            Ok(voice) => voice,
            Err(error) => return Ok(Err(error)),
        };
        let stage = format!("ref_speaker_embedding.{item}");
        let expected = recorded.floats(&stage)?;
        recorded.compare(&stage, &expected, &voice.x_vector);
        if let Some(speech) = &voice.reference {
            let stage = format!("ref_codes.{item}");
            let expected = recorded.integers(&stage)?;
            let actual: Vec<i64> = speech.frames.iter().flatten().map(|&c| i64::from(c)).collect();
            recorded.compare_integers(&stage, &expected, &actual);
        }
        voices.push(Arc::new(voice));
    }
    Ok(Ok(voices))
}

/// The official package encodes the audio of a batch together, padded with zeros.
fn reference_voice(
    reference: &Value,
    model: &Model,
    audio: &Audio,
    longest: usize,
) -> Result<VoicePrompt, TtsError> {
    let x_vector_only = reference["x_vector_only"].as_bool().unwrap_or_default();
    let options = ReferenceOptions { x_vector_only, ..ReferenceOptions::default() };
    let (mut voice, _) = model.voice_prompt(audio, reference["text"].as_str(), &options)?;
    if let Some(speech) = &mut voice.reference
        && audio.samples.len() < longest
    {
        let mut padded = audio.samples.clone();
        padded.resize(longest, 0.0);
        let frames = model.codec_encoder()?.encode(&padded)?;
        let kept = speech.frames.len();
        speech.frames = frames.into_iter().take(kept).collect();
    }
    Ok(voice)
}

/// The recorded batch is left-padded; this engine does not pad.
struct Batch {
    items: usize,
    /// Padded length, and the real length of each item.
    prompt: (usize, Vec<usize>),
}

fn prompt_lengths(recorded: &Recorded) -> Result<(usize, Vec<usize>), GoldenError> {
    let padded = recorded.tensor("prompt_mask")?.dims().last().copied().unwrap_or(1).max(1);
    let mask = recorded.integers("prompt_mask")?;
    let lengths = mask.chunks(padded).map(|row| row.iter().filter(|&&m| m == 1).count());
    Ok((padded, lengths.collect()))
}

/// The part of a padded `[batch, time, width]` tensor that belongs to an item.
fn unpadded<'a>(values: &'a [f32], batch: &Batch, item: usize) -> &'a [f32] {
    let (padded, lengths) = &batch.prompt;
    let width = values.len() / (batch.items * padded).max(1);
    let end = (item + 1) * padded * width;
    let start = end - lengths.get(item).copied().unwrap_or(0) * width;
    values.get(start..end).unwrap_or_default()
}

fn compare_prompt(
    recorded: &mut Recorded,
    seen: &mut Seen,
    batch: &Batch,
) -> Result<(), GoldenError> {
    let embeds = recorded.floats("prompt_embeds")?;
    let pad = recorded.floats("tts_pad_embed")?;
    let trailing = recorded.floats("trailing_text")?;
    let hidden = recorded.floats("prefill.hidden")?;
    let layers = recorded.tensor("prefill.hidden")?.dims().first().copied().unwrap_or(1).max(1);
    for item in 0..batch.items {
        for name in ["text_ids", "instruct_ids", "ref_ids"] {
            let stage = format!("{name}.{item}");
            let actual = seen.ids.remove(&(item, name));
            if recorded.has(&stage) {
                let expected = recorded.integers(&stage)?;
                recorded.compare_integers(&stage, &expected, &actual.unwrap_or_default());
            }
        }
        let actual = seen.take(item, "prompt_embeds");
        recorded.compare("prompt_embeds", unpadded(&embeds, batch, item), &actual);
        recorded.compare("tts_pad_embed", &pad, &seen.take(item, "tts_pad_embed"));
        // After the end of its own text an item is padded with the pad row.
        let row = trailing.len() / batch.items;
        let mut actual = seen.take(item, "trailing_text");
        while actual.len() < row {
            actual.extend_from_slice(&pad);
        }
        recorded.compare("trailing_text", &trailing[item * row..(item + 1) * row], &actual);
        for (layer, expected) in hidden.chunks(hidden.len() / layers).enumerate() {
            let actual = seen.take(item, &format!("prefill.hidden.{layer}"));
            recorded.compare(
                &format!("prefill.{layer}.hidden"),
                unpadded(expected, batch, item),
                &actual,
            );
        }
    }
    Ok(())
}

fn compare_steps(
    recorded: &mut Recorded,
    seen: &mut Seen,
    batch: &Batch,
    model: &Model,
    requests: &[Request],
) -> Result<(), GoldenError> {
    let c = &model.config().talker_config;
    let rules = TokenRules::talker(c.vocab_size, model.config().code_count(), c.codec_eos_token_id);
    let drawn = recorded.integers("first_codes")?;
    let tokens = drawn.len() / batch.items.max(1);
    for (item, request) in requests.iter().enumerate() {
        let row = &drawn[item * tokens..(item + 1) * tokens];
        let mut history = History::new(c.vocab_size);
        let live = row
            .iter()
            .position(|&t| t == i64::from(c.codec_eos_token_id))
            .map_or(tokens, |p| p + 1);
        for n in 0..STEPS.min(live) {
            for name in ["input_embeds", "hidden", "logits"] {
                let stage = format!("step{n}.{name}");
                let actual = seen.take(item, &stage);
                compare_row(recorded, &stage, batch, item, &actual)?;
                if name == "logits" {
                    let mut scores = Vec::new();
                    let talker = &request.options.talker;
                    match tts_sampler::process(&actual, talker, &rules, &history, &mut scores) {
                        Ok(()) => {
                            let stage = format!("step{n}.scores");
                            compare_row(recorded, &stage, batch, item, &scores)?;
                        }
                        Err(e) => recorded.row("scores", Outcome::Failed(e.to_string())),
                    }
                }
            }
            if let Some(&position) = seen.positions.get(&(item, n)) {
                let stage = format!("step{n}.position");
                let expected = recorded.integers(&stage)?;
                let expected = expected.get(item..=item).unwrap_or_default();
                recorded.compare_integers(&stage, expected, &[position as i64]);
            }
            if let Some(&token) = row.get(n)
                && let Err(e) = history.push(token as u32)
            {
                recorded.row("history", Outcome::Failed(e.to_string()));
            }
        }
        for n in 0..FRAMES.min(live.saturating_sub(1)) {
            for name in ["predictor_input", "predictor_hidden", "predictor_logits"] {
                let stage = format!("frame{n}.{name}");
                let actual = seen.take(item, &stage);
                compare_row(recorded, &stage, batch, item, &actual)?;
            }
        }
    }
    Ok(())
}

/// Compares with one row of a recorded `[batch, ..]` tensor.
fn compare_row(
    recorded: &mut Recorded,
    stage: &str,
    batch: &Batch,
    item: usize,
    actual: &[f32],
) -> Result<(), GoldenError> {
    if recorded.has(stage) {
        let expected = recorded.floats(stage)?;
        let row = expected.len() / batch.items.max(1);
        recorded.compare(stage, &expected[item * row..(item + 1) * row], actual);
    }
    Ok(())
}
