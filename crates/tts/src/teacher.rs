//! Teacher forcing: what a model said, and what another one would have said in its place.

use std::ops::Range;

use candle_core::Tensor;
use tts_code_predictor::CodePredictor;
use tts_nn::with_values;
use tts_talker::Talker;

use crate::error::TtsError;
use crate::model::Model;
use crate::probe::{Observation, Probe};
use crate::request::Request;

/// Utterances of a model, with everything that its language models were given and what they made
/// of it: others are asked what they would have said to the same.
#[derive(Debug)]
pub struct Teacher(Vec<Lesson>);

/// An utterance.
#[derive(Debug, Default)]
struct Lesson {
    /// What the talker was given, `[time, hidden]` the prompt, `[1, hidden]` each step.
    inputs: Vec<Tensor>,
    /// What it said of the last position of each, `[1, vocab]`.
    logits: Vec<Tensor>,
    frames: Vec<Frame>,
}

/// A frame of the code predictor.
#[derive(Debug)]
struct Frame {
    /// What it was given, `[1, hidden]` each: the talker's state, and the embedding of the first code.
    inputs: [Tensor; 2],
    /// Of codebooks 1 and up, `[1, codebook size]`.
    logits: Vec<Tensor>,
    /// What was drawn from them.
    codes: Vec<u32>,
}

/// How probabilities of one model differ from those of its teacher.
#[derive(Debug, Clone, Default)]
pub struct Agreement(Vec<Row>);

#[derive(Debug, Clone, Copy)]
struct Row {
    divergence: f64,
    is_same: bool,
}

impl Teacher {
    /// Speaks the requests, and remembers them; `progress` hears the number of frames generated.
    ///
    /// # Errors
    /// If a request is unusable.
    pub fn speak(
        model: &Model,
        requests: &[Request],
        progress: &mut dyn FnMut(usize),
    ) -> Result<Self, TtsError> {
        let lessons = requests.iter().map(|_| Lesson::default()).collect();
        let mut listener = Listener { lessons, progress };
        let utterances = model.speak_batch_with(requests, &mut listener)?;
        let mut lessons = listener.lessons;
        for (lesson, utterance) in lessons.iter_mut().zip(utterances) {
            for (frame, codes) in lesson.frames.iter_mut().zip(&utterance.frames) {
                frame.codes = codes.get(1..).unwrap_or_default().to_vec();
            }
        }
        Ok(Self(lessons))
    }

    /// What another talker would have said: a row for every token, in order, one more than frames.
    ///
    /// # Errors
    /// If it has other sizes.
    pub fn ask_talker(&self, talker: &Talker) -> Result<Agreement, TtsError> {
        let mut agreement = Agreement::default();
        for lesson in &self.0 {
            let said = lesson.inputs.len().min(lesson.logits.len());
            let (inputs, logits) = (lesson.inputs.iter().take(said), lesson.logits.iter());
            let Some(prompt) = lesson.inputs.first() else { continue };
            let first = prompt.dim(0)?.saturating_sub(1);
            let inputs = Tensor::cat(&inputs.collect::<Vec<_>>(), 0)?;
            let logits = Tensor::cat(&logits.take(said).collect::<Vec<_>>(), 0)?;
            agreement.add(&logits, &talker.logits_of(&inputs, first)?)?;
        }
        Ok(agreement)
    }

    /// What another code predictor would have said: a row for every code but the first of each frame.
    ///
    /// # Errors
    /// If it has other sizes.
    pub fn ask_predictor(&self, predictor: &CodePredictor) -> Result<Agreement, TtsError> {
        let mut agreement = Agreement::default();
        for Frame { inputs: [hidden, first], logits, codes } in
            self.0.iter().flat_map(|lesson| &lesson.frames)
        {
            let codes = Tensor::new(codes.as_slice(), hidden.device())?.unsqueeze(0)?;
            let found = predictor.logits_of(hidden, first, &codes)?;
            agreement.add(&Tensor::cat(logits, 0)?, &found)?;
        }
        Ok(agreement)
    }
}

/// Hears an utterance of a teacher.
struct Listener<'a> {
    lessons: Vec<Lesson>,
    progress: &'a mut dyn FnMut(usize),
}

impl Probe for Listener<'_> {
    fn frames(&mut self, frames: usize) {
        (self.progress)(frames);
    }

    fn observe(&mut self, item: usize, seen: Observation<'_>) -> candle_core::Result<()> {
        let Some(lesson) = self.lessons.get_mut(item) else { return Ok(()) };
        match seen {
            Observation::PromptEmbeds(prompt) => {
                // A speech that went astray is spoken again from the beginning.
                *lesson = Lesson { inputs: vec![prompt.clone()], ..Lesson::default() };
            }
            Observation::StepInput(_, _, input) => lesson.inputs.push(input.clone()),
            Observation::StepOutput(_, _, logits) => lesson.logits.push(logits.clone()),
            Observation::PredictorInput(_, hidden, first) => lesson.frames.push(Frame {
                inputs: [hidden.clone(), first.clone()],
                logits: Vec::new(),
                codes: Vec::new(),
            }),
            Observation::PredictorOutput(_, _, _, logits) => {
                if let Some(frame) = lesson.frames.last_mut() {
                    frame.logits.push(logits.clone());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Agreement {
    /// Compares logits `[rows, vocab]` in f32.
    fn add(&mut self, exact: &Tensor, found: &Tensor) -> Result<(), TtsError> {
        let width = exact.dim(1)?;
        let (shape, expected) = (found.dims(), exact.dims());
        if shape != expected {
            let problem = format!("logits {shape:?}, expected {expected:?} as of the teacher");
            return Err(candle_core::Error::Msg(problem).into());
        }
        with_values(exact, |exact: &[f32]| {
            with_values(found, |found: &[f32]| {
                let rows = exact.chunks(width).zip(found.chunks(width));
                self.0.extend(rows.map(|(exact, found)| Row::of(exact, found)));
            })
        })??;
        Ok(())
    }

    /// Rows that were compared.
    pub fn rows(&self) -> usize {
        self.0.len()
    }

    /// The mean Kullback-Leibler divergence from the probabilities of the teacher, in nats; not a
    /// number if no rows were compared.
    pub fn divergence(&self) -> f64 {
        self.mean(|row| row.divergence)
    }

    /// In how many of all rows the likeliest choice is the same, 0 to 1; not a number without rows.
    pub fn same_choice(&self) -> f64 {
        self.mean(|row| f64::from(u8::from(row.is_same)))
    }

    /// Of some rows only.
    #[must_use]
    pub fn part(&self, rows: Range<usize>) -> Self {
        Self(self.0.get(rows).unwrap_or_default().to_vec())
    }

    fn mean(&self, of: impl Fn(&Row) -> f64) -> f64 {
        self.0.iter().map(of).sum::<f64>() / self.0.len() as f64
    }
}

impl Row {
    fn of(exact: &[f32], found: &[f32]) -> Self {
        let (exact, found) = (Scores::of(exact), Scores::of(found));
        let terms = exact.logits.iter().zip(found.logits).map(|(&p, &q)| {
            let (p, q) = (f64::from(p) - exact.log_sum, f64::from(q) - found.log_sum);
            p.exp() * (p - q)
        });
        Self { divergence: terms.sum(), is_same: exact.best == found.best }
    }
}

/// Logits of one choice.
struct Scores<'a> {
    logits: &'a [f32],
    /// The logarithm of the sum of their exponentials.
    log_sum: f64,
    /// The first of the largest.
    best: Option<usize>,
}

impl<'a> Scores<'a> {
    fn of(logits: &'a [f32]) -> Self {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = logits.iter().map(|&logit| f64::from(logit - largest).exp()).sum();
        let best = logits.iter().position(|&logit| logit == largest);
        Self { logits, log_sum: f64::from(largest) + sum.ln(), best }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::Agreement;

    #[test]
    fn divergences_are_those_of_the_definition() {
        let exact = Tensor::new(&[[0_f32, 2.0_f32.ln()], [5.0, 5.0]], &Device::Cpu).unwrap();
        let found = Tensor::new(&[[7_f32, 7.0], [3.0, 3.0]], &Device::Cpu).unwrap();
        let mut agreement = Agreement::default();
        agreement.add(&exact, &found).unwrap();
        let expected = (1.0 / 3.0) * (2.0_f64 / 3.0).ln() + (2.0 / 3.0) * (4.0_f64 / 3.0).ln();
        assert_eq!(agreement.rows(), 2);
        assert!((agreement.part(0..1).divergence() - expected).abs() < 1e-7);
        assert!((agreement.divergence() - expected / 2.0).abs() < 1e-7);
        assert!((agreement.same_choice() - 0.5).abs() < 1e-12);
        assert!(agreement.add(&exact, &found.narrow(1, 0, 1).unwrap()).is_err());
        assert!(Agreement::default().divergence().is_nan());
    }
}
