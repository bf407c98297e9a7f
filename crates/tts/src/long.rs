//! Long text, sentence by sentence.

use std::ops::Deref;

use tts_text::{Pause, SplitLimits, split_sentences};

use crate::error::TtsError;
use crate::model::Model;
use crate::request::{FinishReason, Request, Warning};
use crate::schedule::ChunkSchedule;
use crate::session::SpeechStream;
use crate::timing::SynthesisTiming;
use crate::voice::Voice;

/// Speaks a long text piece by piece, with one voice and natural pauses.
///
/// Every piece is a request of its own with the same seed;
/// [`Options::utterance`](crate::Options::utterance) counts them. Dropping it frees everything.
#[derive(Debug)]
pub struct LongSpeech<M: Deref<Target = Model> + Clone> {
    model: M,
    request: Request,
    schedule: ChunkSchedule,
    pieces: std::vec::IntoIter<(String, Pause)>,
    /// The piece being spoken and the pause behind it.
    current: Option<(SpeechStream<M>, Pause)>,
    spoken: Vec<PieceReport>,
    warnings: Vec<Warning>,
}

/// What became of a piece.
#[derive(Debug, Clone, PartialEq)]
pub struct PieceReport {
    /// Why it ended.
    pub finish: FinishReason,
    /// Where the time went.
    pub timing: SynthesisTiming,
}

impl<M: Deref<Target = Model> + Clone> LongSpeech<M> {
    /// Splits the text of a request; nothing is spoken yet.
    pub fn new(model: M, request: &Request, schedule: ChunkSchedule, limits: SplitLimits) -> Self {
        let pieces: Vec<_> = split_sentences(&request.text, limits)
            .iter()
            .map(|piece| (piece.spoken().into_owned(), piece.pause))
            .collect();
        let describes = matches!(request.voice, Voice::Unnamed);
        let warnings =
            if describes && pieces.len() > 1 { vec![Warning::VoiceVaries] } else { Vec::new() };
        Self {
            model,
            request: request.clone(),
            schedule,
            pieces: pieces.into_iter(),
            current: None,
            spoken: Vec::new(),
            warnings,
        }
    }

    /// The pieces that are over, in order.
    pub fn spoken(&self) -> &[PieceReport] {
        &self.spoken
    }

    /// What the user should know of the pieces that are over.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    fn begin(&mut self) -> Result<bool, TtsError> {
        let Some((text, pause)) = self.pieces.next() else {
            if self.spoken.is_empty() && self.current.is_none() {
                // There is no piece in a blank text: it is refused like any other.
                SpeechStream::new(self.model.clone(), &self.request, self.schedule.clone())?;
            }
            return Ok(false);
        };
        let mut request = Request { text, ..self.request.clone() };
        request.options.utterance =
            request.options.utterance.wrapping_add(self.spoken.len() as u32);
        let stream = SpeechStream::new(self.model.clone(), &request, self.schedule.clone())?;
        self.current = Some((stream, pause));
        Ok(true)
    }

    fn end(&mut self, stream: &SpeechStream<M>) {
        let session = stream.session();
        let finish = session.finish_reason().unwrap_or(FinishReason::MaxTokens);
        self.spoken.push(PieceReport { finish, timing: session.timing() });
        for warning in session.warnings() {
            if !self.warnings.contains(warning) {
                self.warnings.push(warning.clone());
            }
        }
    }

    fn step(&mut self) -> Result<Option<Vec<f32>>, TtsError> {
        loop {
            let Some((mut stream, pause)) = self.current.take() else {
                if self.begin()? {
                    continue;
                }
                return Ok(None);
            };
            match stream.next().transpose()? {
                Some(chunk) => {
                    self.current = Some((stream, pause));
                    return Ok(Some(chunk.samples));
                }
                None => self.end(&stream),
            }
            let silence =
                (f64::from(pause.seconds()) * f64::from(self.model.sample_rate())) as usize;
            if silence > 0 {
                return Ok(Some(vec![0.0; silence]));
            }
        }
    }
}

impl<M: Deref<Target = Model> + Clone> Iterator for LongSpeech<M> {
    type Item = Result<Vec<f32>, TtsError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
