//! From a request to the first token.

use std::time::Instant;

use candle_core::{DType, Tensor};
use tts_codec_decoder::CodecDecoder;
use tts_profiling::{Stage, stage_span};
use tts_sampler::History;
use tts_text::{
    CodecInput, Layout, OpenPrompt, Prompt, PromptRequest, Reference, Speaker, build_prompt,
    open_prompt,
};

use crate::error::TtsError;
use crate::generate::Generator;
use crate::guard::Watch;
use crate::model::Model;
use crate::options::Options;
use crate::probe::{Observation, Probe};
use crate::request::Request;
use crate::speaking::{Sound, Speaking, TextRows};
use crate::timing::{SynthesisTiming, ms};
use crate::voice::Voice;

/// Checks a request and lays out its prompt.
pub(crate) fn prompt(model: &Model, request: &Request) -> Result<Prompt, TtsError> {
    let prompt = build_prompt(&model.tokenizer, model.config(), &read(model, request)?)?;
    let limit = model.config().talker_config.max_position_embeddings;
    if prompt.positions.len() >= limit {
        return Err(TtsError::TooLong {
            prompt: prompt.positions.len(),
            tokens: request.options.max_new_tokens,
            limit,
        });
    }
    Ok(prompt)
}

/// Checks a request whose text is still to come.
pub(crate) fn open(model: &Model, request: &Request) -> Result<OpenPrompt, TtsError> {
    if request.options.layout == Some(Layout::NonStreaming) {
        return Err(TtsError::TextLayout);
    }
    Ok(open_prompt(&model.tokenizer, model.config(), &read(model, request)?)?)
}

fn read<'a>(model: &Model, request: &'a Request) -> Result<PromptRequest<'a>, TtsError> {
    let options = &request.options;
    options.validate()?;
    if let Voice::Cloned(prompt) = &request.voice {
        prompt.check(model.config())?;
    }
    Ok(PromptRequest {
        text: &request.text,
        language: request.language.as_deref(),
        speaker: match &request.voice {
            Voice::Unnamed => Speaker::None,
            Voice::Speaker(name) => Speaker::Named(name),
            Voice::Cloned(_) => Speaker::Embedding,
        },
        instruct: request.instruct.as_deref(),
        layout: options.layout.unwrap_or(Layout::default_for(model.kind())),
        reference: request.voice.reference().map(|reference| Reference {
            transcript: &reference.transcript,
            frames: reference.frames.len(),
        }),
        options: options.text,
    })
}

/// Reads the prompt and draws the first token.
pub(crate) fn prefill(
    model: &Model,
    item: usize,
    request: &Request,
    prompt: Prompt,
    request_started: Instant,
    generator: &mut Generator,
    probe: &mut dyn Probe,
) -> Result<Speaking, TtsError> {
    let started = Instant::now();
    let _span = stage_span!(Stage::Prefill);
    let mut speaking = read_prompt(model, item, request, prompt, request_started, probe)?;
    {
        let _span = stage_span!(Stage::Sampling);
        generator.begin(model, &mut speaking)?;
    }
    speaking.timing.prefill_ms = ms(started.elapsed());
    Ok(speaking)
}

/// Reads the prompt; no token is drawn yet.
pub(crate) fn read_prompt(
    model: &Model,
    item: usize,
    request: &Request,
    prompt: Prompt,
    request_started: Instant,
    probe: &mut dyn Probe,
) -> Result<Speaking, TtsError> {
    let embeds = embed(model, &prompt, &request.voice)?;
    let pad = model.talker.text(&[model.config().tts_pad_token_id])?;
    if probe.enabled() {
        probe.observe(item, Observation::Prompt(&prompt))?;
        probe.observe(item, Observation::PromptEmbeds(&embeds))?;
        if !prompt.trailing.is_empty() {
            let trailing = model.talker.text(&prompt.trailing)?;
            probe.observe(item, Observation::TrailingText(&trailing))?;
        }
        probe.observe(item, Observation::PadText(&pad))?;
    }
    let length = prompt.positions.len();
    let talker_config = &model.config().talker_config;
    let mut options = request.options.clone();
    options.max_new_tokens =
        options.max_new_tokens.min(talker_config.max_position_embeddings - length);
    let mut talker = model.talker.new_state(length + options.max_new_tokens)?;
    let output = if probe.enabled() {
        model.talker.prefill_with(&embeds, &mut talker, &mut |layer, x| {
            probe.observe(item, Observation::PrefillHidden(layer, x))
        })?
    } else {
        model.talker.prefill(&embeds, prompt.head, &mut talker)?
    };
    if probe.enabled() {
        // The first step will be computed into these.
        let (hidden, logits) = (output.hidden.copy()?, output.logits.copy()?);
        probe.observe(item, Observation::StepOutput(0, &hidden, &logits))?;
    }
    Ok(Speaking {
        item,
        voice: request.voice.clone(),
        talker,
        history: History::new(talker_config.vocab_size),
        output,
        text: TextRows {
            complete: prompt.complete,
            ids: prompt.trailing,
            tokens: prompt.text_tokens,
            pad,
        },
        first_codes: Vec::new(),
        frames: Vec::new(),
        sound: sound(model.codec(), &options)?,
        watch: Watch::new(options.guard.clone(), model.frame_seconds()),
        finish: None,
        failure: None,
        warnings: prompt.warnings.into_iter().map(Into::into).collect(),
        started: request_started,
        timing: SynthesisTiming::default(),
        options,
    })
}

fn sound(codec: &CodecDecoder, options: &Options) -> Result<Sound, TtsError> {
    let mut state = codec.new_state()?;
    state.set_graphs(options.graphs.unwrap_or(true));
    Ok(Sound { state, primed: false, decoded: 0, samples: Vec::new() })
}

/// Embeds both channels of every position and adds them, `[time, hidden]`
/// (`docs/model.md`, section 5).
fn embed(model: &Model, prompt: &Prompt, voice: &Voice) -> Result<Tensor, TtsError> {
    let talker = &model.talker;
    let texts: Vec<u32> = prompt.positions.iter().filter_map(|p| p.text).collect();
    let texts = talker.text(&texts)?;
    let (x_vector, reference) = match voice {
        Voice::Cloned(prompt) => {
            let x_vector = Tensor::new(prompt.x_vector.as_slice(), texts.device())?;
            let x_vector = x_vector.unsqueeze(0)?.to_dtype(texts.dtype())?;
            (Some(x_vector), embed_reference(model, voice)?)
        }
        Voice::Unnamed | Voice::Speaker(_) => (None, None),
    };
    let no_voice = || TtsError::NoReferenceVoice;
    let mut rows = Vec::with_capacity(prompt.positions.len());
    let mut text_row = 0;
    for position in &prompt.positions {
        let text = match position.text {
            Some(_) => {
                text_row += 1;
                Some(texts.narrow(0, text_row - 1, 1)?)
            }
            None => None,
        };
        let codec = match position.codec {
            CodecInput::None => None,
            CodecInput::Id(id) => Some(talker.codec(&[id])?),
            CodecInput::SpeakerEmbedding => Some(x_vector.clone().ok_or_else(no_voice)?),
            CodecInput::ReferenceFrame(frame) => {
                Some(reference.as_ref().ok_or_else(no_voice)?.narrow(0, frame, 1)?)
            }
        };
        rows.push(match (text, codec) {
            (Some(text), Some(codec)) => (text + codec)?,
            (Some(row), None) | (None, Some(row)) => row,
            (None, None) => Tensor::zeros((1, texts.dim(1)?), DType::F32, texts.device())?
                .to_dtype(texts.dtype())?,
        });
    }
    Ok(Tensor::cat(&rows, 0)?)
}

/// The sums of the embedded codes of each frame of the reference audio.
fn embed_reference(model: &Model, voice: &Voice) -> Result<Option<Tensor>, TtsError> {
    let Some(reference) = voice.reference() else { return Ok(None) };
    let split = reference.frames.iter().filter_map(|frame| frame.split_first());
    let (first, others): (Vec<u32>, Vec<&[u32]>) = split.map(|(&f, o)| (f, o)).unzip();
    let codebooks = model.config().talker_config.num_code_groups - 1;
    let first = model.talker.codec(&first)?;
    let others = Tensor::from_vec(others.concat(), (first.dim(0)?, codebooks), first.device())?;
    Ok(Some(model.predictor.embed(&first, &others)?))
}
