use candle_core::{D, Result, Tensor};
use tts_checkpoint::{CodecConfig, Weights};
use tts_nn::Linear;

use crate::encoder::Tap;
use crate::error::EncoderError;

/// Codebook entries that were never used have no usage to divide by.
const SMALLEST_USAGE: f32 = 1e-5;

/// The split residual quantiser (`docs/model.md`, section 8.5): the semantic
/// codebooks and the others quantise two projections of the same embedding.
#[derive(Debug)]
pub(crate) struct SplitQuantizer {
    semantic: ResidualQuantizer,
    acoustic: ResidualQuantizer,
}

/// Every codebook quantises what the ones before it left over.
#[derive(Debug)]
struct ResidualQuantizer {
    /// `[vector, channels]`.
    projection: Tensor,
    codebooks: Vec<Codebook>,
}

#[derive(Debug)]
struct Codebook {
    /// `[entries, vector]`.
    vectors: Tensor,
    /// From a vector `x` to `x·e - |e|²/2` for every entry `e`. That is the largest
    /// where `|x - e|² = |x|² - 2 (x·e - |e|²/2)` is the smallest.
    closeness: Linear,
}

impl SplitQuantizer {
    /// Loads the codebooks that are kept; the file may have more.
    pub(crate) fn load(
        config: &CodecConfig,
        weights: &Weights,
    ) -> std::result::Result<Self, EncoderError> {
        let kept = config.encoder_valid_num_quantizers;
        let semantic = config.encoder_config.num_semantic_quantizers.min(kept);
        let quantizer = |name: &str, levels: usize| {
            let weights = weights.scope(format!("{name}_residual_vector_quantizer"));
            ResidualQuantizer::load(levels, &weights)
        };
        Ok(Self {
            semantic: quantizer("semantic", semantic)?,
            acoustic: quantizer("acoustic", kept - semantic)?,
        })
    }

    /// Codes of a frame.
    pub(crate) fn codebooks(&self) -> usize {
        self.semantic.codebooks.len() + self.acoustic.codebooks.len()
    }

    /// Embeddings `[channels, time]` to codes `[time, codebooks]`.
    pub(crate) fn encode(&self, x: &Tensor, tap: &mut Tap<'_>) -> Result<Tensor> {
        let semantic = self.semantic.projection.matmul(x)?;
        tap("semantic_proj", &semantic)?;
        let acoustic = self.acoustic.projection.matmul(x)?;
        tap("acoustic_proj", &acoustic)?;
        let mut codes = Vec::with_capacity(self.codebooks());
        self.semantic.encode(&semantic, &mut codes)?;
        self.acoustic.encode(&acoustic, &mut codes)?;
        Tensor::stack(&codes, 1)
    }
}

impl ResidualQuantizer {
    fn load(levels: usize, weights: &Weights) -> std::result::Result<Self, EncoderError> {
        let mut codebooks = Vec::with_capacity(levels);
        for level in 0..levels {
            let book = weights.scope(format!("layers.{level}.codebook"));
            let (sum, usage) = (book.tensor("embed_sum")?, book.tensor("cluster_usage")?);
            codebooks.push(Codebook::new(&sum, &usage)?);
        }
        Ok(Self { projection: weights.tensor("input_proj.weight")?.squeeze(2)?, codebooks })
    }

    /// Adds the codes `[time]` of every level for vectors `[vector, time]`.
    fn encode(&self, x: &Tensor, codes: &mut Vec<Tensor>) -> Result<()> {
        let mut residual = x.t()?.contiguous()?;
        for book in &self.codebooks {
            let nearest = book.nearest(&residual)?;
            residual = (residual - book.vectors.index_select(&nearest, 0)?)?;
            codes.push(nearest);
        }
        Ok(())
    }
}

impl Codebook {
    /// From sums `[entries, vector]` of the vectors that were assigned to an entry
    /// in training and their numbers `[entries]`.
    fn new(sum: &Tensor, usage: &Tensor) -> Result<Self> {
        let vectors = sum.broadcast_div(&usage.maximum(SMALLEST_USAGE)?.unsqueeze(1)?)?;
        let bias = (vectors.sqr()?.sum(D::Minus1)? * -0.5)?;
        Ok(Self { closeness: Linear::new(vectors.clone(), Some(bias)), vectors })
    }

    /// The nearest entry of each vector, `[time, vector]` to `[time]`; the first of
    /// several.
    fn nearest(&self, x: &Tensor) -> Result<Tensor> {
        self.closeness.forward(x)?.argmax(D::Minus1)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::Codebook;

    fn nearest(entries: &[[f32; 2]], usage: &[f32], x: &[[f32; 2]]) -> Vec<u32> {
        let tensor = |rows: &[[f32; 2]]| {
            Tensor::from_slice(rows.as_flattened(), (rows.len(), 2), &Device::Cpu).unwrap()
        };
        let usage = Tensor::new(usage, &Device::Cpu).unwrap();
        let book = Codebook::new(&tensor(entries), &usage).unwrap();
        book.nearest(&tensor(x)).unwrap().to_vec1().unwrap()
    }

    #[test]
    fn the_nearest_entry_is_not_the_best_aligned_one() {
        let entries = [[10.0, 0.0], [1.0, 0.5], [0.0, 0.0]];
        assert_eq!(nearest(&entries, &[1.0; 3], &[[1.0, 0.0], [0.2, 0.1], [9.0, 1.0]]), [1, 2, 0]);
    }

    #[test]
    fn the_first_of_equally_near_entries_wins() {
        let entries = [[5.0, 5.0], [1.0, 2.0], [1.0, 2.0], [2.0, 1.0]];
        assert_eq!(nearest(&entries, &[1.0; 4], &[[1.0, 2.0], [1.5, 1.5]]), [1, 1]);
    }

    #[test]
    fn entries_are_means_and_unused_ones_are_far_away() {
        let entries = [[4.0, 8.0], [1.0, 2.0], [0.1, 0.1]];
        // Means are [1, 2], [2, 4] and 1e4 times the sum.
        let usage = [4.0, 0.5, 0.0];
        let x = [[1.1, 2.1], [1.9, 3.9], [0.1, 0.1], [9e3, 9e3]];
        assert_eq!(nearest(&entries, &usage, &x), [0, 1, 0, 2]);
    }
}
