//! Long text, sentence by sentence.

use std::collections::VecDeque;
use std::ops::Deref;

use tts_text::{Pause, SplitLimits, split_sentences};

use crate::error::TtsError;
use crate::model::Model;
use crate::request::{FinishReason, Request, Utterance, Warning};
use crate::schedule::ChunkSchedule;
use crate::session::SpeechStream;
use crate::timing::SynthesisTiming;
use crate::voice::Voice;

/// Pieces that are spoken together, at most.
const TOGETHER: usize = 8;

/// How the pieces of a long text are given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Each when it is complete; a guard can have it spoken again. The first is spoken alone,
    /// then two together, then four, then eight at a time: a batch takes less time for each.
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
    /// Pieces that were spoken together with one before, and the pauses behind them.
    ahead: VecDeque<(Result<Utterance, TtsError>, Pause)>,
    /// Pieces to speak together next.
    together: usize,
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
    /// Where the time went; pieces that were spoken together share it by their frames.
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
            ahead: VecDeque::new(),
            together: 1,
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
            if let Some((utterance, pause)) = self.ahead.pop_front() {
                let utterance = utterance?;
                self.over(utterance.finish, utterance.timing, &utterance.warnings, pause);
                return Ok(Some(utterance.audio.samples));
            }
            match &self.delivery {
                Delivery::Whole => {
                    let (requests, pauses): (Vec<_>, Vec<_>) =
                        self.requests(self.together).into_iter().unzip();
                    if requests.is_empty() {
                        return Ok(None);
                    }
                    self.together = (self.together * 2).min(TOGETHER);
                    self.ahead.extend(self.speak_together(&requests).into_iter().zip(pauses));
                }
                Delivery::Chunks(schedule) => {
                    let schedule = schedule.clone();
                    let Some((request, pause)) = self.requests(1).pop() else { return Ok(None) };
                    let stream = SpeechStream::new(self.model.clone(), &request, schedule)?;
                    self.current = Some((stream, pause));
                }
            }
        }
    }

    /// Speaks pieces in one batch. If one of them fails, those before it are spoken alone.
    fn speak_together(&self, requests: &[Request]) -> Vec<Result<Utterance, TtsError>> {
        match self.model.speak_batch(requests) {
            Ok(mut utterances) => {
                share_time(&mut utterances);
                utterances.into_iter().map(Ok).collect()
            }
            Err(error) if requests.len() == 1 => vec![Err(error)],
            Err(_) => {
                let mut spoken = Vec::with_capacity(requests.len());
                for request in requests {
                    spoken.push(self.model.speak(request));
                    if spoken.last().is_some_and(Result::is_err) {
                        break;
                    }
                }
                spoken
            }
        }
    }

    /// The next requests, at most `count`, and the pauses behind them.
    fn requests(&mut self, count: usize) -> Vec<(Request, Pause)> {
        let first = self.spoken.len() as u32;
        let pieces = (first..).zip(self.pieces.by_ref().take(count));
        let request = |(piece, (text, pause)): (u32, (String, Pause))| {
            let mut request = Request { text, ..self.request.clone() };
            request.options.utterance = request.options.utterance.wrapping_add(piece);
            (request, pause)
        };
        pieces.map(request).collect()
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

/// Lets the times of utterances that were spoken together add up to what passed.
fn share_time(utterances: &mut [Utterance]) {
    let longest = |time: fn(&SynthesisTiming) -> f64| {
        utterances.iter().map(|utterance| time(&utterance.timing)).fold(0.0, f64::max)
    };
    let (generate_ms, total_ms) = (longest(|t| t.generate_ms), longest(|t| t.total_ms));
    let frames: usize = utterances.iter().map(|utterance| utterance.timing.frames).sum();
    if frames == 0 {
        return;
    }
    for Utterance { timing, .. } in utterances {
        let share = timing.frames as f64 / frames as f64;
        (timing.generate_ms, timing.total_ms) = (generate_ms * share, total_ms * share);
    }
}

impl<M: Deref<Target = Model> + Clone> Iterator for LongSpeech<M> {
    type Item = Result<Vec<f32>, TtsError>;

    fn next(&mut self) -> Option<Self::Item> {
        let result = self.step();
        if result.is_err() {
            self.pieces = Vec::new().into_iter();
            self.ahead.clear();
        }
        result.transpose()
    }
}
