use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{DType, Device, Result as TensorResult, Tensor};
use tts_checkpoint::{CodecDecoderConfig, Weights};
use tts_nn::{
    Bits, Buffer, Decoder, DecoderBatch, DecoderState, Epilogue, GpuCodebooks, GpuMatrix, Graph,
};

use crate::error::CodecError;
use crate::gpu_upsample::GpuUpsample;
use crate::gpu_waveform::{GpuWaveform, GpuWaveformState};
use crate::layers::decoder_config;
use crate::quantizer::SplitQuantizer;
use crate::stages::Stages;

/// [`Layers`](crate::layers::Layers) with kernels for a GPU only: over memory that stays, so that a
/// piece of a signal can be repeated as a graph. Up to the waveform there is a row for each time.
#[derive(Debug)]
pub(crate) struct GpuLayers {
    codebooks: GpuCodebooks,
    semantic: usize,
    pre_conv: GpuMatrix,
    transformer_in: GpuMatrix,
    transformer: Decoder,
    transformer_out: GpuMatrix,
    upsamples: Vec<GpuUpsample>,
    waveform: GpuWaveform,
    sizes: Sizes,
    /// Whoever has it puts a whole piece into the queue, and the next piece comes behind it there.
    memory: Mutex<Memory>,
    /// As many as there were at once. Those that nobody has are for the next ones, with their graphs.
    signals: Mutex<Vec<Arc<Mutex<Signal>>>>,
    device: Device,
}

#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// Codes of a frame.
    codebooks: usize,
    /// Channels of what the codes stand for.
    quantized: usize,
    /// Rows that the first convolution looks back at.
    keep: usize,
    /// Channels behind it.
    latent: usize,
    /// Width of the transformer.
    hidden: usize,
    /// Samples of a frame.
    samples: usize,
    /// Frames of a piece, at most.
    frames: usize,
}

/// What lies between two kernels, for pieces of the longest kind, `[numbers]`.
#[derive(Debug)]
struct Memory {
    latent: Buffer,
    hidden: [Buffer; 2],
    /// Of the upsampling: normed rows, and what is inside of a block.
    normed: Buffer,
    expanded: Buffer,
    /// A column for each time.
    columns: Buffer,
    waveform: [Buffer; 2],
}

/// A signal that goes on.
#[derive(Debug)]
pub(crate) struct GpuLayersState {
    signal: Arc<Mutex<Signal>>,
    /// Whether pieces may be repeated as graphs.
    pub(crate) graphs: bool,
}

/// Everything that is remembered of one signal, and its newest samples.
#[derive(Debug)]
struct Signal {
    codes: Buffer,
    /// The rows before, then the new ones.
    quantized: Buffer,
    transformer: DecoderState,
    upsamples: Vec<Buffer>,
    waveform: GpuWaveformState,
    samples: Buffer,
    pieces: Vec<Piece>,
}

impl Signal {
    /// Begins another one.
    fn clear(&mut self) -> TensorResult<()> {
        self.quantized.clear()?;
        self.transformer.clear();
        self.upsamples.iter().try_for_each(Buffer::clear)?;
        self.waveform.clear()
    }
}

/// Pieces of so many frames.
struct Piece {
    frames: usize,
    batch: DecoderBatch,
    /// With the [version](DecoderBatch::version) of what it was told of.
    graph: Option<(Graph, u64)>,
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Piece").field("frames", &self.frames).finish_non_exhaustive()
    }
}

impl Piece {
    /// Is it as it was recorded?
    fn is_recorded(&self) -> bool {
        self.graph.as_ref().is_some_and(|(_, version)| *version == self.batch.version())
    }
}

impl GpuLayers {
    /// From the weights of a decoder, for pieces of up to so many frames.
    ///
    /// # Errors
    /// If there are no kernels for the device.
    pub(crate) fn load(
        c: &CodecDecoderConfig,
        weights: &Weights,
        frames: usize,
    ) -> Result<Self, CodecError> {
        let transformer = weights.scope("pre_transformer");
        let matrix = |weights: &Weights| -> Result<GpuMatrix, CodecError> {
            Ok(GpuMatrix::new(&weights.tensor("weight")?, Some(weights.tensor("bias")?))?)
        };
        let quantizer = SplitQuantizer::load(c, &weights.scope("quantizer"))?;
        let codebooks = quantizer.projected()?;
        let pre_conv = weights.scope("pre_conv.conv");
        let weight = pre_conv.tensor("weight")?;
        let (latent, quantized, taps) = weight.dims3()?;
        let weight = weight.transpose(1, 2)?.reshape((latent, taps * quantized))?;
        let upsamples = (c.upsampling_ratios.iter().enumerate())
            .map(|(i, &stride)| GpuUpsample::load(stride, &weights.scope(format!("upsample.{i}"))))
            .collect::<Result<Vec<_>, _>>()?;
        let waveform = GpuWaveform::load(c, &weights.scope("decoder"))?;
        let rates = c.upsampling_ratios.iter().chain(&c.upsample_rates);
        let sizes = Sizes {
            codebooks: codebooks.dim(0)?,
            quantized,
            keep: taps - 1,
            latent,
            hidden: c.hidden_size,
            samples: rates.product(),
            frames,
        };
        let device = weights.device().clone();
        let memory = Memory::new(&sizes, &upsamples, &waveform, &device)?;
        Ok(Self {
            codebooks: GpuCodebooks::new(&codebooks)?,
            semantic: quantizer.semantic(),
            pre_conv: GpuMatrix::new(&weight, Some(pre_conv.tensor("bias")?))?,
            transformer_in: matrix(&transformer.scope("input_proj"))?,
            transformer: Decoder::load::<CodecError>(
                Bits::Stored,
                decoder_config(c),
                &transformer,
            )?,
            transformer_out: matrix(&transformer.scope("output_proj"))?,
            upsamples,
            waveform,
            sizes,
            memory: Mutex::new(memory),
            signals: Mutex::default(),
            device,
        })
    }

    pub(crate) fn new_state(&self) -> TensorResult<GpuLayersState> {
        let mut signals = lock(&self.signals);
        for signal in signals.iter_mut() {
            if let Some(free) = Arc::get_mut(signal) {
                free.get_mut().unwrap_or_else(PoisonError::into_inner).clear()?;
                return Ok(GpuLayersState { signal: Arc::clone(signal), graphs: true });
            }
        }
        let signal = Arc::new(Mutex::new(self.new_signal()?));
        signals.push(Arc::clone(&signal));
        Ok(GpuLayersState { signal, graphs: true })
    }

    fn new_signal(&self) -> TensorResult<Signal> {
        let Sizes { codebooks, quantized, keep, samples, frames, .. } = self.sizes;
        let zeros = |count: usize, dtype| Buffer::zeros(count, dtype, &self.device);
        let mut rows = frames;
        let upsamples = (self.upsamples.iter())
            .map(|upsample| {
                rows *= upsample.stride;
                upsample.new_rows(rows, &self.device)
            })
            .collect::<TensorResult<_>>()?;
        Ok(Signal {
            codes: zeros(frames * codebooks, DType::U32)?,
            quantized: Buffer::zeros((keep + frames, quantized), DType::F32, &self.device)?,
            transformer: self.transformer.new_state(0, DType::F32, &self.device)?,
            upsamples,
            waveform: self.waveform.new_state()?,
            samples: zeros(frames * samples, DType::F32)?,
            pieces: Vec::new(),
        })
    }

    /// Puts checked frames, of one piece, into the queue; the samples are there when it has come to
    /// its end, `[time]`.
    ///
    /// # Errors
    /// If there are more frames than in a piece; if the device fails.
    pub(crate) fn forward<F: AsRef<[u32]>>(
        &self,
        frames: &[F],
        state: &mut GpuLayersState,
        stages: &mut Stages<'_, '_>,
    ) -> Result<Tensor, CodecError> {
        let count = frames.len();
        let may_repeat = state.graphs && !stages.are_seen();
        let state = &mut *lock(&state.signal);
        let memory = lock(&self.memory);
        let codes: Vec<u32> = frames.iter().flat_map(|f| f.as_ref().iter().copied()).collect();
        let of_piece =
            |buffer: &Buffer, each: usize| Buffer::of(buffer.narrow(0, 0, count * each)?);
        of_piece(&state.codes, self.sizes.codebooks)?.write(&codes)?;
        let mut piece = self.begin(count, state)?;
        if !may_repeat {
            self.launch(&piece, state, &memory, stages)?;
        } else if piece.is_recorded() {
            state.transformer.pass(count)?;
        } else {
            self.record(&mut piece, state, &memory)?;
        }
        if let Some((graph, _)) = piece.graph.as_ref().filter(|_| may_repeat) {
            graph.launch()?;
        }
        state.pieces.push(piece);
        Ok((*of_piece(&state.samples, self.sizes.samples)?).clone())
    }

    /// Records pieces of these lengths for so many signals at once, the next ones.
    ///
    /// # Errors
    /// If one is longer than a piece; if the device has no room for them.
    pub(crate) fn warm_up(&self, signals: usize, lengths: &[usize]) -> Result<(), CodecError> {
        let states = (0..signals).map(|_| self.new_state()).collect::<TensorResult<Vec<_>>>()?;
        for state in &states {
            let state = &mut *lock(&state.signal);
            for &length in lengths {
                let mut piece = self.begin(length, state)?;
                if !piece.is_recorded() {
                    self.record(&mut piece, state, &lock(&self.memory))?;
                    state.transformer.clear();
                }
                state.pieces.push(piece);
            }
        }
        Ok(())
    }

    /// Tells the device where the next piece is.
    fn begin(&self, count: usize, state: &mut Signal) -> TensorResult<Piece> {
        let known = state.pieces.iter().position(|piece| piece.frames == count);
        let mut piece = if let Some(index) = known {
            state.pieces.swap_remove(index)
        } else {
            Piece { frames: count, batch: self.transformer.new_batch(1, count)?, graph: None }
        };
        self.transformer.begin(&mut piece.batch, &mut [&mut state.transformer])?;
        Ok(piece)
    }

    /// Records a piece that has begun, which is not in the queue yet.
    fn record(
        &self,
        piece: &mut Piece,
        state: &mut Signal,
        memory: &Memory,
    ) -> Result<(), CodecError> {
        let record = || self.launch(piece, state, memory, &mut Stages::unseen());
        let graph = Graph::record(&self.device, record)?;
        piece.graph = graph.map(|graph| (graph, piece.batch.version()));
        Ok(())
    }

    /// All kernels of a piece whose codes the device knows.
    fn launch(
        &self,
        piece: &Piece,
        state: &mut Signal,
        memory: &Memory,
        stages: &mut Stages<'_, '_>,
    ) -> TensorResult<()> {
        let Sizes { codebooks, keep, latent, hidden, samples, .. } = self.sizes;
        let time = piece.frames;
        let rows = |buffer: &Buffer, rows: usize, width: usize| {
            Buffer::of(buffer.narrow(0, 0, rows * width)?.reshape((rows, width))?)
        };
        let codes = state.codes.narrow(0, 0, time * codebooks)?.reshape((time, codebooks))?;
        let extended = Buffer::of(state.quantized.narrow(0, 0, keep + time)?)?;
        let new = Buffer::of(extended.narrow(0, keep, time)?)?;
        for (name, books) in
            [("quantizer_first", 0..self.semantic), ("quantizer_rest", self.semantic..codebooks)]
        {
            stages.show_made(name, || {
                self.codebooks.sum_into(&codes, books, &new)?;
                new.t()
            })?;
        }
        self.codebooks.sum_into(&codes, 0..codebooks, &new)?;
        stages.show("quantizer", &new.t()?)?;
        let x = rows(&memory.latent, time, latent)?;
        self.pre_conv.windows_into(&extended, &x, Epilogue::Store)?;
        extended.carry(keep)?;
        stages.show("pre_conv", &x.t()?)?;

        let [into, out] = [&memory.hidden[0], &memory.hidden[1]].map(|h| rows(h, time, hidden));
        let (into, out) = (into?, out?);
        self.transformer_in.windows_into(&x, &into, Epilogue::Store)?;
        stages.show("transformer_in", &into)?;
        let states = &mut [&mut state.transformer];
        self.transformer.all_into(&into, &out, &piece.batch, states, &mut |layer, x| {
            stages.show(format_args!("transformer_layer{layer}"), x)
        })?;
        self.transformer_out.windows_into(&out, &x, Epilogue::Store)?;
        stages.show("transformer_out", &x)?;

        let mut x = (*x).clone();
        for (i, (upsample, kept)) in self.upsamples.iter().zip(&state.upsamples).enumerate() {
            let time = x.dim(0)? * upsample.stride;
            let kept = upsample.rows(kept, time)?;
            let normed = rows(&memory.normed, time, upsample.channels)?;
            let expanded = rows(&memory.expanded, time, upsample.inner)?;
            x = upsample.forward(&x, &kept, [&normed, &expanded], |x| {
                stages.show(format_args!("upsample{i}_conv"), &x.t()?)
            })?;
            stages.show(format_args!("upsample{i}"), &x.t()?)?;
        }

        let (times, channels) = x.dims2()?;
        let columns = rows(&memory.columns, channels, times)?;
        columns.set_transposed(&x)?;
        let samples = Buffer::of(state.samples.narrow(0, 0, time * samples)?)?;
        let [here, there] = &memory.waveform;
        self.waveform.forward(&columns, &state.waveform, [here, there], &samples, stages)
    }
}

/// What a panic left is written anew before it is read.
fn lock<T>(memory: &Mutex<T>) -> MutexGuard<'_, T> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    fn new(
        sizes: &Sizes,
        upsamples: &[GpuUpsample],
        waveform: &GpuWaveform,
        device: &Device,
    ) -> TensorResult<Self> {
        let zeros = |count: usize| Buffer::zeros(count.max(1), DType::F32, device);
        let frames = sizes.frames;
        let (mut time, mut channels) = (frames, sizes.latent);
        let (mut normed, mut expanded) = (0, 0);
        for upsample in upsamples {
            time *= upsample.stride;
            channels = upsample.channels;
            normed = normed.max(time * channels);
            expanded = expanded.max(time * upsample.inner);
        }
        let largest = time * waveform.largest()?;
        Ok(Self {
            latent: zeros(frames * sizes.latent)?,
            hidden: [zeros(frames * sizes.hidden)?, zeros(frames * sizes.hidden)?],
            normed: zeros(normed)?,
            expanded: zeros(expanded)?,
            columns: zeros(time * channels)?,
            waveform: [zeros(largest)?, zeros(largest)?],
        })
    }
}
