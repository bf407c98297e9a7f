//! What a GPU does before the first request.

use std::time::Instant;

use tts_nn::queue_of;
use tts_profiling::unheard;
use tts_text::{CodecInput, Position, Prompt};

use crate::error::TtsError;
use crate::generate::{Few, Generator};
use crate::guard::FRAMES_PER_LOOK;
use crate::model::Model;
use crate::prepare;
use crate::probe::NoProbe;
use crate::request::Request;
use crate::schedule::ChunkSchedule;
use crate::speaking::Speaking;
use crate::voice::Voice;

/// Positions of a prompt without words.
const POSITIONS: usize = 16;

impl Model {
    /// Lets a GPU get ready for so many requests at once: their frames and the pieces of their speech
    /// are recorded, and then repeated from the first one on. Loading a model
    /// does it for one; a server does it for those of its [`Batch`](crate::Batch). There is nothing to
    /// do on the CPU.
    ///
    /// # Errors
    /// If the device fails or has no room for them.
    pub fn warm_up(&self, requests: usize) -> Result<(), TtsError> {
        if queue_of(self.device())?.is_none() {
            return Ok(());
        }
        unheard(|| {
            let mut generator = Generator::default();
            let done = self.generate_nothing(requests.max(1), &mut generator);
            generator.rest(self);
            done?;
            // What is decoded at once by itself: chunks, cut where audio is looked at.
            let lengths: Vec<_> = (1..=ChunkSchedule::LARGEST).chain([FRAMES_PER_LOOK]).collect();
            Ok(self.codec().warm_up(requests.max(1), &lengths)?)
        })
    }

    /// Generates a frame of requests without words.
    fn generate_nothing(&self, requests: usize, generator: &mut Generator) -> Result<(), TtsError> {
        let mut request = self.request("", Voice::Unnamed);
        request.options.talker.min_new_tokens = 2;
        let mut speaking = (0..requests)
            .map(|item| self.begin_nothing(item, &request, generator))
            .collect::<Result<Vec<_>, _>>()?;
        let mut live: Few<_> = speaking.iter_mut().collect();
        generator.advance(self, &mut live, 1, &mut NoProbe)?;
        live.into_iter().find_map(|one| one.failure.take()).map_or(Ok(()), Err)
    }

    fn begin_nothing(
        &self,
        item: usize,
        request: &Request,
        generator: &mut Generator,
    ) -> Result<Speaking, TtsError> {
        let position = Position {
            text: Some(self.config().tts_pad_token_id),
            codec: CodecInput::Id(self.config().talker_config.codec_pad_id),
        };
        let prompt = Prompt {
            positions: vec![position; POSITIONS],
            head: 0,
            trailing: Vec::new(),
            complete: true,
            text_tokens: 0,
            text_ids: Vec::new(),
            instruct_ids: None,
            reference_ids: None,
            language: None,
            warnings: Vec::new(),
        };
        prepare::prefill(self, item, request, prompt, Instant::now(), generator, &mut NoProbe)
    }
}
