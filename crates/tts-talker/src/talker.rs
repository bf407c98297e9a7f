use candle_core::{DType, Device, Result as TensorResult, Tensor};
use smallvec::SmallVec;
use tts_checkpoint::{CheckpointError, RowTable, TalkerConfig, Weights};
use tts_nn::{
    Bits, Blocks, Buffer, Counter, Decoder, DecoderBatch, DecoderConfig, DecoderState, Embedding,
    Linear, Packing, computed_in, with_values,
};

use crate::beginnings::Beginnings;

/// Why the talker could not be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum TalkerError {
    /// A weight could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The tensor library failed; among others, a sequence was too long for its
    /// state.
    #[error("talker: {0}")]
    Tensor(#[from] candle_core::Error),
}

/// The talker of a checkpoint.
#[derive(Debug)]
pub struct Talker {
    text_embedding: RowTable,
    text_in: Linear,
    text_out: Linear,
    codec_embedding: Embedding,
    decoder: Decoder,
    codec_head: Linear,
    beginnings: Beginnings,
    layers: usize,
    hidden: usize,
    vocab: usize,
    dtype: DType,
    device: Device,
}

/// Caches and position of one sequence.
#[derive(Debug)]
pub struct TalkerState {
    decoder: DecoderState,
    recalled: usize,
}

impl TalkerState {
    /// Positions read so far.
    pub fn position(&self) -> usize {
        self.decoder.position()
    }

    /// Positions of the prompt that were known from an earlier one.
    pub fn recalled(&self) -> usize {
        self.recalled
    }
}

/// The memory of steps of some sequences.
#[derive(Debug)]
pub struct TalkerWork {
    /// Where the sequences are.
    batch: DecoderBatch,
    input: Buffer,
    /// The same, `[batch, 1, hidden]`.
    position: Tensor,
    hidden: Buffer,
    logits: Buffer,
    text_embedded: Buffer,
    text_inner: Buffer,
}

impl TalkerWork {
    /// See [`DecoderBatch::version`].
    pub fn version(&self) -> u64 {
        self.batch.version()
    }

    /// What a step reads, `[batch, hidden]`; to be filled where it is.
    pub fn input(&self) -> &Buffer {
        &self.input
    }

    /// See [`Output::hidden`]; of the last step.
    pub fn hidden(&self) -> &Tensor {
        &self.hidden
    }

    /// See [`Output::logits`]; of the last step. To be filled where they are before the first.
    pub fn logits(&self) -> &Buffer {
        &self.logits
    }
}

/// What the talker says of the last position of each sequence.
#[derive(Debug, Clone)]
pub struct Output {
    /// After the final norm, `[batch, hidden]`; input of the code predictor.
    pub hidden: Tensor,
    /// Codebook-0 logits in f32, `[batch, vocab]`.
    pub logits: Tensor,
}

impl Talker {
    /// Loads the talker from the weights of a model; with a `packing`, from weights in f32
    /// for the CPU.
    ///
    /// # Errors
    /// If a weight is not finite or does not fit on the device.
    pub fn load(
        config: &TalkerConfig,
        weights: &Weights,
        packing: Option<Packing>,
    ) -> Result<Self, TalkerError> {
        let bits = |scheme| Bits::of(scheme, weights.device());
        let layers = bits(packing.map(|packing| packing.layers))?;
        let heads = bits(packing.map(|packing| packing.heads))?;
        let root = weights.scope("talker");
        let model = root.scope("model");
        let projection = root.scope("text_projection");
        let linear = |name: &str| -> Result<Linear, TalkerError> {
            let layer = projection.scope(name);
            Linear::in_bits(heads, &layer, "weight", Some("bias"))
        };
        let decoder = DecoderConfig {
            layers: config.num_hidden_layers,
            heads: config.num_attention_heads,
            kv_heads: config.num_key_value_heads,
            head_dim: config.head_dim,
            intermediate: config.intermediate_size,
            norm_eps: config.rms_norm_eps,
            rope_theta: config.rope_theta,
            window: None,
            head_norms: true,
            layer_scales: false,
            blocks: Blocks::RmsGated,
        };
        Ok(Self {
            text_embedding: model.table("text_embedding.weight")?,
            text_in: linear("linear_fc1")?,
            text_out: linear("linear_fc2")?,
            codec_embedding: Embedding::load::<TalkerError>(&model, "codec_embedding.weight")?,
            decoder: Decoder::load::<TalkerError>(layers, decoder, &model)?,
            codec_head: Linear::in_bits::<TalkerError>(heads, &root, "codec_head.weight", None)?,
            beginnings: Beginnings::default(),
            layers: config.num_hidden_layers,
            hidden: config.hidden_size,
            vocab: config.vocab_size,
            dtype: computed_in(weights.dtype(), weights.device())?,
            device: weights.device().clone(),
        })
    }

    /// The text channel of an input: embedded and projected ids, `[n, hidden]`.
    ///
    /// # Errors
    /// If an id is outside the text vocabulary.
    pub fn text(&self, ids: &[u32]) -> Result<Tensor, TalkerError> {
        let embedded = self.text_embedding.lookup(ids)?;
        Ok(self.text_out.forward(&self.text_in.forward(&embedded)?.silu()?)?)
    }

    /// The codec channel of an input: embedded ids, `[n, hidden]`.
    ///
    /// # Errors
    /// If an id is outside the codec vocabulary.
    pub fn codec(&self, ids: &[u32]) -> Result<Tensor, TalkerError> {
        if let Some(&row) = ids.iter().find(|&&id| id as usize >= self.vocab) {
            let name = "talker.model.codec_embedding.weight".to_owned();
            return Err(CheckpointError::RowOutOfRange { name, row, rows: self.vocab }.into());
        }
        Ok(self.codec_embedding.forward(&Tensor::new(ids, &self.device)?)?)
    }

    /// As [`Talker::codec`], of ids `[n]` in u32 that are where the talker is; the rows take the
    /// place of what is in `y`, `[n, hidden]`.
    ///
    /// # Errors
    /// As [`Talker::codec`]; if `y` has another shape or type.
    pub fn codec_into(&self, ids: &Tensor, y: &Buffer) -> Result<(), TalkerError> {
        Ok(self.codec_embedding.forward_into(ids, y)?)
    }

    /// As [`Talker::text`] of one id; the row takes the place of what is in `y`, `[1, hidden]`.
    ///
    /// # Errors
    /// As [`Talker::text`]; if `y` has another shape or type.
    pub fn text_into(&self, id: u32, y: &Buffer, work: &TalkerWork) -> Result<(), TalkerError> {
        if !y.is_on_host() {
            return Ok(y.set(&self.text(&[id])?)?);
        }
        let TalkerWork { text_embedded, text_inner, .. } = work;
        text_embedded.change(|row: &mut [f32]| self.text_embedding.read(id, row))??;
        self.text_in.forward_into(text_embedded, text_inner)?;
        let silu = |x: f32| x / (1.0 + (-x).exp());
        text_inner.change(|row: &mut [f32]| row.iter_mut().for_each(|x| *x = silu(*x)))?;
        Ok(self.text_out.forward_into(text_inner, y)?)
    }

    /// The state of a new sequence of at most `capacity` positions.
    ///
    /// # Errors
    /// If the device has no room for it.
    pub fn new_state(&self, capacity: usize) -> Result<TalkerState, TalkerError> {
        let decoder = self.decoder.new_state(capacity, self.dtype, &self.device)?;
        Ok(TalkerState { decoder, recalled: 0 })
    }

    /// Reads a prompt `[time, hidden]` into a new state. Of its first `head` positions a packed
    /// talker remembers what it computed, and does not compute it again for a prompt that begins
    /// with the same ones; the output is the same, bit for bit.
    ///
    /// # Errors
    /// If it does not fit into the state.
    pub fn prefill(
        &self,
        prompt: &Tensor,
        head: usize,
        state: &mut TalkerState,
    ) -> Result<Output, TalkerError> {
        let time = prompt.dim(0)?;
        // The last position is always computed, for its output.
        let head = head.min(time.saturating_sub(1));
        if head == 0 || !self.decoder.is_packed() {
            return self.prefill_with(prompt, state, &mut |_, _| Ok(()));
        }
        let rows = with_values(&prompt.narrow(0, 0, head)?, <[f32]>::to_vec)?;
        if let Some(beginning) = self.beginnings.find(&rows) {
            state.decoder.begin(&beginning)?;
            state.recalled = head;
            let rest = prompt.narrow(0, head, time - head)?;
            return self.prefill_with(&rest, state, &mut |_, _| Ok(()));
        }
        let output = self.prefill_with(prompt, state, &mut |_, _| Ok(()))?;
        if let Some(beginning) = state.decoder.beginning(head) {
            self.beginnings.keep(rows, head, beginning);
        }
        Ok(output)
    }

    /// As [`Talker::prefill`]; `tap` sees the hidden states `[1, time, hidden]`:
    /// 0 is the input, `k` comes after layer `k`, the last after the final norm. A packed
    /// talker has only the first and the last to show; on a GPU layers are seen in pieces of up to 64
    /// positions, whose values change with the next layer.
    ///
    /// # Errors
    /// If the prompt does not fit into the state; those of `tap`.
    pub fn prefill_with(
        &self,
        prompt: &Tensor,
        state: &mut TalkerState,
        tap: &mut dyn FnMut(usize, &Tensor) -> TensorResult<()>,
    ) -> Result<Output, TalkerError> {
        let prompt = prompt.unsqueeze(0)?;
        tap(0, &prompt)?;
        let hidden =
            self.decoder.forward(&prompt, &mut [&mut state.decoder], &mut |layer, output| {
                // The last layer is seen after the final norm only.
                if layer + 1 < self.layers { tap(layer + 1, output) } else { Ok(()) }
            })?;
        tap(self.layers, &hidden)?;
        let time = hidden.dim(1)?;
        self.output(&hidden.narrow(1, time - 1, 1)?.squeeze(1)?)
    }

    /// Memory for steps of `batch` sequences.
    ///
    /// # Errors
    /// If the device has no room for it.
    pub fn new_work(&self, batch: usize) -> Result<TalkerWork, TalkerError> {
        let zeros = |rows, width| Buffer::zeros((rows, width), self.dtype, &self.device);
        let input = zeros(batch, self.hidden)?;
        let text = self.text_embedding.width();
        Ok(TalkerWork {
            batch: self.decoder.new_batch(batch, 1)?,
            position: input.unsqueeze(1)?,
            input,
            hidden: zeros(batch, self.hidden)?,
            logits: Buffer::zeros((batch, self.vocab), DType::F32, &self.device)?,
            text_embedded: zeros(1, text)?,
            text_inner: zeros(1, text)?,
        })
    }

    /// Tells the device of the sequences of a batch, before the first [step](Talker::step) and
    /// where there are others.
    ///
    /// # Errors
    /// If there are not as many as rows.
    pub fn begin(
        &self,
        work: &mut TalkerWork,
        states: &mut [&mut TalkerState],
    ) -> Result<(), TalkerError> {
        Ok(self.decoder.begin(&mut work.batch, &mut decoders(states))?)
    }

    /// Notes a step that a [graph](tts_nn::Graph) did.
    ///
    /// # Errors
    /// If a state has no room left, or there are no graphs of this talker.
    pub fn pass(&self, states: &mut [&mut TalkerState]) -> Result<(), TalkerError> {
        Ok(decoders(states).iter_mut().try_for_each(|state| state.pass(1))?)
    }

    /// Reads the input of `work`, one position of each sequence, and leaves the output there. A
    /// `counter` of the steps since the sequences [began](Talker::begin) makes all of them the same
    /// for the device.
    ///
    /// # Errors
    /// If a state has no room left, or they are not those that began.
    pub fn step(
        &self,
        work: &TalkerWork,
        counter: Option<&Counter>,
        states: &mut [&mut TalkerState],
    ) -> Result<(), TalkerError> {
        let mut states = decoders(states);
        self.decoder.last_into(&work.position, &work.hidden, &work.batch, counter, &mut states)?;
        Ok(self.codec_head.forward_into(&work.hidden, &work.logits)?)
    }

    /// What the talker says behind each position of a sequence `[time, hidden]` from the `first` on:
    /// logits in f32, `[time - first, vocab]`.
    ///
    /// # Errors
    /// If there is no position of that number; if the device has no room for the sequence.
    pub fn logits_of(&self, inputs: &Tensor, first: usize) -> Result<Tensor, TalkerError> {
        let time = inputs.dim(0)?;
        let mut state = self.new_state(time)?;
        let states = &mut [&mut state.decoder];
        let hidden = self.decoder.forward(&inputs.unsqueeze(0)?, states, &mut |_, _| Ok(()))?;
        let hidden = hidden.squeeze(0)?.narrow(0, first, time.saturating_sub(first))?;
        Ok(self.codec_head.forward(&hidden.contiguous()?)?.to_dtype(DType::F32)?)
    }

    /// Exchanges a layer with that of the same number of another packed talker.
    ///
    /// # Errors
    /// If one of them is not packed, has no such layer, or has other sizes.
    pub fn swap_layer(&mut self, index: usize, other: &mut Self) -> Result<(), TalkerError> {
        self.beginnings = Beginnings::default();
        other.beginnings = Beginnings::default();
        Ok(self.decoder.swap_layer(index, &mut other.decoder)?)
    }

    fn output(&self, hidden: &Tensor) -> Result<Output, TalkerError> {
        // Not a part of what was computed for the whole prompt.
        let hidden = hidden.force_contiguous()?;
        let logits = self.codec_head.forward(&hidden)?.to_dtype(DType::F32)?;
        Ok(Output { hidden, logits })
    }
}

fn decoders<'a>(states: &'a mut [&mut TalkerState]) -> SmallVec<[&'a mut DecoderState; 8]> {
    states.iter_mut().map(|state| &mut state.decoder).collect()
}
