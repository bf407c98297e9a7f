use std::path::Path;
use std::time::Instant;

use candle_core::{DType, Device};
use tts_audio::Audio;
use tts_checkpoint::{Census, Checkpoint, ModelConfig, ModelFiles, ModelKind};
use tts_code_predictor::CodePredictor;
use tts_codec_decoder::CodecDecoder;
use tts_profiling::{Stage, stage_span};
use tts_sampler::{History, Sampler, TokenRules};
use tts_talker::Talker;
use tts_text::{
    Layout, Prompt, PromptRequest, Speaker, SplitRule, Tokenizer, build_prompt,
    supported_languages, supported_speakers,
};

use crate::error::TtsError;
use crate::generate::{draw_first_code, generate};
use crate::options::{CodecMode, Options};
use crate::prepare::prepare;
use crate::probe::{NoProbe, Observation, Probe, Progress};
use crate::request::{FinishReason, Request, Utterance};
use crate::session::Session;
use crate::timing::{SynthesisTiming, ms};

/// A loaded model. It holds no state of any request, so one serves any number of
/// them.
#[derive(Debug)]
pub struct Model {
    pub(crate) talker: Talker,
    pub(crate) predictor: CodePredictor,
    codec: CodecDecoder,
    tokenizer: Tokenizer,
    config: ModelConfig,
    census: Census,
    defaults: Options,
    rules: TokenRules,
}

impl Model {
    /// Loads a model directory for f32 computation on `device`.
    ///
    /// # Errors
    /// If the directory is incomplete, inconsistent or damaged.
    pub fn from_pretrained(path: impl AsRef<Path>, device: &Device) -> Result<Self, TtsError> {
        Self::load(ModelFiles::directory(path)?, device)
    }

    /// As [`Model::from_pretrained`], from any source of files.
    ///
    /// # Errors
    /// If a file is missing, inconsistent or damaged.
    pub fn load(files: ModelFiles, device: &Device) -> Result<Self, TtsError> {
        Self::load_with(files, device, DType::F32, SplitRule::default())
    }

    /// As [`Model::load`], with the compute type of the language models (f32 or
    /// bf16) and the splitting rule of the tokeniser.
    ///
    /// # Errors
    /// If a file is missing, inconsistent or damaged.
    pub fn load_with(
        files: ModelFiles,
        device: &Device,
        dtype: DType,
        split: SplitRule,
    ) -> Result<Self, TtsError> {
        if !matches!(dtype, DType::F32 | DType::BF16) {
            return Err(TtsError::ComputeType { found: dtype });
        }
        let checkpoint = Checkpoint::open(files)?;
        let tokenizer = Tokenizer::load(&checkpoint.files, &checkpoint.config, split)?;
        let weights = checkpoint.model_weights(dtype, device);
        let talker_config = &checkpoint.config.talker_config;
        let talker = Talker::load(talker_config, &weights)?;
        let predictor = CodePredictor::load(talker_config, &weights)?;
        let codec = CodecDecoder::load(&checkpoint.codec, &checkpoint.codec_weights(device))?;
        let rules = TokenRules::talker(
            talker_config.vocab_size,
            checkpoint.config.code_count(),
            talker_config.codec_eos_token_id,
        );
        Ok(Self {
            talker,
            predictor,
            codec,
            tokenizer,
            defaults: Options::from_generation_config(&checkpoint.generation),
            rules,
            config: checkpoint.config,
            census: checkpoint.census,
        })
    }

    /// What the model can do.
    pub fn kind(&self) -> ModelKind {
        self.config.tts_model_type
    }

    /// Its configuration.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// What its weight files hold.
    pub fn census(&self) -> &Census {
        &self.census
    }

    /// The codec decoder, for codes from elsewhere.
    pub fn codec(&self) -> &CodecDecoder {
        &self.codec
    }

    /// Sample rate of the audio in Hz.
    pub fn sample_rate(&self) -> u32 {
        self.codec.sample_rate()
    }

    /// Languages a request may name, "auto" among them.
    pub fn languages(&self) -> Vec<String> {
        supported_languages(&self.config)
    }

    /// Built-in speakers.
    pub fn speakers(&self) -> Vec<String> {
        supported_speakers(&self.config)
    }

    /// The generation defaults of the checkpoint.
    pub fn default_options(&self) -> Options {
        self.defaults.clone()
    }

    /// Speaks `text` with a built-in speaker; see [`Request`] for the arguments.
    ///
    /// # Errors
    /// If an argument is unusable.
    pub fn synthesize(
        &self,
        text: &str,
        speaker: &str,
        language: &str,
        options: Option<Options>,
    ) -> Result<Audio, TtsError> {
        Ok(self.synthesize_with_timing(text, speaker, language, options)?.0)
    }

    /// As [`Model::synthesize`]; also says where the time went.
    ///
    /// # Errors
    /// If an argument is unusable.
    pub fn synthesize_with_timing(
        &self,
        text: &str,
        speaker: &str,
        language: &str,
        options: Option<Options>,
    ) -> Result<(Audio, SynthesisTiming), TtsError> {
        let utterance = self.speak(&Request {
            text: text.to_owned(),
            language: Some(language.to_owned()),
            speaker: Some(speaker.to_owned()),
            instruct: None,
            options: options.unwrap_or_else(|| self.default_options()),
        })?;
        Ok((utterance.audio, utterance.timing))
    }

    /// Speaks `text` with a voice described in words.
    ///
    /// # Errors
    /// If an argument is unusable or the model has no such mode.
    pub fn design(
        &self,
        text: &str,
        description: &str,
        language: &str,
        options: Option<Options>,
    ) -> Result<Utterance, TtsError> {
        self.speak(&Request {
            text: text.to_owned(),
            language: Some(language.to_owned()),
            speaker: None,
            instruct: Some(description.to_owned()),
            options: options.unwrap_or_else(|| self.default_options()),
        })
    }

    /// Speaks one request.
    ///
    /// # Errors
    /// If something in the request is unusable.
    pub fn speak(&self, request: &Request) -> Result<Utterance, TtsError> {
        self.speak_with_progress(request, &mut |_| ())
    }

    /// As [`Model::speak`]; `progress` hears the number of frames generated.
    ///
    /// # Errors
    /// If something in the request is unusable.
    pub fn speak_with_progress(
        &self,
        request: &Request,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Utterance, TtsError> {
        let requests = std::slice::from_ref(request);
        let mut utterances = self.speak_batch_with(requests, &mut Progress(progress))?;
        utterances.pop().ok_or(TtsError::Option {
            name: "batch",
            value: 0,
            expected: "one utterance per request".to_owned(),
        })
    }

    /// Speaks several requests together; each gets what it would get alone.
    ///
    /// # Errors
    /// If something in any request is unusable; nothing is spoken then.
    pub fn speak_batch(&self, requests: &[Request]) -> Result<Vec<Utterance>, TtsError> {
        self.speak_batch_with(requests, &mut NoProbe)
    }

    /// As [`Model::speak_batch`], watched by a probe.
    ///
    /// # Errors
    /// If something in any request is unusable; those of the probe.
    pub fn speak_batch_with(
        &self,
        requests: &[Request],
        probe: &mut dyn Probe,
    ) -> Result<Vec<Utterance>, TtsError> {
        let started = Instant::now();
        let _span = stage_span!(Stage::Synthesize);
        let mut sampler = Sampler::new();
        let prompts = requests.iter().map(|r| self.prompt(r)).collect::<Result<Vec<_>, _>>()?;
        let mut sessions = Vec::with_capacity(requests.len());
        for (item, (request, prompt)) in requests.iter().zip(prompts).enumerate() {
            sessions.push(self.prefill(item, request, prompt, &mut sampler, probe)?);
        }
        {
            let _span = stage_span!(Stage::GenerateFrames);
            generate(self, &mut sessions, &mut sampler, probe)?;
        }
        sessions.into_iter().map(|session| self.decode(session, started)).collect()
    }

    /// Checks a request and lays out its prompt.
    fn prompt(&self, request: &Request) -> Result<Prompt, TtsError> {
        let options = &request.options;
        options.validate()?;
        let layout = options.layout.unwrap_or(match self.kind() {
            ModelKind::Base => Layout::Streaming,
            ModelKind::CustomVoice | ModelKind::VoiceDesign => Layout::NonStreaming,
        });
        let prompt = build_prompt(
            &self.tokenizer,
            &self.config,
            &PromptRequest {
                text: &request.text,
                language: request.language.as_deref(),
                speaker: match request.speaker.as_deref() {
                    None | Some("") => Speaker::None,
                    Some(name) => Speaker::Named(name),
                },
                instruct: request.instruct.as_deref(),
                layout,
                reference: None,
                options: options.text,
            },
        )?;
        let limit = self.config.talker_config.max_position_embeddings;
        if prompt.positions.len() >= limit {
            return Err(TtsError::TooLong {
                prompt: prompt.positions.len(),
                tokens: options.max_new_tokens,
                limit,
            });
        }
        Ok(prompt)
    }

    /// Reads the prompt and draws the first token.
    fn prefill(
        &self,
        item: usize,
        request: &Request,
        prompt: Prompt,
        sampler: &mut Sampler,
        probe: &mut dyn Probe,
    ) -> Result<Session, TtsError> {
        let started = Instant::now();
        let _span = stage_span!(Stage::Prefill);
        let prepared = prepare(&self.talker, &prompt, self.config.tts_pad_token_id)?;
        if probe.enabled() {
            probe.observe(item, Observation::Prompt(&prompt))?;
            probe.observe(item, Observation::PromptEmbeds(&prepared.embeds))?;
            if let Some(trailing) = &prepared.trailing {
                probe.observe(item, Observation::TrailingText(trailing))?;
            }
            probe.observe(item, Observation::PadText(&prepared.pad))?;
        }
        let length = prompt.positions.len();
        let limit = self.config.talker_config.max_position_embeddings;
        let mut options = request.options.clone();
        options.max_new_tokens = options.max_new_tokens.min(limit - length);
        let mut talker = self.talker.new_state(length + options.max_new_tokens)?;
        let output = self.talker.prefill_with(&prepared.embeds, &mut talker, &mut |layer, x| {
            if probe.enabled() {
                probe.observe(item, Observation::PrefillHidden(layer, x))?;
            }
            Ok(())
        })?;
        if probe.enabled() {
            let observation = Observation::StepOutput(0, &output.hidden, &output.logits);
            probe.observe(item, observation)?;
        }
        let mut session = Session {
            item,
            options,
            prompt,
            talker,
            predictor: self.predictor.new_state()?,
            history: History::new(self.config.talker_config.vocab_size),
            output,
            trailing: prepared.trailing,
            pad: prepared.pad,
            first_codes: Vec::new(),
            frames: Vec::new(),
            prefill_ms: 0.0,
            generate_ms: 0.0,
        };
        {
            let _span = stage_span!(Stage::Sampling);
            draw_first_code(&mut session, &self.rules, sampler)?;
        }
        session.prefill_ms = ms(started.elapsed());
        Ok(session)
    }

    /// Turns the codes of a finished session into samples.
    fn decode(&self, session: Session, request_started: Instant) -> Result<Utterance, TtsError> {
        let started = Instant::now();
        let _span = stage_span!(Stage::Decode);
        let samples = match session.options.codec {
            CodecMode::Stateful => {
                self.codec.push(&session.frames, &mut self.codec.new_state()?)?
            }
            CodecMode::ReferenceChunks => self.codec.decode_in_reference_chunks(&session.frames)?,
        };
        let audio = Audio { samples, sample_rate: self.sample_rate() };
        let timing = SynthesisTiming {
            prefill_ms: session.prefill_ms,
            generate_ms: session.generate_ms,
            decode_ms: ms(started.elapsed()),
            total_ms: ms(request_started.elapsed()),
            frames: session.frames.len(),
            audio_secs: audio.duration_secs(),
        };
        Ok(Utterance {
            audio,
            finish: session.finish(self.end_of_speech()).unwrap_or(FinishReason::MaxTokens),
            frames: session.frames,
            first_codes: session.first_codes,
            warnings: session.prompt.warnings,
            timing,
        })
    }

    pub(crate) fn end_of_speech(&self) -> u32 {
        self.config.talker_config.codec_eos_token_id
    }

    pub(crate) fn first_code_rules(&self) -> &TokenRules {
        &self.rules
    }
}
