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
use crate::schedule::ChunkSchedule;
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
            let requests = requests.max(1);
            let mut generator = Generator::default();
            let done = self.generate_nothing(requests, &mut generator);
            generator.rest(self);
            done?;
            // What is decoded at once by itself: chunks, cut where audio is looked at.
            let lengths: Vec<_> = (1..=ChunkSchedule::LARGEST).chain([FRAMES_PER_LOOK]).collect();
            Ok(self.codec().warm_up(requests, &lengths)?)
        })
    }

    /// Lets the GPU generate a frame of requests without words; nobody waits for it.
    fn generate_nothing(&self, requests: usize, generator: &mut Generator) -> Result<(), TtsError> {
        let request = self.request("", Voice::Unnamed);
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
        let (now, probe) = (Instant::now(), &mut NoProbe);
        let mut speaking = (0..requests)
            .map(|item| prepare::read_prompt(self, item, &request, prompt.clone(), now, probe))
            .collect::<Result<Vec<_>, _>>()?;
        let mut live: Few<_> = speaking.iter_mut().collect();
        generator.warm_up(self, &mut live)
    }
}
