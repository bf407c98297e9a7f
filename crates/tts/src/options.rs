use tts_checkpoint::GenerationConfig;
use tts_sampler::SamplingParams;
use tts_text::{Layout, TextOptions};

use crate::error::TtsError;
use crate::guard::Guard;

/// What the official package asks for, whatever the checkpoint says.
const MIN_NEW_TOKENS: usize = 2;

/// How codes become samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CodecMode {
    /// With the state carried through: no seams.
    #[default]
    Stateful,
    /// In the chunks of the official package, for comparison with it.
    ReferenceChunks,
}

/// How a request is generated. [`Model::default_options`](crate::Model::default_options)
/// has the defaults of the checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Seed of every random draw of the request.
    pub seed: u64,
    /// Tells utterances apart that share a seed: each number draws differently.
    pub utterance: u32,
    /// Sampling of codebook 0.
    pub talker: SamplingParams,
    /// Sampling of the other codebooks; they have no penalty and no end.
    pub predictor: SamplingParams,
    /// Codebook-0 tokens drawn at most; one less is the number of frames.
    pub max_new_tokens: usize,
    /// Where the text stands in the prompt; `None` is the default of the mode.
    pub layout: Option<Layout>,
    /// Treatment of the text before it is tokenised.
    pub text: TextOptions,
    /// How codes become samples.
    pub codec: CodecMode,
    /// What is done about speech that does not end.
    pub guard: Guard,
    /// Frames that are generated before the host reads them, at most; requests that speak together
    /// take the fewest. `None` is one on the CPU, where a read costs nothing, and four on a GPU.
    /// The speech is the same; its end is noticed so much later.
    pub frames_per_read: Option<usize>,
    /// Whether a GPU repeats whole frames as graphs, which have no stages to look into. `None` is
    /// where there are kernels for it and nobody listens to spans; requests that speak together have
    /// to agree.
    pub graphs: Option<bool>,
}

impl Options {
    /// Makes an utterance exactly so many frames long, whatever the model says of the end, and
    /// watched by nobody.
    pub fn fix_length(&mut self, frames: usize) {
        // The last token is no frame.
        self.max_new_tokens = frames.saturating_add(1);
        self.talker.min_new_tokens = self.max_new_tokens;
        self.guard = Guard::off();
    }

    pub(crate) fn from_generation_config(config: &GenerationConfig) -> Self {
        Self {
            seed: 0,
            utterance: 0,
            talker: SamplingParams {
                do_sample: config.do_sample,
                temperature: config.temperature,
                top_k: config.top_k,
                top_p: config.top_p,
                repetition_penalty: config.repetition_penalty,
                min_new_tokens: MIN_NEW_TOKENS,
            },
            predictor: SamplingParams {
                do_sample: config.subtalker_dosample,
                temperature: config.subtalker_temperature,
                top_k: config.subtalker_top_k,
                top_p: config.subtalker_top_p,
                repetition_penalty: 1.0,
                min_new_tokens: 0,
            },
            max_new_tokens: config.max_new_tokens,
            layout: None,
            text: TextOptions::default(),
            codec: CodecMode::default(),
            guard: Guard::default(),
            frames_per_read: None,
            graphs: None,
        }
    }

    pub(crate) fn validate(&self) -> Result<(), TtsError> {
        self.talker.validate()?;
        self.predictor.validate()?;
        let counts = [
            ("max_new_tokens", Some(self.max_new_tokens)),
            ("frames_per_read", self.frames_per_read),
        ];
        match counts.into_iter().find(|(_, count)| *count == Some(0)) {
            Some((name, _)) => {
                Err(TtsError::Option { name, value: 0, expected: "at least 1".to_owned() })
            }
            None => Ok(()),
        }
    }
}
