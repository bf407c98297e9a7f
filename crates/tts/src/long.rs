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

/// How the pieces of a long text are given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Each when it is complete; a guard can have it spoken again.
    Whole,
    /// Chunk by chunk, while it is spoken.
    Chunks(ChunkSchedule),
}

/// Speaks a long text piece by piece, with one voice and natural pauses.
///
/// Every piece is a request of its own with the same seed;
/// [`Options::utterance`](crate::Options::utterance) counts them. It gives out samples,
/// the pauses included, and ends with the first error. Dropping it frees everything.
#[derive(Debug)]
pub struct LongSpeech<M: Deref<Target = Model> + Clone> {
    model: M,
    request: Request,
    delivery: Delivery,
    pieces: std::vec::IntoIter<(String, Pause)>,
    /// The piece that is streamed and the pause behind it.
    current: Option<(SpeechStream<M>, Pause)>,
    /// Silence that is due.
    pause: Pause,
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
    /// Splits the text of a request, or takes it as one piece if there are no limits.
    /// Nothing is spoken yet.
    pub fn new(
        model: M,
        request: &Request,
        delivery: Delivery,
        limits: Option<SplitLimits>,
    ) -> Self {
        let mut pieces: Vec<_> = limits
            .map(|limits| split_sentences(&request.text, limits))
            .unwrap_or_default()
            .iter()
            .map(|piece| (piece.spoken().into_owned(), piece.pause))
            .collect();
        if pieces.is_empty() {
            // A blank text has no pieces; it is refused when it is spoken.
            pieces.push((request.text.clone(), Pause::None));
        }
        let varies = pieces.len() > 1 && matches!(request.voice, Voice::Unnamed);
        Self {
            model,
            request: request.clone(),
            delivery,
            pieces: pieces.into_iter(),
            current: None,
            pause: Pause::None,
            spoken: Vec::new(),
            warnings: varies.then_some(Warning::VoiceVaries).into_iter().collect(),
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

    fn step(&mut self) -> Result<Option<Vec<f32>>, TtsError> {
        loop {
            let silence = f64::from(self.pause.seconds()) * f64::from(self.model.sample_rate());
            self.pause = Pause::None;
            if silence >= 1.0 {
                return Ok(Some(vec![0.0; silence as usize]));
            }
            if let Some((mut stream, pause)) = self.current.take() {
                if let Some(chunk) = stream.next().transpose()? {
                    self.current = Some((stream, pause));
                    return Ok(Some(chunk.samples));
                }
                let session = stream.session();
                let finish = session.finish_reason().unwrap_or(FinishReason::MaxTokens);
                self.over(finish, session.timing(), session.warnings(), pause);
                continue;
            }
            let Some((text, pause)) = self.pieces.next() else { return Ok(None) };
            let mut request = Request { text, ..self.request.clone() };
            let piece = self.spoken.len() as u32;
            request.options.utterance = request.options.utterance.wrapping_add(piece);
            match &self.delivery {
                Delivery::Whole => {
                    let utterance = self.model.speak(&request)?;
                    let (finish, timing) = (utterance.finish, utterance.timing);
                    self.over(finish, timing, &utterance.warnings, pause);
                    return Ok(Some(utterance.audio.samples));
                }
                Delivery::Chunks(schedule) => {
                    let stream = SpeechStream::new(self.model.clone(), &request, schedule.clone())?;
                    self.current = Some((stream, pause));
                }
            }
        }
    }

    fn over(
        &mut self,
        finish: FinishReason,
        timing: SynthesisTiming,
        warnings: &[Warning],
        pause: Pause,
    ) {
        self.spoken.push(PieceReport { finish, timing });
        for warning in warnings {
            if !self.warnings.contains(warning) {
                self.warnings.push(warning.clone());
            }
        }
        self.pause = pause;
    }
}

impl<M: Deref<Target = Model> + Clone> Iterator for LongSpeech<M> {
    type Item = Result<Vec<f32>, TtsError>;

    fn next(&mut self) -> Option<Self::Item> {
        let result = self.step();
        if result.is_err() {
            self.pieces = Vec::new().into_iter();
        }
        result.transpose()
    }
}
