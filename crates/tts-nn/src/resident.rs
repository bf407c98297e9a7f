//! Layers on a GPU, for the kernels of `tts-cuda`: five launches a layer, over memory that stays.

use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Device, Error, Result, Tensor};
use tts_cuda::{
    Address, Attend, Caches, Decoder, DecoderShape, Float, Layer, Outputs, Queue, Weights, Work,
};

use crate::bits::Bits;
use crate::buffer::Buffer;
use crate::counter::Counter;
use crate::decoder::{Blocks, DecoderConfig};
use crate::gpu::{address_of, aligned, float, values_of};
use crate::gpu_weights::GpuWeights;
use crate::graph::need;
use crate::kv_cache::CacheFull;
use crate::rope::Rope;
use crate::source::Source;
use crate::works::Works;

/// Rows of a prompt that are put into the queue at once; bounds its memory.
const ROWS: usize = 64;
/// Positions that make a difference to the memory of attention.
const FEW: usize = 512;
/// Positions behind a window that there are angles for from the beginning.
const ANGLES: usize = 1024;
/// Query heads that share a key head, and width of a head, at most.
const MOST: (usize, usize) = (8, 256);

/// A stack whose steps are launches of kernels.
#[derive(Debug)]
pub(crate) struct ResidentDecoder {
    queue: Queue,
    decoder: Decoder,
    /// The type of the caches.
    dtype: Float,
    window: Option<usize>,
    /// What the addresses in `decoder` are of.
    weights: Vec<Tensor>,
    rope: Rope,
    /// Cosines and sines, as many positions as any sequence has had room for.
    angles: Mutex<Option<[Tensor; 2]>>,
    /// Memory of prompts that are not being put into the queue.
    works: Works<Option<StepWork>>,
    device: Device,
}

/// Keys and values of one sequence.
#[derive(Debug)]
pub(crate) struct ResidentState {
    /// `[layers, 2, kv_heads, capacity, head_dim]`.
    cache: Tensor,
    capacity: usize,
    /// Positions that it may come to: the capacity, or those that there are angles for behind a window,
    /// where the cache keeps the last ones.
    room: usize,
    position: usize,
}

/// Steps of some sequences that are put into the queue without telling the device anything.
#[derive(Debug)]
pub(crate) struct ResidentBatch {
    /// Positions of each sequence in a step.
    time: usize,
    /// Addresses, rooms and positions, as the kernels want them.
    table: Buffer,
    /// The caches that the addresses are of.
    caches: Vec<Tensor>,
    /// Positions of the sequences when the table was made.
    begun: Vec<usize>,
    angles: Option<[Tensor; 2]>,
    work: StepWork,
    /// How often the device was told of other memory than before.
    version: u64,
}

impl Drop for ResidentBatch {
    /// A graph may still be launched that has the table: without room, kernels touch no cache.
    fn drop(&mut self) {
        if self.table.write(&vec![0_u32; self.table.elem_count()]).is_err() {
            std::mem::forget(std::mem::take(&mut self.caches));
        }
    }
}

/// The memory of steps of some rows.
#[derive(Debug)]
struct StepWork {
    /// `[rows, hidden]`.
    x: Buffer,
    addresses: Work,
    /// Positions that attention has memory for.
    longest: u32,
    /// What the other addresses are of.
    others: [Tensor; 5],
}

impl ResidentBatch {
    /// See [`DecoderBatch::version`](crate::DecoderBatch::version).
    pub(crate) fn version(&self) -> u64 {
        self.version
    }
}

impl ResidentState {
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn clear(&mut self) {
        self.position = 0;
    }

    /// See [`DecoderState::pass`](crate::DecoderState::pass).
    pub(crate) fn pass(&mut self, time: usize) -> Result<()> {
        self.room(time)?;
        self.position += time;
        Ok(())
    }

    /// Is there room for some more positions?
    fn room(&self, time: usize) -> Result<()> {
        let (needed, capacity) = (self.position + time, self.room);
        if needed > capacity {
            return Err(Error::wrap(CacheFull { needed, capacity }));
        }
        Ok(())
    }
}

impl ResidentDecoder {
    /// Is it a stack that there are kernels for?
    pub(crate) fn can_hold(c: &DecoderConfig) -> bool {
        let group = c.heads.checked_div(c.kv_heads).unwrap_or(usize::MAX);
        c.blocks == Blocks::RmsGated
            && c.window != Some(0)
            && group <= MOST.0
            && group * c.kv_heads == c.heads
            && c.head_dim <= MOST.1
            && c.head_dim.is_multiple_of(2)
    }

    /// With matrices in some `bits` that there are kernels for.
    pub(crate) fn load<E: From<Error>>(
        queue: Queue,
        bits: Bits,
        c: &DecoderConfig,
        source: &impl Source<E>,
    ) -> std::result::Result<Self, E> {
        let mut weights = Vec::with_capacity(8 * c.layers + 1);
        let mut dtype = None;
        let mut layers = Vec::with_capacity(c.layers);
        let norm = aligned(&source.tensor("norm.weight")?.to_dtype(DType::F32)?)?;
        let (hidden, device) = (norm.elem_count(), norm.device().clone());
        let (queries, keys) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
        if queue.is_emulated() != device.is_cpu() {
            return Err(Error::Msg(format!("kernels for another device than {device:?}")).into());
        }
        for index in 0..c.layers {
            let tensor = |name: &str| source.tensor(&format!("layers.{index}.{name}.weight"));
            let mut norm = |name: &str, width: usize| -> std::result::Result<Address, E> {
                let norm = aligned(&tensor(name)?.to_dtype(DType::F32)?)?;
                check(&norm, &[width], DType::F32)?;
                let address = address_of(&norm)?;
                weights.push(norm);
                Ok(address)
            };
            let attention_norm = norm("input_layernorm", hidden)?;
            let head_norms = if c.head_norms {
                Some([norm("self_attn.q_norm", c.head_dim)?, norm("self_attn.k_norm", c.head_dim)?])
            } else {
                None
            };
            let mlp_norm = norm("post_attention_layernorm", hidden)?;
            // The last matrix of a branch has its scale.
            let scaled = |name: &str, scale: &str| -> std::result::Result<Tensor, E> {
                let matrix = tensor(name)?;
                if !c.layer_scales {
                    return Ok(matrix);
                }
                let scale = source.tensor(&format!("layers.{index}.{scale}.scale"))?;
                let scale = scale.to_dtype(DType::F32)?.unsqueeze(1)?;
                let scaled = matrix.to_dtype(DType::F32)?.broadcast_mul(&scale)?;
                Ok(scaled.to_dtype(matrix.dtype())?)
            };
            let output = scaled("self_attn.o_proj", "self_attn_layer_scale")?;
            let down = scaled("mlp.down_proj", "mlp_layer_scale")?;
            let query = tensor("self_attn.q_proj")?;
            let of = *dtype.get_or_insert(query.dtype());
            let qkv = [query, tensor("self_attn.k_proj")?, tensor("self_attn.v_proj")?];
            let mut matrix = |tensor: &Tensor, shape: &[usize]| -> Result<Weights> {
                check(tensor, shape, of)?;
                let matrix = GpuWeights::new(tensor, bits)?;
                let addresses = matrix.weights()?;
                weights.extend(matrix.into_tensors());
                Ok(addresses)
            };
            layers.push(Layer {
                attention_norm,
                qkv: matrix(&Tensor::cat(&qkv, 0)?, &[queries + 2 * keys, hidden])?,
                head_norms,
                output: matrix(&output, &[hidden, queries])?,
                mlp_norm,
                gate: matrix(&tensor("mlp.gate_proj")?, &[c.intermediate, hidden])?,
                up: matrix(&tensor("mlp.up_proj")?, &[c.intermediate, hidden])?,
                down: matrix(&down, &[hidden, c.intermediate])?,
            });
        }
        let address = address_of(&norm)?;
        let shape = DecoderShape {
            hidden: hidden as u32,
            heads: c.heads as u32,
            kv_heads: c.kv_heads as u32,
            head_dim: c.head_dim as u32,
            intermediate: c.intermediate as u32,
            norm_eps: c.norm_eps as f32,
        };
        weights.push(norm);
        // Keys and values of a stack in bytes are exact to 8 bits, too.
        let dtype = match bits {
            Bits::Stored => float(dtype.unwrap_or(DType::F32))?,
            Bits::Packed(_) | Bits::Int8 | Bits::Fp8 => Float::Bf16,
        };
        Ok(Self {
            queue,
            decoder: Decoder { shape, layers, norm: address },
            dtype,
            window: c.window,
            weights,
            rope: Rope::new(c.rope_theta, c.head_dim),
            angles: Mutex::new(None),
            works: Works::default(),
            device,
        })
    }

    pub(crate) fn new_state(&self, capacity: usize) -> Result<ResidentState> {
        // All rows of a step are written before the first of them looks back.
        let (capacity, room) = match self.window {
            Some(window) => (window + ROWS - 1, 0),
            None => (capacity, capacity),
        };
        let (shape, dtype) = self.cache_of(capacity);
        let cache = Tensor::zeros(&shape, dtype, &self.device)?;
        Ok(ResidentState { cache, capacity, room, position: 0 })
    }

    /// Shape and type of the cache of a sequence.
    fn cache_of(&self, capacity: usize) -> ([usize; 5], DType) {
        let DecoderShape { kv_heads, head_dim, .. } = self.decoder.shape;
        let dtype = match self.dtype {
            Float::F32 => DType::F32,
            Float::Bf16 => DType::BF16,
        };
        let layers = self.decoder.layers.len();
        ([layers, 2, kv_heads as usize, capacity.max(1), head_dim as usize], dtype)
    }

    /// Positions that a row of `time` new ones of each sequence sees at most, and positions that angles
    /// are needed for, which gives sequences behind a window their room.
    fn reach(&self, states: &mut [&mut ResidentState], time: usize) -> (usize, usize) {
        let Some(window) = self.window else {
            let most = states.iter().map(|state| state.capacity).max().unwrap_or(1);
            // A few positions more do not need other memory, nor another graph.
            let most = if most > FEW { most.next_multiple_of(FEW) } else { most };
            return (most, most);
        };
        let most = states.iter().map(|state| state.position).max().unwrap_or(0) + time;
        // Some for later, so that they are not needed anew at every step.
        let angles = most.next_power_of_two().max(ANGLES);
        for state in states {
            state.room = angles;
        }
        (window, angles)
    }

    /// Of so many positions at least.
    fn angles(&self, capacity: usize) -> Result<[Tensor; 2]> {
        let mut angles = self.angles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(angles) = &*angles
            && angles[0].dim(0)? >= capacity
        {
            return Ok(angles.clone());
        }
        let new = self.rope.angles(0, capacity, DType::F32, &self.device)?.into_tensors();
        *angles = Some(new.clone());
        Ok(new)
    }

    /// See [`Decoder::forward`](crate::Decoder::forward).
    pub(crate) fn forward(
        &self,
        x: &Tensor,
        states: &mut [&mut ResidentState],
        tap: &mut LayerTap<'_>,
    ) -> Result<Tensor> {
        let shape = x.dims3()?;
        self.push(x, states, tap)?.reshape(shape)?.to_dtype(x.dtype())
    }

    /// Puts a step of some rows into the queue; `tap` sees the output of each layer.
    ///
    /// # Safety
    /// As [`tts_cuda::Decoder::layer`].
    unsafe fn step(
        &self,
        rows: usize,
        caches: Caches,
        work: &StepWork,
        outputs: Outputs,
        tap: &mut LayerTap<'_>,
    ) -> Result<()> {
        for index in 0..self.decoder.layers.len() {
            // SAFETY: as promised by the caller.
            let layer = unsafe {
                self.decoder.layer(&self.queue, index, rows as u32, caches, &work.addresses)
            };
            layer.map_err(Error::wrap)?;
            tap(index, &work.x)?;
        }
        // SAFETY: as promised by the caller.
        unsafe { self.decoder.outputs(&self.queue, rows as u32, &work.addresses, outputs) }
            .map_err(Error::wrap)
    }

    /// See [`Decoder::new_batch`](crate::Decoder::new_batch).
    pub(crate) fn new_batch(&self, rows: usize, time: usize) -> Result<ResidentBatch> {
        if self.window.is_some() && time > ROWS {
            candle_core::bail!("{time} positions at once behind a window, at most {ROWS}");
        }
        let rows = rows * time;
        Ok(ResidentBatch {
            time,
            table: Buffer::zeros(TABLE * rows, DType::U32, &self.device)?,
            caches: Vec::new(),
            begun: Vec::new(),
            angles: None,
            work: self.new_work(rows, 1)?,
            version: 0,
        })
    }

    /// See [`Decoder::begin`](crate::Decoder::begin).
    pub(crate) fn begin(
        &self,
        batch: &mut ResidentBatch,
        states: &mut [&mut ResidentState],
    ) -> Result<()> {
        states.iter().try_for_each(|state| self.check(state))?;
        let (longest, furthest) = self.reach(states, batch.time);
        let rows = batch.table.elem_count() / TABLE;
        let mut places = places(states, batch.time)?;
        if places.len() > rows {
            candle_core::bail!("{} sequences in a batch of {}", states.len(), rows / batch.time);
        }
        // Rows without a sequence have no room, so the kernels touch no cache of theirs.
        places.resize(rows, (Address(0), 0, 0));
        batch.table.write(&table(&places))?;
        batch.begun = states.iter().map(|state| state.position).collect();
        batch.caches = states.iter().map(|state| state.cache.clone()).collect();
        let is_short = (batch.work.longest as usize) < longest;
        if is_short {
            batch.work = self.new_work(batch.work.x.dim(0)?, longest as u32)?;
        }
        let angles = batch.angles.as_ref().map_or(Ok(0), |angles| angles[0].dim(0))?;
        if is_short || angles < furthest {
            batch.angles = Some(self.angles(furthest)?);
            batch.version += 1;
        }
        Ok(())
    }

    /// See [`Decoder::last_into`](crate::Decoder::last_into) and
    /// [`Decoder::all_into`](crate::Decoder::all_into): `y` has a row for each sequence, or for each
    /// position.
    pub(crate) fn step_into(
        &self,
        x: &Tensor,
        y: &Buffer,
        batch: &ResidentBatch,
        counter: Option<&Counter>,
        states: &mut [&mut ResidentState],
        tap: &mut LayerTap<'_>,
    ) -> Result<()> {
        let (time, hidden) = (batch.time, self.decoder.shape.hidden as usize);
        let rows = batch.table.elem_count() / TABLE / time;
        let count = states.len();
        let Some(angles) = batch.angles.as_ref().filter(|_| batch.begun.len() == count) else {
            candle_core::bail!("{count} sequences where {} began", batch.begun.len());
        };
        let mut passed = None;
        for (state, begun) in states.iter().zip(&batch.begun) {
            let own = state.position.checked_sub(*begun);
            if own.is_none() || *passed.get_or_insert(own) != own {
                candle_core::bail!("sequences of a batch have not come as far as each other");
            }
            state.room(time)?;
        }
        let passed = passed.flatten().unwrap_or(0);
        let counted = counter.map_or(0, Counter::steps);
        let Some(offset) = passed.checked_sub(counted) else {
            candle_core::bail!("{counted} steps counted and {passed} positions passed");
        };
        let width = [rows * time, hidden];
        if batch.work.x.dims() != width || x.elem_count() != rows * time * hidden {
            candle_core::bail!("{:?} for {rows} sequences of this stack", x.dims());
        }
        let start = address_of(&batch.table)?;
        let every = if y.dim(0)? == rows { time } else { 1 };
        let (work, y) = (&batch.work, values_of(y, &[rows * time / every, hidden])?);
        work.x.set(&x.reshape(&width)?)?;
        let caches = Caches {
            offset: offset as u32,
            count: counter.map(|counter| address_of(counter.as_tensor())).transpose()?,
            shared: time > 1,
            ..self.caches(start, rows * time, angles, work)?
        };
        let outputs = Outputs { every: every as u32, y };
        need(self.weights.iter().chain(&work.others));
        // SAFETY: weights, caches and memory have the shapes of the stack. The batch has the caches,
        // which have room for these positions, and all earlier ones were written in the order of the
        // queue, in which all memory is freed.
        unsafe { self.step(rows * time, caches, work, outputs, tap)? };
        for state in states.iter_mut() {
            state.position += time;
        }
        Ok(())
    }

    /// Of a table with so many rows.
    fn caches(
        &self,
        table: Address,
        rows: usize,
        [cosines, sines]: &[Tensor; 2],
        work: &StepWork,
    ) -> Result<Caches> {
        let word = |index: usize| table.after(index * rows * size_of::<u32>());
        Ok(Caches {
            caches: table,
            capacities: word(2),
            positions: word(3),
            offset: 0,
            count: None,
            window: self.window.map(|window| window as u32),
            dtype: self.dtype,
            longest: work.longest,
            cosines: address_of(cosines)?,
            sines: address_of(sines)?,
            shared: false,
        })
    }

    /// Was it made by a stack of the same sizes?
    fn check(&self, state: &ResidentState) -> Result<()> {
        let (shape, dtype) = self.cache_of(state.capacity);
        if state.cache.dims() != shape || state.cache.dtype() != dtype {
            candle_core::bail!("the state of the sequence was made by a stack of other sizes");
        }
        Ok(())
    }

    /// Pushes `[batch, time, hidden]`; gives the outputs of all rows in f32, `[batch * time,
    /// hidden]`.
    fn push(
        &self,
        x: &Tensor,
        states: &mut [&mut ResidentState],
        tap: &mut LayerTap<'_>,
    ) -> Result<Tensor> {
        let (batch, time, hidden) = x.dims3()?;
        if (batch, hidden) != (states.len(), self.decoder.shape.hidden as usize) {
            candle_core::bail!("rows {:?} for {} sequences of this stack", x.dims(), states.len());
        }
        let (longest, furthest) = self.reach(states, time);
        for state in states.iter() {
            self.check(state)?;
            state.room(time)?;
        }
        let places = places(states, time)?;
        let angles = self.angles(furthest)?;
        let x = x.reshape((batch * time, hidden))?.to_dtype(DType::F32)?.contiguous()?;
        let work = match self.works.take(|| None) {
            Some(work) if work.longest as usize >= longest => work,
            _ => self.new_work(ROWS, longest as u32)?,
        };
        let mut outputs = Vec::with_capacity(places.len().div_ceil(ROWS));
        for (index, places) in places.chunks(ROWS).enumerate() {
            let x = x.narrow(0, index * ROWS, places.len())?;
            let rows = places.len();
            let mut tap = |layer, x: &Tensor| tap(layer, &x.narrow(0, 0, rows)?.unsqueeze(0)?);
            outputs.push(self.prompt_step(&x, places, time > 1, &angles, &work, &mut tap)?);
        }
        self.works.put(Some(work));
        for state in states.iter_mut() {
            state.position += time;
        }
        Tensor::cat(&outputs, 0)
    }

    /// One step of some rows of a prompt.
    fn prompt_step(
        &self,
        x: &Tensor,
        places: &[Place],
        shared: bool,
        angles: &[Tensor; 2],
        work: &StepWork,
        tap: &mut LayerTap<'_>,
    ) -> Result<Tensor> {
        let rows = places.len();
        work.x.set_rows(0, x)?;
        let known = table(places);
        let count = known.len();
        let known = Tensor::from_vec(known, count, &self.device)?;
        let caches = Caches { shared, ..self.caches(address_of(&known)?, rows, angles, work)? };
        let y = Tensor::zeros(x.dims(), DType::F32, &self.device)?;
        let outputs = Outputs { every: 1, y: address_of(&y)? };
        // SAFETY: weights, caches and memory have the shapes of the stack; positions are below the
        // rooms of their caches and are written in order. `work` is nobody else's, and all that is
        // freed is freed in the order of the queue.
        unsafe { self.step(rows, caches, work, outputs, tap)? };
        Ok(y)
    }

    fn new_work(&self, rows: usize, longest: u32) -> Result<StepWork> {
        let DecoderShape { hidden, heads, kv_heads, head_dim, intermediate, .. } =
            self.decoder.shape;
        let zeros = |each: u32| Tensor::zeros((rows, each as usize), DType::F32, &self.device);
        let x = Buffer::of(zeros(hidden)?)?;
        let qkv = zeros((heads + 2 * kv_heads) * head_dim)?;
        let (mixed, activated) = (zeros(heads * head_dim)?, zeros(intermediate)?);
        let count = Attend::parts(rows as u32, heads, head_dim, longest);
        let parts = Tensor::zeros(count, DType::F32, &self.device)?;
        let arrived = Tensor::zeros((rows, kv_heads as usize), DType::U32, &self.device)?;
        let addresses = Work {
            x: address_of(&x)?,
            qkv: address_of(&qkv)?,
            mixed: address_of(&mixed)?,
            activated: address_of(&activated)?,
            parts: address_of(&parts)?,
            arrived: address_of(&arrived)?,
        };
        let others = [qkv, mixed, activated, parts, arrived];
        Ok(StepWork { x, addresses, longest, others })
    }
}

/// Sees the output of each layer.
type LayerTap<'a> = dyn FnMut(usize, &Tensor) -> Result<()> + 'a;

/// Where a row's cache is, its room, and the position of the row.
type Place = (Address, usize, usize);

/// Of the next `time` positions of each sequence.
fn places(states: &[&mut ResidentState], time: usize) -> Result<Vec<Place>> {
    let mut places = Vec::with_capacity(states.len() * time);
    for state in states {
        let cache = address_of(&state.cache)?;
        let positions = state.position..state.position + time;
        places.extend(positions.map(|position| (cache, state.capacity, position)));
    }
    Ok(places)
}

/// Numbers of a row in a table.
const TABLE: usize = 4;

/// As the kernels want them, in one piece: addresses first, which have to lie at multiples of their
/// size, then rooms, then positions.
fn table(places: &[Place]) -> Vec<u32> {
    let halves = |place: &Place| [place.0.0 as u32, (place.0.0 >> 32) as u32];
    let addresses = places.iter().flat_map(halves);
    let rooms = places.iter().map(|place| place.1 as u32);
    let positions = places.iter().map(|place| place.2 as u32);
    addresses.chain(rooms).chain(positions).collect()
}

/// Kernels read what they are told is there.
fn check(tensor: &Tensor, shape: &[usize], dtype: DType) -> Result<()> {
    if tensor.dims() != shape || tensor.dtype() != dtype {
        let (found, of) = (tensor.dims(), tensor.dtype());
        candle_core::bail!("weights {found:?} in {of:?}, expected {shape:?} in {dtype:?}");
    }
    Ok(())
}
