use std::path::Path;
use std::sync::OnceLock;

use candle_core::{DType, Device};
use tts_checkpoint::{Census, Checkpoint, ModelConfig, ModelFiles, ModelKind};
use tts_code_predictor::CodePredictor;
use tts_codec_decoder::CodecDecoder;
use tts_codec_encoder::CodecEncoder;
use tts_nn::queue_of;
use tts_profiling::{Stage, stage_span};
use tts_sampler::TokenRules;
use tts_speaker::SpeakerEncoder;
use tts_talker::Talker;
use tts_text::{SplitRule, Tokenizer, supported_languages, supported_speakers};

use crate::device;
use crate::error::TtsError;
use crate::generate::Works;
use crate::options::Options;
use crate::precision::Precision;
use crate::request::Request;
use crate::voice::Voice;

/// On a GPU. A wait costs as much as some launches, a frame behind the end of speech many more
/// (`docs/gpu.md`).
const FRAMES_PER_READ: usize = 4;

/// A loaded model. It holds no state of any request, so one serves any number of
/// them; the memory that frames are generated in goes from one to the next.
#[derive(Debug)]
pub struct Model {
    pub(crate) talker: Talker,
    pub(crate) predictor: CodePredictor,
    codec: CodecDecoder,
    pub(crate) tokenizer: Tokenizer,
    checkpoint: Checkpoint,
    device: Device,
    precision: Precision,
    defaults: Options,
    rules: TokenRules,
    pub(crate) works: Works,
    /// Loaded when the first reference audio comes.
    codec_encoder: OnceLock<CodecEncoder>,
    speaker_encoder: OnceLock<SpeakerEncoder>,
}

/// What a model computes every frame with.
pub(crate) struct Stages {
    pub(crate) talker: Talker,
    pub(crate) predictor: CodePredictor,
    codec: CodecDecoder,
}

impl Stages {
    pub(crate) fn load(
        checkpoint: &Checkpoint,
        device: &Device,
        precision: Precision,
    ) -> Result<Self, TtsError> {
        let packing = precision.packing();
        let weights = checkpoint.model_weights(precision.dtype(), device);
        let talker_config = &checkpoint.config.talker_config;
        // Speech is decoded while the next frames are generated.
        let codec_device = device::beside(device)?;
        let codec =
            || CodecDecoder::load(&checkpoint.codec, &checkpoint.codec_weights(&codec_device));
        std::thread::scope(|scope| {
            let codec = scope.spawn(codec);
            let talker = Talker::load(talker_config, &weights, packing)?;
            let predictor = CodePredictor::load(talker_config, &weights, packing)?;
            let codec = codec.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok(Self { talker, predictor, codec })
        })
    }
}

impl Model {
    /// Loads a model directory for f32 computation on `device`.
    ///
    /// # Errors
    /// If the directory is incomplete, inconsistent or damaged.
    pub fn from_pretrained(path: impl AsRef<Path>, device: &Device) -> Result<Self, TtsError> {
        Self::load(ModelFiles::open(path)?, device)
    }

    /// As [`Model::from_pretrained`], from any source of files.
    ///
    /// # Errors
    /// If a file is missing, inconsistent or damaged.
    pub fn load(files: ModelFiles, device: &Device) -> Result<Self, TtsError> {
        Self::load_with(files, device, Precision::F32, SplitRule::default())
    }

    /// As [`Model::load`], with the precision of the language models and the splitting rule
    /// of the tokeniser.
    ///
    /// # Errors
    /// If a file is missing, inconsistent or damaged; if the device cannot compute in the
    /// precision, or a [packed](crate::quantize) model is in another one.
    pub fn load_with(
        files: ModelFiles,
        device: &Device,
        precision: Precision,
        split: SplitRule,
    ) -> Result<Self, TtsError> {
        let _span = stage_span!(Stage::Load);
        let is_packed = matches!(files, ModelFiles::Packed(_));
        let is_possible = match precision {
            Precision::Q4Mix => device.is_cpu(),
            Precision::Fp8 => queue_of(device)?.is_some(),
            Precision::F32 | Precision::Bf16 | Precision::Q8 => device.is_cpu() || !is_packed,
        };
        if !is_possible {
            let device = device.into();
            return Err(TtsError::Precision { packed: is_packed, precision, device });
        }
        if let ModelFiles::Packed(file) = &files
            && file.precision() != precision.name()
        {
            let found = file.precision().to_owned();
            return Err(TtsError::PackedPrecision {
                path: file.path().to_owned(),
                found,
                precision,
            });
        }
        let checkpoint = Checkpoint::open(files)?;
        let tokenizer = Tokenizer::load(&checkpoint.files, &checkpoint.config, split)?;
        let Stages { talker, predictor, codec } = Stages::load(&checkpoint, device, precision)?;
        let talker_config = &checkpoint.config.talker_config;
        let rules = TokenRules::talker(
            talker_config.vocab_size,
            checkpoint.config.code_count(),
            talker_config.codec_eos_token_id,
        );
        let model = Self {
            talker,
            predictor,
            codec,
            tokenizer,
            defaults: Options::from_generation_config(&checkpoint.generation),
            rules,
            works: Works::default(),
            checkpoint,
            device: device.clone(),
            precision,
            codec_encoder: OnceLock::new(),
            speaker_encoder: OnceLock::new(),
        };
        model.warm_up(1)?;
        Ok(model)
    }

    /// How exactly its language models compute.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Where its files are.
    pub fn files(&self) -> &ModelFiles {
        &self.checkpoint.files
    }

    /// What the model can do.
    pub fn kind(&self) -> ModelKind {
        self.config().tts_model_type
    }

    /// Its configuration.
    pub fn config(&self) -> &ModelConfig {
        &self.checkpoint.config
    }

    /// What its weight files hold.
    pub fn census(&self) -> &Census {
        &self.checkpoint.census
    }

    /// The codec decoder, for codes from elsewhere.
    pub fn codec(&self) -> &CodecDecoder {
        &self.codec
    }

    /// The codec encoder, for audio from elsewhere; loaded by the first call.
    ///
    /// # Errors
    /// If a weight is not finite.
    pub fn codec_encoder(&self) -> Result<&CodecEncoder, TtsError> {
        if let Some(encoder) = self.codec_encoder.get() {
            return Ok(encoder);
        }
        let weights = self.checkpoint.codec_weights(&self.device);
        let encoder = CodecEncoder::load(&self.checkpoint.codec, &weights)?;
        Ok(self.codec_encoder.get_or_init(|| encoder))
    }

    /// The speaker encoder, which only Base models have; loaded by the first call.
    ///
    /// # Errors
    /// If the model has none, or a weight is not finite.
    pub fn speaker_encoder(&self) -> Result<&SpeakerEncoder, TtsError> {
        if let Some(encoder) = self.speaker_encoder.get() {
            return Ok(encoder);
        }
        let kind = self.kind();
        let config = self.config().speaker_encoder_config.as_ref();
        let config = config.filter(|_| kind == ModelKind::Base);
        let config = config.ok_or(TtsError::NoSpeakerEncoder { kind: kind.name() })?;
        // It is computed in f32, whatever the language models are: in 16 bits the
        // x-vector would be off by a fraction of a percent.
        let weights = self.checkpoint.model_weights(DType::F32, &self.device);
        let encoder = SpeakerEncoder::load(config, &weights)?;
        Ok(self.speaker_encoder.get_or_init(|| encoder))
    }

    /// Sample rate of the audio in Hz.
    pub fn sample_rate(&self) -> u32 {
        self.codec.sample_rate()
    }

    /// Languages a request may name, "auto" among them.
    pub fn languages(&self) -> Vec<String> {
        supported_languages(self.config())
    }

    /// Built-in speakers.
    pub fn speakers(&self) -> Vec<String> {
        supported_speakers(self.config())
    }

    /// The generation defaults of the checkpoint.
    pub fn default_options(&self) -> Options {
        self.defaults.clone()
    }

    /// A request with the defaults of the checkpoint: a text and who speaks it.
    pub fn request(&self, text: impl Into<String>, voice: Voice) -> Request {
        Request {
            text: text.into(),
            language: None,
            voice,
            instruct: None,
            options: self.default_options(),
        }
    }

    /// Seconds of audio in a frame.
    pub(crate) fn frame_seconds(&self) -> f64 {
        self.codec.samples_per_frame() as f64 / f64::from(self.codec.sample_rate())
    }

    pub(crate) fn end_of_speech(&self) -> u32 {
        self.config().talker_config.codec_eos_token_id
    }

    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// What [`Options::frames_per_read`] is by default.
    pub(crate) fn frames_per_read(&self) -> usize {
        if self.device.is_cpu() { 1 } else { FRAMES_PER_READ }
    }

    pub(crate) fn first_code_rules(&self) -> &TokenRules {
        &self.rules
    }
}
