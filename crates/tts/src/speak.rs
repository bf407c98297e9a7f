//! Whole utterances: alone, in batches, described in words.

use tts_audio::Audio;
use tts_profiling::{Stage, stage_span};

use crate::batch::Line;
use crate::error::TtsError;
use crate::model::Model;
use crate::options::Options;
use crate::probe::{NoProbe, Probe, Progress};
use crate::request::{Request, Utterance};
use crate::timing::SynthesisTiming;
use crate::voice::Voice;

/// Requests that speak at once, at most.
const TOGETHER: usize = 64;

impl Model {
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
            language: Some(language.to_owned()),
            options: options.unwrap_or_else(|| self.default_options()),
            ..self.request(text, Voice::Speaker(speaker.to_owned()))
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
            language: Some(language.to_owned()),
            instruct: Some(description.to_owned()),
            options: options.unwrap_or_else(|| self.default_options()),
            ..self.request(text, Voice::Unnamed)
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

    /// Speaks several requests together, up to 64 at once; each gets what it would get alone. See
    /// [`Batch`](crate::Batch) for requests that come one after the other.
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
        let _span = stage_span!(Stage::Synthesize);
        let _batch = (requests.len() > 1).then(|| stage_span!(Stage::Batch));
        let mut line = Line::new(TOGETHER);
        let utterances = self.speak_all(requests, &mut line, probe);
        line.rest(self);
        utterances
    }

    /// Speaks the requests with an empty line, in their order.
    fn speak_all(
        &self,
        requests: &[Request],
        line: &mut Line,
        probe: &mut dyn Probe,
    ) -> Result<Vec<Utterance>, TtsError> {
        for request in requests {
            line.add(self, request)?;
        }
        let mut utterances = Vec::with_capacity(requests.len());
        while !line.is_empty() {
            for (number, utterance) in line.step(self, probe)? {
                utterances.push((number, utterance?));
            }
        }
        utterances.sort_by_key(|(number, _)| *number);
        Ok(utterances.into_iter().map(|(_, utterance)| utterance).collect())
    }
}
