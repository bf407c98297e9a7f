use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use smallvec::SmallVec;
use tts_cuda::Queue;

use crate::bits::Bits;
use crate::buffer::Buffer;
use crate::counter::Counter;
use crate::dense::{DenseDecoder, DenseState};
use crate::gpu::{no_kernels, queue_of};
use crate::packed::{PackedDecoder, PackedState};
use crate::resident::{ResidentBatch, ResidentDecoder, ResidentState};
use crate::source::Source;

/// What the decoders of the family differ in.
#[derive(Debug, Clone)]
pub struct DecoderConfig {
    /// Layers.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Width inside the MLP.
    pub intermediate: usize,
    /// Epsilon of every norm.
    pub norm_eps: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Keys a query sees, itself included; `None` sees all. A decoder with a window
    /// computes every position the same, bit for bit, in whatever pieces a sequence
    /// is pushed.
    pub window: Option<usize>,
    /// Norms over the heads of queries and keys (language models).
    pub head_norms: bool,
    /// Scales on both branches of a layer (codec).
    pub layer_scales: bool,
    /// The blocks around attention.
    pub blocks: Blocks,
}

/// The norms and the MLP of a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// RMSNorm, a gated SiLU MLP and a final norm: the language models and the
    /// codec decoder.
    RmsGated,
    /// LayerNorm with bias, a GELU MLP of two layers and no final norm: the codec
    /// encoder.
    LayerGelu,
}

/// A stack of pre-norm decoder layers with a final norm.
#[derive(Debug)]
pub struct Decoder(Stack);

#[derive(Debug)]
enum Stack {
    Dense(DenseDecoder),
    Packed(PackedDecoder),
    Resident(ResidentDecoder),
}

/// Caches and position of one sequence.
#[derive(Debug)]
pub struct DecoderState(State);

#[derive(Debug)]
enum State {
    Dense(DenseState),
    Packed(PackedState),
    Resident(ResidentState),
}

/// Memory for steps of some sequences, and what is known of them where the model is.
///
/// Only a stack with kernels for a GPU has any; others are told by the states.
#[derive(Debug)]
pub struct DecoderBatch(Option<Box<ResidentBatch>>);

impl DecoderBatch {
    /// Changes when the device is told of other memory than before: what was
    /// [recorded](crate::Graph::record) until then is of the past.
    pub fn version(&self) -> u64 {
        self.0.as_ref().map_or(0, |batch| batch.version())
    }
}

impl DecoderState {
    /// Positions pushed so far.
    pub fn position(&self) -> usize {
        match &self.0 {
            State::Dense(state) => state.position(),
            State::Packed(state) => state.position(),
            State::Resident(state) => state.position(),
        }
    }

    /// Notes positions that were pushed by a [graph](crate::Graph).
    ///
    /// # Errors
    /// [`CacheFull`](crate::CacheFull) (wrapped) if there is no room for them; if the stack has no
    /// kernels for a GPU.
    pub fn pass(&mut self, positions: usize) -> Result<()> {
        match &mut self.0 {
            State::Resident(state) => state.pass(positions),
            State::Dense(_) | State::Packed(_) => foreign(),
        }
    }

    /// Starts a new sequence in the same buffers.
    pub fn clear(&mut self) {
        match &mut self.0 {
            State::Dense(state) => state.clear(),
            State::Packed(state) => state.clear(),
            State::Resident(state) => state.clear(),
        }
    }
}

/// The first positions of a sequence, for others that begin alike.
#[derive(Debug, Clone)]
pub struct Beginning(Arc<tts_cpu::Beginning>);

impl DecoderState {
    /// A copy of the first positions; `None` if the stack is not packed: what other stacks
    /// compute of a position depends, in its last bits, on what is pushed with it.
    pub fn beginning(&self, positions: usize) -> Option<Beginning> {
        match &self.0 {
            State::Dense(_) | State::Resident(_) => None,
            State::Packed(state) => Some(Beginning(Arc::new(state.beginning(positions)))),
        }
    }

    /// Starts anew as a sequence of the same stack began.
    ///
    /// # Errors
    /// If it is of another stack, or there is no room for it.
    pub fn begin(&mut self, Beginning(beginning): &Beginning) -> Result<()> {
        match &mut self.0 {
            State::Dense(_) | State::Resident(_) => foreign(),
            State::Packed(state) => state.begin(beginning),
        }
    }
}

impl Decoder {
    /// Builds the stack from the tensors below `layers.{i}.` and, where there is a
    /// final norm, `norm.`; the matrices in some `bits`: packed for stacks of the form of the language
    /// models, from tensors in f32 on the CPU. Such a stack has kernels of its own on an NVIDIA GPU,
    /// too.
    ///
    /// # Errors
    /// Those of the source and of the tensor library; if a stack that is to be packed or in bytes has
    /// another form, or is on another device.
    pub fn load<E: From<candle_core::Error>>(
        bits: Bits,
        config: DecoderConfig,
        source: &impl Source<E>,
    ) -> std::result::Result<Self, E> {
        if let Bits::Packed(scheme) = bits {
            return Ok(Self(Stack::Packed(PackedDecoder::load(&config, scheme, source)?)));
        }
        let queue = if ResidentDecoder::can_hold(&config) {
            queue_of(source.tensor("norm.weight")?.device())?
        } else {
            None
        };
        match (bits, queue) {
            (Bits::Int8 | Bits::Fp8, Some(queue)) => {
                let stack = ResidentDecoder::load(queue, bits, &config, source)?;
                Ok(Self(Stack::Resident(stack)))
            }
            (Bits::Int8 | Bits::Fp8, None) => {
                Err(no_kernels(&source.tensor("norm.weight")?).into())
            }
            (Bits::Stored | Bits::Packed(_), queue) => Self::load_for(queue, config, source),
        }
    }

    /// As [`Decoder::load`] of matrices as they are, for a queue of kernels, as on a GPU; without one, for
    /// the operations of the tensor library.
    ///
    /// # Errors
    /// Those of the source and of the tensor library.
    #[doc(hidden)]
    pub fn load_for<E: From<candle_core::Error>>(
        queue: Option<Queue>,
        config: DecoderConfig,
        source: &impl Source<E>,
    ) -> std::result::Result<Self, E> {
        Ok(Self(match queue {
            None => Stack::Dense(DenseDecoder::load(config, source)?),
            Some(queue) => {
                Stack::Resident(ResidentDecoder::load(queue, Bits::Stored, &config, source)?)
            }
        }))
    }

    /// Are its matrices in few bits?
    pub fn is_packed(&self) -> bool {
        matches!(self.0, Stack::Packed(_))
    }

    /// Exchanges a layer with that of the same number of another packed stack: so a stack may have
    /// layers of different bits.
    ///
    /// # Errors
    /// If one of them is not packed, has no such layer, or has other sizes.
    pub fn swap_layer(&mut self, index: usize, other: &mut Self) -> Result<()> {
        match (&mut self.0, &mut other.0) {
            (Stack::Packed(own), Stack::Packed(other)) => own.swap_layer(index, other),
            _ => candle_core::bail!("layers are exchanged between packed stacks only"),
        }
    }

    /// The state of a new sequence with room for `capacity` positions (without
    /// limit if the decoder has a window).
    ///
    /// # Errors
    /// If the device has no room for the caches.
    pub fn new_state(
        &self,
        capacity: usize,
        dtype: DType,
        device: &Device,
    ) -> Result<DecoderState> {
        Ok(DecoderState(match &self.0 {
            Stack::Dense(stack) => State::Dense(stack.new_state(capacity, dtype, device)?),
            Stack::Packed(stack) => State::Packed(stack.new_state(capacity)),
            Stack::Resident(stack) => State::Resident(stack.new_state(capacity)?),
        }))
    }

    /// Pushes `[batch, time, hidden]` through all layers and the final norm; row
    /// `b` continues the sequence `states[b]`. `tap` sees the output of each
    /// layer, numbered from 0, if the stack is not packed; with kernels for a GPU as `[1, rows, hidden]`
    /// of up to 64 rows of `[batch * time, hidden]` at once, which change with the next layer.
    ///
    /// # Errors
    /// [`CacheFull`](crate::CacheFull) (wrapped) if a sequence has no room left; if a state
    /// was made by a stack of the other kind.
    pub fn forward(
        &self,
        x: &Tensor,
        states: &mut [&mut DecoderState],
        tap: &mut dyn FnMut(usize, &Tensor) -> Result<()>,
    ) -> Result<Tensor> {
        match &self.0 {
            Stack::Dense(stack) => stack.forward(x, &mut dense(states)?, tap),
            Stack::Packed(stack) => stack.forward(x, &mut packed(states)?),
            Stack::Resident(stack) => stack.forward(x, &mut resident(states)?, tap),
        }
    }

    /// Memory for [`Decoder::last_into`] of `time` positions of `rows` sequences.
    ///
    /// # Errors
    /// If the device has no room for it.
    pub fn new_batch(&self, rows: usize, time: usize) -> Result<DecoderBatch> {
        Ok(DecoderBatch(match &self.0 {
            Stack::Dense(_) | Stack::Packed(_) => None,
            Stack::Resident(stack) => Some(Box::new(stack.new_batch(rows, time)?)),
        }))
    }

    /// Tells the device where the sequences of a batch are. It does not have to be told again until
    /// there are others, or they have been pushed without the batch, or [cleared](DecoderState::clear)
    /// to fewer positions. The last rows of a batch may be without a sequence: what comes out there
    /// is worth nothing.
    ///
    /// # Errors
    /// If a state was made by a stack of the other kind; if there are more than rows.
    pub fn begin(&self, batch: &mut DecoderBatch, states: &mut [&mut DecoderState]) -> Result<()> {
        match (&self.0, &mut batch.0) {
            (Stack::Resident(stack), Some(batch)) => stack.begin(batch, &mut resident(states)?),
            (Stack::Dense(_) | Stack::Packed(_), None) => Ok(()),
            _ => foreign(),
        }
    }

    /// As [`Decoder::forward`], for the sequences of a batch; the outputs of the last position of
    /// each take the place of what is in `y`, `[batch, hidden]`. With a `counter`, it says how many
    /// positions came since the batch [began](Decoder::begin), or since as many before it was
    /// [reset](Counter::reset): then nothing that the device is told changes from step to step.
    ///
    /// # Errors
    /// As [`Decoder::forward`]; if `y` has another shape or type, or values of `x`.
    pub fn last_into(
        &self,
        x: &Tensor,
        y: &Buffer,
        batch: &DecoderBatch,
        counter: Option<&Counter>,
        states: &mut [&mut DecoderState],
    ) -> Result<()> {
        match &self.0 {
            Stack::Dense(stack) => {
                let output = stack.forward(x, &mut dense(states)?, &mut |_, _| Ok(()))?;
                let last = output.narrow(1, output.dim(1)? - 1, 1)?.squeeze(1)?;
                y.set(&last.contiguous()?)
            }
            Stack::Packed(stack) => stack.last_into(x, y, &mut packed(states)?),
            Stack::Resident(stack) => match &batch.0 {
                Some(batch) => {
                    let ignore = &mut |_: usize, _: &Tensor| Ok(());
                    stack.step_into(x, y, batch, counter, &mut resident(states)?, ignore)
                }
                None => foreign(),
            },
        }
    }

    /// As [`Decoder::last_into`] of a batch that [began](Decoder::begin) at this position, for the outputs
    /// of all positions: `x` and `y` are `[batch * time, hidden]`. `tap` sees the output of each layer,
    /// numbered from 0, which changes with the next.
    ///
    /// # Errors
    /// As there.
    pub fn all_into(
        &self,
        x: &Tensor,
        y: &Buffer,
        batch: &DecoderBatch,
        states: &mut [&mut DecoderState],
        tap: &mut dyn FnMut(usize, &Tensor) -> Result<()>,
    ) -> Result<()> {
        match (&self.0, &batch.0) {
            (Stack::Resident(stack), Some(batch)) => {
                stack.step_into(x, y, batch, None, &mut resident(states)?, tap)
            }
            (Stack::Resident(_), None) => foreign(),
            (Stack::Dense(_) | Stack::Packed(_), _) => {
                let rows = x.reshape((states.len(), (), x.dim(1)?))?;
                let outputs = self.forward(&rows, states, tap)?;
                y.set(&outputs.reshape(x.dims())?.contiguous()?)
            }
        }
    }
}

/// Sequences of a batch, without memory of their own for a few.
type Few<'a, T> = SmallVec<[&'a mut T; 8]>;

fn dense<'a>(states: &'a mut [&mut DecoderState]) -> Result<Few<'a, DenseState>> {
    let states = states.iter_mut().map(|state| &mut state.0);
    let dense = |state| match state {
        &mut State::Dense(ref mut state) => Ok(state),
        State::Packed(_) | State::Resident(_) => foreign(),
    };
    states.map(dense).collect()
}

fn packed<'a>(states: &'a mut [&mut DecoderState]) -> Result<Few<'a, PackedState>> {
    let states = states.iter_mut().map(|state| &mut state.0);
    let packed = |state| match state {
        &mut State::Packed(ref mut state) => Ok(state),
        State::Dense(_) | State::Resident(_) => foreign(),
    };
    states.map(packed).collect()
}

fn resident<'a>(states: &'a mut [&mut DecoderState]) -> Result<Few<'a, ResidentState>> {
    let states = states.iter_mut().map(|state| &mut state.0);
    let resident = |state| match state {
        &mut State::Resident(ref mut state) => Ok(state),
        State::Dense(_) | State::Packed(_) => foreign(),
    };
    states.map(resident).collect()
}

fn foreign<T>() -> Result<T> {
    candle_core::bail!("the state of the sequence was made by a stack of another kind")
}
