use candle_core::{DType, Device, Result as TensorResult, Tensor};
use smallvec::SmallVec;
use tts_checkpoint::{CheckpointError, TalkerConfig, Weights};
use tts_nn::{
    Bits, Blocks, Buffer, Decoder, DecoderBatch, DecoderConfig, DecoderState, Embedding, Linear,
    Packing, computed_in,
};
use tts_sampler::{BatchSampler, Draw, DrawRow, SamplerError, TokenRules};

/// Why the code predictor could not be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum PredictorError {
    /// A weight could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A code could not be drawn.
    #[error("code predictor, codebook {codebook}: {source}")]
    Draw {
        /// Index of the codebook.
        codebook: usize,
        /// What is wrong with its logits.
        source: SamplerError,
    },
    /// The sampler failed.
    #[error("code predictor: {0}")]
    Sampler(#[from] SamplerError),
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
    talker_hidden: usize,
    hidden: usize,
    /// Of all that is computed.
    dtype: DType,
    device: Device,
}

/// The memory of frames of some sequences.
#[derive(Debug)]
pub struct PredictorWork {
    /// Caches of each sequence; overwritten by every frame.
    states: Vec<DecoderState>,
    sampler: BatchSampler,
    hidden: Buffer,
    first: Buffer,
    /// The first two positions.
    pair: Input,
    /// One position after those.
    next: Input,
    /// The embedding of a code, `[batch, talker width]`: [`Input::rows`] of `next`.
    code: Buffer,
    output: Buffer,
    logits: Buffer,
    words: Tensor,
    /// The draws of every codebook, `[3, batch]`: parts of `words`.
    draws: Vec<Buffer>,
    /// Their tokens, `[batch]`.
    tokens: Vec<Buffer>,
    embedded: Buffer,
}

/// Positions of all sequences.
#[derive(Debug)]
struct Input {
    /// Where the sequences are.
    batch: DecoderBatch,
    /// `[batch, time, talker width]`.
    rows: Buffer,
    /// `[batch, time, hidden]`, where there is a projection.
    projected: Option<Buffer>,
}

impl PredictorWork {
    /// The talker's output, `[batch, talker width]`; to be filled where it is.
    pub fn hidden(&self) -> &Buffer {
        &self.hidden
    }

    /// The talker's embedding of the codebook-0 token it gave, `[batch, talker width]`; to be
    /// filled where it is.
    pub fn first(&self) -> &Buffer {
        &self.first
    }

    /// The sum of the frame's embeddings, `[batch, talker width]`.
    pub fn embedded(&self) -> &Tensor {
        &self.embedded
    }

    /// Takes how the codes of the sequences are drawn, from the frame on whose key is given; later
    /// frames are later steps. Where it is not called between frames, nothing goes to the device.
    ///
    /// # Errors
    /// If there are not as many rows as sequences.
    pub fn begin(&mut self, rows: &[DrawRow<'_>]) -> Result<(), PredictorError> {
        Ok(self.sampler.begin(rows)?)
    }

    /// Where the talker's next token may be drawn to, so that one read gets it with the frame:
    /// the first [`Draw::WORDS`] rows of [`PredictorWork::words`].
    pub fn first_draw(&self) -> Option<&Buffer> {
        self.draws.first()
    }

    /// The tokens of [`PredictorWork::first_draw`], `[batch]` in u32.
    pub fn first_tokens(&self) -> Option<&Buffer> {
        self.tokens.first()
    }

    /// The draws of every codebook, `[codebooks * 3, batch]` in u32; see [`Draw::from_words`].
    pub fn words(&self) -> &Tensor {
        &self.words
    }
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
        let bits = |scheme| Bits::of(scheme, weights.device());
        let layers = bits(packing.map(|packing| packing.layers))?;
        let heads = bits(packing.map(|packing| packing.heads))?;
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
                .collect::<Result<_, PredictorError>>()?,
            heads: (0..steps)
                .map(|k| Linear::in_bits(heads, &root, &format!("lm_head.{k}.weight"), None))
                .collect::<Result<_, PredictorError>>()?,
            projection,
            decoder: Decoder::load::<PredictorError>(layers, decoder, &model)?,
            rules: TokenRules::all(c.vocab_size),
            talker_hidden: config.hidden_size,
            hidden: c.hidden_size,
            dtype: computed_in(weights.dtype(), weights.device())?,
            device: weights.device().clone(),
        })
    }

    /// Memory for frames of `batch` sequences.
    ///
    /// # Errors
    /// If the device has no room for it.
    pub fn new_work(&self, batch: usize) -> Result<PredictorWork, PredictorError> {
        let zeros = |rows: &[usize], width: usize| {
            Buffer::zeros([rows, &[width]].concat(), self.dtype, &self.device)
        };
        let codebooks = self.heads.len() + 1;
        let state = || self.decoder.new_state(codebooks, self.dtype, &self.device);
        let mut states = (0..batch).map(|_| state()).collect::<TensorResult<Vec<_>>>()?;
        let mut input = |time: usize| -> TensorResult<Input> {
            let mut sequences = self.decoder.new_batch(batch, time)?;
            self.decoder.begin(&mut sequences, &mut states.iter_mut().collect::<Vec<_>>())?;
            let width = self.projection.as_ref().map(|_| self.hidden);
            Ok(Input {
                batch: sequences,
                rows: zeros(&[batch, time], self.talker_hidden)?,
                projected: width.map(|width| zeros(&[batch, time], width)).transpose()?,
            })
        };
        let (hidden, first) =
            (zeros(&[batch], self.talker_hidden)?, zeros(&[batch], self.talker_hidden)?);
        let (pair, next) = (input(2)?, input(1)?);
        let words = Tensor::zeros((codebooks * Draw::WORDS, batch), DType::U32, &self.device)?;
        let draws = (0..codebooks)
            .map(|k| Buffer::of(words.narrow(0, k * Draw::WORDS, Draw::WORDS)?))
            .collect::<TensorResult<Vec<_>>>()?;
        Ok(PredictorWork {
            states,
            sampler: BatchSampler::new(&self.rules, batch, &self.device)?,
            hidden,
            first,
            pair,
            code: Buffer::of(next.rows.squeeze(1)?)?,
            next,
            output: zeros(&[batch], self.hidden)?,
            logits: Buffer::zeros((batch, self.rules.vocab()), DType::F32, &self.device)?,
            tokens: draws
                .iter()
                .map(|draw| Buffer::of(draw.get(0)?))
                .collect::<TensorResult<_>>()?,
            draws,
            words,
            embedded: zeros(&[batch], self.talker_hidden)?,
        })
    }

    /// Draws codes 1 and up of one frame of each sequence from what is in `work`, and leaves them
    /// and the sum of the frame's embeddings there: nothing waits for the device here. What is
    /// wrong with logits is told by the draws.
    ///
    /// # Errors
    /// If the tensor library fails; those of `tap`.
    pub fn frame(
        &self,
        work: &mut PredictorWork,
        tap: &mut PredictorTap<'_>,
    ) -> Result<(), PredictorError> {
        let PredictorWork { states, sampler, .. } = work;
        for state in states.iter_mut() {
            state.clear();
        }
        work.pair.rows.set_column(0, &work.hidden)?;
        work.pair.rows.set_column(1, &work.first)?;
        work.embedded.set(&work.first)?;
        let mut input = &work.pair;
        let steps = self.heads.iter().zip(&self.embeddings).enumerate();
        for ((step, (head, table)), (draw, tokens)) in
            steps.zip(work.draws.iter().zip(&work.tokens).skip(1))
        {
            let codebook = step + 1;
            let is_last = codebook == self.heads.len();
            self.decode_into(input, &work.output, states)?;
            head.forward_into(&work.output, &work.logits)?;
            tap(codebook, &work.output, &work.logits)?;
            sampler.draw_into(&work.logits, codebook as u32, is_last, draw)?;
            // The last one has no position of its own.
            table.add_to(tokens, &work.embedded, (!is_last).then_some(&work.code))?;
            input = &work.next;
        }
        Ok(())
    }

    /// Pushes an input through the decoder; `output` gets the last position of each sequence.
    fn decode_into(
        &self,
        input: &Input,
        output: &Buffer,
        states: &mut [DecoderState],
    ) -> TensorResult<()> {
        let positions = match (&self.projection, &input.projected) {
            (Some(projection), Some(projected)) => {
                projection.forward_into(&input.rows, projected)?;
                projected
            }
            _ => &input.rows,
        };
        let mut states: SmallVec<[_; 8]> = states.iter_mut().collect();
        self.decoder.last_into(positions, output, &input.batch, None, &mut states)
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
        let mut state = self.decoder.new_state(inputs.len(), self.dtype, &self.device)?;
        let outputs = self.decode(&Tensor::stack(&inputs, 1)?, &mut [&mut state])?;
        let logits = (self.heads.iter().enumerate())
            .map(|(step, head)| head.forward(&outputs.narrow(1, step + 1, 1)?.squeeze(1)?))
            .collect::<TensorResult<Vec<_>>>()?;
        Ok(Tensor::cat(&logits, 0)?.to_dtype(DType::F32)?)
    }

    /// Exchanges a layer with that of the same number of another packed code predictor.
    ///
    /// # Errors
    /// If one of them is not packed, has no such layer, or has other sizes.
    pub fn swap_layer(&mut self, index: usize, other: &mut Self) -> Result<(), PredictorError> {
        Ok(self.decoder.swap_layer(index, &mut other.decoder)?)
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
        let sum = Buffer::of(first.copy()?)?;
        for (k, table) in self.embeddings.iter().enumerate() {
            table.add_to(&codes.narrow(1, k, 1)?.squeeze(1)?.contiguous()?, &sum, None)?;
        }
        Ok(sum.clone())
    }
}
