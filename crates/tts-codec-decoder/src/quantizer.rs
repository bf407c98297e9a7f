use candle_core::{Device, Result, Tensor};
use tts_checkpoint::{CodecDecoderConfig, Weights};
use tts_nn::Linear;

use crate::error::CodecError;
use crate::stages::Stages;

/// Codebook entries that were never used have no usage to divide by.
const SMALLEST_USAGE: f32 = 1e-5;

/// What frames of codes are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CodeRange {
    /// Codebooks: codes of a frame.
    pub(crate) codebooks: usize,
    /// Entries of each.
    entries: usize,
}

/// The split residual quantiser (`docs/model.md`, section 7.2): the semantic
/// codebooks and the others are summed and projected separately.
#[derive(Debug)]
pub(crate) struct SplitQuantizer {
    first: Quantizer,
    rest: Quantizer,
}

#[derive(Debug)]
struct Quantizer {
    /// One `[entries, vector]` table per codebook.
    codebooks: Vec<Tensor>,
    /// From vectors to channels.
    projection: Linear,
}

impl CodeRange {
    pub(crate) fn new(c: &CodecDecoderConfig) -> Self {
        Self { codebooks: c.num_quantizers, entries: c.codebook_size }
    }

    /// Refuses frames of another width and codes outside their codebook.
    pub(crate) fn check<F: AsRef<[u32]>>(
        self,
        frames: &[F],
    ) -> std::result::Result<(), CodecError> {
        let (expected, size) = (self.codebooks, self.entries);
        for (frame, codes) in frames.iter().enumerate() {
            let codes = codes.as_ref();
            if codes.len() != expected {
                return Err(CodecError::FrameWidth { frame, found: codes.len(), expected });
            }
            if let Some((codebook, &code)) =
                codes.iter().enumerate().find(|&(_, &code)| code as usize >= size)
            {
                return Err(CodecError::CodeOutOfRange { frame, codebook, code, size });
            }
        }
        Ok(())
    }
}

impl SplitQuantizer {
    pub(crate) fn load(
        c: &CodecDecoderConfig,
        weights: &Weights,
    ) -> std::result::Result<Self, CodecError> {
        let semantic = c.num_semantic_quantizers;
        Ok(Self {
            first: Quantizer::load(semantic, &weights.scope("rvq_first"))?,
            rest: Quantizer::load(c.num_quantizers - semantic, &weights.scope("rvq_rest"))?,
        })
    }

    /// Codebooks that are projected first.
    pub(crate) fn semantic(&self) -> usize {
        self.first.codebooks.len()
    }

    /// The projected entries of all codebooks, `[codebooks, entries, channels]`: what they add to the
    /// output.
    pub(crate) fn projected(&self) -> Result<Tensor> {
        let of = |quantizer: &'_ Quantizer| {
            let books = quantizer.codebooks.iter();
            books.map(|book| quantizer.projection.forward(book)).collect::<Result<Vec<_>>>()
        };
        Tensor::stack(&[of(&self.first)?, of(&self.rest)?].concat(), 0)
    }

    /// Checked frames to `[channels, time]`.
    pub(crate) fn decode<F: AsRef<[u32]>>(
        &self,
        frames: &[F],
        device: &Device,
        stages: &mut Stages<'_, '_>,
    ) -> Result<Tensor> {
        let codes: Vec<u32> = frames.iter().flat_map(|f| f.as_ref().iter().copied()).collect();
        let codebooks = self.first.codebooks.len() + self.rest.codebooks.len();
        let codes = Tensor::from_vec(codes, (frames.len(), codebooks), device)?.t()?;
        let codes = codes.contiguous()?;
        let semantic = self.first.codebooks.len();
        let first = self.first.decode(&codes.narrow(0, 0, semantic)?)?;
        stages.show("quantizer_first", &first)?;
        let rest = self.rest.decode(&codes.narrow(0, semantic, self.rest.codebooks.len())?)?;
        stages.show("quantizer_rest", &rest)?;
        let sum = (first + rest)?;
        stages.show("quantizer", &sum)?;
        Ok(sum)
    }
}

impl Quantizer {
    fn load(levels: usize, weights: &Weights) -> std::result::Result<Self, CodecError> {
        let mut codebooks = Vec::with_capacity(levels);
        for level in 0..levels {
            let book = weights.scope(format!("vq.layers.{level}._codebook"));
            let usage = book.tensor("cluster_usage")?.maximum(SMALLEST_USAGE)?;
            codebooks.push(book.tensor("embedding_sum")?.broadcast_div(&usage.unsqueeze(1)?)?);
        }
        let projection = Linear::in_pieces::<CodecError>(weights, &["output_proj.weight"], None)?;
        Ok(Self { codebooks, projection })
    }

    /// `[levels, time]` codes to `[channels, time]`.
    fn decode(&self, codes: &Tensor) -> Result<Tensor> {
        let mut sum: Option<Tensor> = None;
        for (level, book) in self.codebooks.iter().enumerate() {
            let rows = book.index_select(&codes.get(level)?, 0)?;
            sum = Some(match sum {
                Some(sum) => (sum + rows)?,
                None => rows,
            });
        }
        let Some(sum) = sum else { candle_core::bail!("a quantiser without codebooks") };
        self.projection.forward(&sum)?.t()
    }
}
