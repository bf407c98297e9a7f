//! Whole utterances: alone, in batches, described in words.

use std::time::Instant;

use tts_audio::Audio;
use tts_profiling::{Stage, stage_span};

use crate::error::TtsError;
use crate::generate::{Few, Generator};
use crate::guard::{FRAMES_PER_LOOK, GuardAction};
use crate::model::Model;
use crate::options::Options;
use crate::prepare;
use crate::probe::{NoProbe, Probe, Progress};
use crate::request::{FinishReason, Request, RunawayOutcome, Utterance, Warning};
use crate::speaking::Speaking;
use crate::timing::SynthesisTiming;
use crate::voice::Voice;

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
        let utterances = self.speak_once(requests, probe)?;
        let spoken = requests.iter().zip(utterances);
        spoken.map(|(request, utterance)| self.retry(request, utterance, probe)).collect()
    }

    fn speak_once(
        &self,
        requests: &[Request],
        probe: &mut dyn Probe,
    ) -> Result<Vec<Utterance>, TtsError> {
        let started = Instant::now();
        let _span = stage_span!(Stage::Synthesize);
        let _batch = (requests.len() > 1).then(|| stage_span!(Stage::Batch));
        let mut generator = Generator::default();
        let prompts = requests
            .iter()
            .map(|request| prepare::prompt(self, request))
            .collect::<Result<Vec<_>, _>>()?;
        let mut speaking = Vec::with_capacity(requests.len());
        for (item, (request, prompt)) in requests.iter().zip(prompts).enumerate() {
            let prefilled =
                prepare::prefill(self, item, request, prompt, started, &mut generator, probe)?;
            speaking.push(prefilled);
        }
        loop {
            let over = self.generate(&mut speaking, &mut generator, probe)?;
            for one in speaking.iter_mut().filter(|one| !one.is_decoded()) {
                one.decode(self)?;
            }
            if over {
                break;
            }
        }
        Ok(speaking.into_iter().map(|speaking| speaking.into_utterance(self)).collect())
    }

    /// Generates frames of all requests up to the next look at their audio; says
    /// whether all are over.
    fn generate(
        &self,
        speaking: &mut [Speaking],
        generator: &mut Generator,
        probe: &mut dyn Probe,
    ) -> Result<bool, TtsError> {
        let _span = stage_span!(Stage::GenerateFrames);
        let mut left = FRAMES_PER_LOOK;
        while left > 0 {
            let mut live: Few<&mut Speaking> =
                speaking.iter_mut().filter(|one| one.can_advance()).collect();
            if live.is_empty() {
                break;
            }
            left -= generator.advance(self, &mut live, left, probe)?;
        }
        Ok(speaking.iter().all(|one| one.finish.is_some()))
    }

    /// Speaks again what went astray, if its guard says so.
    fn retry(
        &self,
        request: &Request,
        utterance: Utterance,
        probe: &mut dyn Probe,
    ) -> Result<Utterance, TtsError> {
        let (FinishReason::Stopped(_), GuardAction::Retry(left @ 1..)) =
            (utterance.finish, request.options.guard.action)
        else {
            return Ok(utterance);
        };
        let mut next = request.clone();
        next.options.seed = request.options.seed.wrapping_add(1);
        next.options.guard.action = GuardAction::Retry(left - 1);
        let again = self.speak_batch_with(&[next], probe)?.pop();
        let mut warnings = utterance.warnings;
        if let Some(Warning::Runaway { outcome, .. }) = warnings.last_mut() {
            *outcome = RunawayOutcome::Retried;
        }
        let again = again.map(|mut again| {
            warnings.append(&mut again.warnings);
            again.timing.total_ms += utterance.timing.total_ms;
            again
        });
        again.map(|again| Utterance { warnings, ..again }).ok_or(TtsError::Option {
            name: "batch",
            value: 0,
            expected: "one utterance per request".to_owned(),
        })
    }
}
