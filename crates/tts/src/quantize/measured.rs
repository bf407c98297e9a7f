//! Few bits where a model bears them.

use std::path::Path;

use candle_core::{DType, Device};
use tts_checkpoint::{Checkpoint, ModelKind};
use tts_code_predictor::CodePredictor;
use tts_talker::Talker;

use super::mixture::{Chosen, Mixture, Stack};
use crate::error::TtsError;
use crate::model::{Model, Stages};
use crate::precision::Precision;
use crate::request::Request;
use crate::teacher::{Agreement, Teacher};
use crate::voice::Voice;

/// What the model says while it is measured, in languages that most models have.
const TEXTS: [(&str, &str); 4] = [
    (
        "english",
        "The train to the coast leaves at half past nine, from platform four; take a warm coat.",
    ),
    ("chinese", "明天早上九点半，去海边的火车从四号站台出发，请带上一件暖和的外套。"),
    (
        "english",
        "Did you really think that nobody would ask what happened to the other seventeen letters?",
    ),
    (
        "german",
        "Morgen früh um halb zehn fährt der Zug ans Meer, und niemand weiß, wann er zurückkommt.",
    ),
];
/// Frames of each.
const FRAMES: usize = 32;

/// How far the probabilities of a packed model may be from those in f32: mean Kullback-Leibler
/// divergences, in nats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QualityBar {
    /// Of the talker.
    pub talker: f64,
    /// Of the code predictor.
    pub predictor: f64,
}

impl Default for QualityBar {
    fn default() -> Self {
        Self { talker: 0.01, predictor: 0.02 }
    }
}

/// What is being done to find out what a model bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measuring {
    /// It speaks in f32, and is at this frame.
    Speaking(usize),
    /// It is packed in 8 and in 4 bits.
    Packing,
    /// The talker was asked so many times what it would have said.
    Talker(usize),
    /// The code predictor was.
    CodePredictor(usize),
}

/// A language model of a packed file.
#[derive(Debug)]
pub struct MeasuredPart {
    /// Layers in 4 bits, from 0.
    pub in_four_bits: Vec<usize>,
    /// Of all layers.
    pub layers: usize,
    /// How it differs from the same in f32.
    pub agreement: Agreement,
    /// The mean divergence that was allowed.
    pub bound: f64,
}

impl MeasuredPart {
    /// Whether it is as near as it was to be. If not, all its layers are in 8 bits: f32 is nearer.
    pub fn is_within(&self) -> bool {
        self.agreement.divergence() <= self.bound
    }
}

/// A file that was written, and why as it is.
#[derive(Debug)]
pub struct Quantized {
    /// Bytes of the file.
    pub size: usize,
    /// What it is loaded in.
    pub precision: Precision,
    /// The talker.
    pub talker: MeasuredPart,
    /// The code predictor.
    pub predictor: MeasuredPart,
}

/// As [`quantize`](super::quantize), in the fewest bits with which a model says what it says in f32,
/// within a bar. A `model` in f32 speaks the requests, for instance
/// [those](measuring_requests) that are meant for it, and is asked what it would have said with layers in
/// 4 bits instead of 8. Layers that bear it are in 4 bits in the file; none if nothing was said.
/// `progress` hears what is being done.
///
/// # Errors
/// If the model is not in f32 on the CPU, or its files can no longer be read; if a request is
/// unusable; if the file cannot be written.
pub fn quantize_within(
    model: Model,
    requests: &[Request],
    bar: QualityBar,
    path: impl AsRef<Path>,
    progress: &mut dyn FnMut(Measuring),
) -> Result<Quantized, TtsError> {
    if model.precision() != Precision::F32 || !model.device().is_cpu() {
        let (precision, device) = (model.precision(), model.device().into());
        return Err(TtsError::Measured { precision, device });
    }
    let eight = Checkpoint::open_to_pack(model.files().clone())?;
    let four = Checkpoint::open_to_pack(model.files().clone())?;
    let teacher = Teacher::speak(&model, requests, &mut |frames| {
        progress(Measuring::Speaking(frames));
    })?;
    drop(model);
    progress(Measuring::Packing);
    let Stages { talker, predictor, .. } = Stages::load(&eight, &Device::Cpu, Precision::Q8)?;
    let config = &four.config.talker_config;
    let weights = four.model_weights(DType::F32, &Device::Cpu);
    let packing = Precision::Q4Mix.packing();
    let measure = Measure { eight: &eight, four: &four, teacher: &teacher };
    let talker = measure.choose(
        (talker, Talker::load(config, &weights, packing)?),
        (config.num_hidden_layers, bar.talker),
        &mut |count| progress(Measuring::Talker(count)),
    )?;
    let predictor = measure.choose(
        (predictor, CodePredictor::load(config, &weights, packing)?),
        (config.code_predictor_config.num_hidden_layers, bar.predictor),
        &mut |count| progress(Measuring::CodePredictor(count)),
    )?;
    let is_in_eight = talker.in_four_bits.is_empty() && predictor.in_four_bits.is_empty();
    let precision = if is_in_eight { Precision::Q8 } else { Precision::Q4Mix };
    let size = super::write(&eight, precision, path.as_ref())?;
    Ok(Quantized { size, precision, talker, predictor })
}

/// The checkpoints that record what is packed in 8 and in 4 bits.
struct Measure<'a> {
    eight: &'a Checkpoint,
    four: &'a Checkpoint,
    teacher: &'a Teacher,
}

impl Measure<'_> {
    /// Chooses layers of a model in 8 and in 4 bits, and takes their records to those in 8.
    fn choose<S: Stack>(
        &self,
        (eight, four): (S, S),
        (layers, bound): (usize, f64),
        progress: &mut dyn FnMut(usize),
    ) -> Result<MeasuredPart, TtsError> {
        let mut count = 0;
        let mut progress = || {
            progress(count);
            count += 1;
        };
        let mixture = Mixture::new(eight, four, layers, self.teacher, &mut progress);
        let Chosen { layers: in_four_bits, agreement } = mixture.choose(bound)?;
        for layer in &in_four_bits {
            self.eight.take_packed(&format!("{}{layer}", S::LAYERS), self.four)?;
        }
        Ok(MeasuredPart { in_four_bits, layers, agreement, bound })
    }
}

/// What a model says to be [measured](quantize_within): a few sentences of 2.6 seconds in languages that
/// it knows, by a voice or, without one, by its own speakers in turn.
pub fn measuring_requests(model: &Model, voice: Option<&Voice>) -> Vec<Request> {
    let languages = model.languages();
    let mut texts: Vec<_> = (TEXTS.iter())
        .filter(|(language, _)| languages.iter().any(|known| known == language))
        .map(|&(language, text)| (Some(language.to_owned()), text))
        .collect();
    if texts.is_empty() {
        texts = TEXTS.iter().map(|&(_, text)| (None, text)).collect();
    }
    let voices = match voice {
        Some(voice) => vec![voice.clone()],
        None => model.speakers().into_iter().map(Voice::Speaker).collect(),
    };
    let mut voices = voices.into_iter().cycle();
    let request = |(language, text)| {
        let voice = voices.next().unwrap_or_default();
        let mut request = Request { language, ..model.request(text, voice) };
        if model.kind() == ModelKind::VoiceDesign {
            request.instruct = Some("A calm voice.".to_owned());
        }
        request.options.fix_length(FRAMES);
        request
    };
    texts.into_iter().map(request).collect()
}
