use tts_checkpoint::PackedFile;
use tts_code_predictor::CodePredictor;
use tts_talker::Talker;

use crate::error::TtsError;
use crate::teacher::{Agreement, Teacher};

/// A language model whose layers can be exchanged.
pub(super) trait Stack: Sized {
    /// The name of its layers, in front of their numbers.
    const LAYERS: &'static str;

    fn swap_layer(&mut self, index: usize, other: &mut Self) -> Result<(), TtsError>;

    fn ask(&self, teacher: &Teacher) -> Result<Agreement, TtsError>;
}

impl Stack for Talker {
    const LAYERS: &'static str = PackedFile::TALKER_LAYERS;

    fn swap_layer(&mut self, index: usize, other: &mut Self) -> Result<(), TtsError> {
        Ok(self.swap_layer(index, other)?)
    }

    fn ask(&self, teacher: &Teacher) -> Result<Agreement, TtsError> {
        teacher.ask_talker(self)
    }
}

impl Stack for CodePredictor {
    const LAYERS: &'static str = PackedFile::PREDICTOR_LAYERS;

    fn swap_layer(&mut self, index: usize, other: &mut Self) -> Result<(), TtsError> {
        Ok(self.swap_layer(index, other)?)
    }

    fn ask(&self, teacher: &Teacher) -> Result<Agreement, TtsError> {
        teacher.ask_predictor(self)
    }
}

/// A language model of which some layers are in 4 bits, the others in 8.
pub(super) struct Mixture<'a, S> {
    model: S,
    /// All layers that are not in the model.
    others: S,
    is_in_four: Vec<bool>,
    teacher: &'a Teacher,
    /// Hears of every measurement.
    progress: &'a mut dyn FnMut(),
}

/// Layers that are in 4 bits, and how the model differs from its teacher then.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) layers: Vec<usize>,
    pub(super) agreement: Agreement,
}

impl<'a, S: Stack> Mixture<'a, S> {
    /// Of the same model in 8 and in 4 bits.
    pub(super) fn new(
        eight: S,
        four: S,
        layers: usize,
        teacher: &'a Teacher,
        progress: &'a mut dyn FnMut(),
    ) -> Self {
        Self { model: eight, others: four, is_in_four: vec![false; layers], teacher, progress }
    }

    /// As many layers as the model bears: those first that change least when they alone are in 4
    /// bits, until its divergence from the teacher is above `bound`.
    pub(super) fn choose(mut self, bound: f64) -> Result<Chosen, TtsError> {
        let all: Vec<usize> = (0..self.is_in_four.len()).collect();
        let most = self.measure(&all)?;
        if most.agreement.divergence() <= bound {
            return Ok(most);
        }
        let mut best = self.measure(&[])?;
        if best.agreement.divergence() > bound {
            return Ok(best);
        }
        let alone = all.iter().map(|&layer| {
            let divergence = self.measure(&[layer])?.agreement.divergence();
            Ok((divergence, layer))
        });
        let mut alone = alone.collect::<Result<Vec<_>, TtsError>>()?;
        alone.sort_by(|a, b| a.0.total_cmp(&b.0));
        let order: Vec<usize> = alone.into_iter().map(|(_, layer)| layer).collect();
        let mut too_many = order.len();
        while best.layers.len() + 1 < too_many {
            let middle = usize::midpoint(best.layers.len(), too_many);
            let tried = self.measure(order.get(..middle).unwrap_or_default())?;
            if tried.agreement.divergence() <= bound {
                best = tried;
            } else {
                too_many = middle;
            }
        }
        best.layers.sort_unstable();
        Ok(best)
    }

    /// Asks the model with these layers in 4 bits.
    fn measure(&mut self, layers: &[usize]) -> Result<Chosen, TtsError> {
        for (index, is_in_four) in self.is_in_four.iter_mut().enumerate() {
            if layers.contains(&index) != *is_in_four {
                self.model.swap_layer(index, &mut self.others)?;
                *is_in_four = !*is_in_four;
            }
        }
        (self.progress)();
        Ok(Chosen { layers: layers.to_vec(), agreement: self.model.ask(self.teacher)? })
    }
}
