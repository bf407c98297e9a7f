use candle_core::{DType, Device, Result as TensorResult, Tensor};
use tts_checkpoint::{CheckpointError, TalkerConfig, Weights};
use tts_nn::{Blocks, Decoder, DecoderConfig, DecoderState, Embedding, Linear, Packing};
use tts_sampler::{DrawKey, DrawRow, History, Sampler, SamplerError, SamplingParams, TokenRules};

/// Why the code predictor could not be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum PredictorError {
    /// A weight could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A code could not be drawn.
    #[error("code predictor, codebook {codebook}: {source}")]
    Sampler {
        /// Index of the codebook.
        codebook: usize,
        /// What is wrong with its logits.
        source: SamplerError,
    },
    /// A frame has the wrong number of codes.
    #[error("a frame of {found} codes, expected {expected}")]
    FrameWidth {
        /// Codes it has.
        found: usize,
        /// Codes of a frame.
        expected: usize,
    },
    /// The tensor library failed.
    #[error("code predictor: {0}")]
    Tensor(#[from] candle_core::Error),
}

/// Sees codebook, hidden states `[batch, hidden]` after the final norm and
/// logits `[batch, codebook size]` of every step.
pub type PredictorTap<'a> = dyn FnMut(usize, &Tensor, &Tensor) -> TensorResult<()> + 'a;

/// The code predictor of a checkpoint.
#[derive(Debug)]
pub struct CodePredictor {
    /// One table `[entries, talker width]` per codebook from 1 on.
    embeddings: Vec<Embedding>,
    heads: Vec<Linear>,
    /// From the talker's width to this model's, where they differ.
    projection: Option<Linear>,
    decoder: Decoder,
    rules: TokenRules,
    no_history: History,
    dtype: DType,
    device: Device,
}

/// Caches of one sequence; overwritten by every frame.
#[derive(Debug)]
pub struct PredictorState(DecoderState);

/// How the codes of one sequence are drawn.
#[derive(Debug)]
pub struct PredictorRow<'a> {
    /// Its caches.
    pub state: &'a mut PredictorState,
    /// Temperature and cuts.
    pub params: &'a SamplingParams,
    /// The key of the frame; the codebook is filled in here.
    pub key: DrawKey,
}

impl CodePredictor {
    /// Loads the code predictor from the weights of a model; with a `packing`, from weights
    /// in f32 for the CPU.
    ///
    /// # Errors
    /// If a weight is not finite or does not fit on the device.
    pub fn load(
        config: &TalkerConfig,
        weights: &Weights,
        packing: Option<Packing>,
    ) -> Result<Self, PredictorError> {
        let (layers, heads) = (packing.map(|p| p.layers), packing.map(|p| p.heads));
        let c = &config.code_predictor_config;
        let root = weights.scope("talker.code_predictor");
        let model = root.scope("model");
        let steps = c.num_code_groups - 1;
        let projection = if c.hidden_size == config.hidden_size {
            None
        } else {
            let layer = root.scope("small_to_mtp_projection");
            Some(Linear::in_bits::<PredictorError>(heads, &layer, "weight", Some("bias"))?)
        };
        let decoder = DecoderConfig {
            layers: c.num_hidden_layers,
            heads: c.num_attention_heads,
            kv_heads: c.num_key_value_heads,
            head_dim: c.head_dim,
            intermediate: c.intermediate_size,
            norm_eps: c.rms_norm_eps,
            rope_theta: c.rope_theta,
            window: None,
            head_norms: true,
            layer_scales: false,
            blocks: Blocks::RmsGated,
        };
        Ok(Self {
            embeddings: (0..steps)
                .map(|k| Embedding::load(&model, &format!("codec_embedding.{k}.weight")))
                .collect::<Result<_, _>>()?,
            heads: (0..steps)
                .map(|k| Linear::in_bits(heads, &root, &format!("lm_head.{k}.weight"), None))
                .collect::<Result<_, PredictorError>>()?,
            projection,
            decoder: Decoder::load::<PredictorError>(layers, decoder, &model)?,
            rules: TokenRules::all(c.vocab_size),
            no_history: History::new(c.vocab_size),
            dtype: weights.dtype(),
            device: weights.device().clone(),
        })
    }

    /// The caches of a new sequence.
    ///
    /// # Errors
    /// If the device has no room for them.
    pub fn new_state(&self) -> Result<PredictorState, PredictorError> {
        let capacity = self.heads.len() + 1;
        Ok(PredictorState(self.decoder.new_state(capacity, self.dtype, &self.device)?))
    }

    /// Draws codes 1 and up of one frame of each sequence.
    ///
    /// `hidden` is the talker's output and `first` the talker's embedding of the
    /// codebook-0 token it gave, both `[batch, talker width]`. The codes, `[batch,
    /// codebooks - 1]` in u32, stay on the device: nothing waits for it here.
    ///
    /// # Errors
    /// If logits are not finite; those of `tap`.
    pub fn frame(
        &self,
        hidden: &Tensor,
        first: &Tensor,
        rows: &mut [PredictorRow<'_>],
        sampler: &mut Sampler,
        tap: &mut PredictorTap<'_>,
    ) -> Result<Tensor, PredictorError> {
        let mut codes = Vec::with_capacity(self.heads.len());
        for row in rows.iter_mut() {
            row.state.0.clear();
        }
        let mut input = Tensor::stack(&[hidden, first], 1)?;
        for (step, head) in self.heads.iter().enumerate() {
            let codebook = step + 1;
            let output = self.forward(&input, rows)?;
            let logits = head.forward(&output)?.to_dtype(DType::F32)?;
            tap(codebook, &output, &logits)?;
            let draws: Vec<DrawRow<'_>> = (rows.iter())
                .map(|row| DrawRow {
                    params: row.params,
                    rules: &self.rules,
                    history: &self.no_history,
                    key: DrawKey { codebook: codebook as u32, ..row.key },
                })
                .collect();
            let drawn = sampler
                .draw_rows(&logits, &draws)
                .map_err(|source| PredictorError::Sampler { codebook, source })?
                .narrow(1, 0, 1)?;
            if let Some(table) = self.embeddings.get(step)
                && codebook < self.heads.len()
            {
                let ids = drawn.squeeze(1)?.contiguous()?;
                input = table.forward(&ids)?.unsqueeze(1)?;
            }
            codes.push(drawn);
        }
        Ok(Tensor::cat(&codes, 1)?)
    }

    /// The logits that [`CodePredictor::frame`] draws from if it draws `codes`, `[1,
    /// codebooks - 1]`: `[codebooks - 1, codebook size]`, of one frame of one sequence.
    ///
    /// # Errors
    /// If the frame has the wrong width or a code is not in its codebook.
    pub fn logits_of(
        &self,
        hidden: &Tensor,
        first: &Tensor,
        codes: &Tensor,
    ) -> Result<Tensor, PredictorError> {
        let (found, expected) = (codes.dim(1)?, self.heads.len());
        if found != expected {
            return Err(PredictorError::FrameWidth { found, expected });
        }
        let mut inputs = vec![hidden.clone(), first.clone()];
        for (step, table) in self.embeddings.iter().enumerate().take(expected - 1) {
            let ids = codes.narrow(1, step, 1)?.squeeze(1)?.contiguous()?;
            inputs.push(table.forward(&ids)?);
        }
        let outputs = self.decode(&Tensor::stack(&inputs, 1)?, &mut [&mut self.new_state()?.0])?;
        let logits = (self.heads.iter().enumerate())
            .map(|(step, head)| head.forward(&outputs.narrow(1, step + 1, 1)?.squeeze(1)?))
            .collect::<TensorResult<Vec<_>>>()?;
        Ok(Tensor::cat(&logits, 0)?.to_dtype(DType::F32)?)
    }

    /// `[batch, time, talker width]` to the last position's `[batch, hidden]`.
    fn forward(&self, input: &Tensor, rows: &mut [PredictorRow<'_>]) -> TensorResult<Tensor> {
        let mut states: Vec<_> = rows.iter_mut().map(|row| &mut row.state.0).collect();
        let output = self.decode(input, &mut states)?;
        output.narrow(1, input.dim(1)? - 1, 1)?.squeeze(1)
    }

    /// `[batch, time, talker width]` to `[batch, time, hidden]`.
    fn decode(&self, input: &Tensor, states: &mut [&mut DecoderState]) -> TensorResult<Tensor> {
        let input = match &self.projection {
            Some(projection) => projection.forward(input)?,
            None => input.clone(),
        };
        self.decoder.forward(&input, states, &mut |_, _| Ok(()))
    }

    /// The sum of a frame's embeddings for each sequence, `[batch, talker
    /// width]`: `first` is that of codebook 0, `codes` `[batch, codebooks - 1]` are
    /// the others. The order of addition is that of the reference, on which exact
    /// parity depends.
    ///
    /// # Errors
    /// If the frames have the wrong width or a code is not in its codebook.
    pub fn embed(&self, first: &Tensor, codes: &Tensor) -> Result<Tensor, PredictorError> {
        let (found, expected) = (codes.dim(1)?, self.embeddings.len());
        if found != expected {
            return Err(PredictorError::FrameWidth { found, expected });
        }
        let mut sum = first.clone();
        for (k, table) in self.embeddings.iter().enumerate() {
            let ids = codes.narrow(1, k, 1)?.squeeze(1)?.contiguous()?;
            sum = (sum + table.forward(&ids)?)?;
        }
        Ok(sum)
    }
}
