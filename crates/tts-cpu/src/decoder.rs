use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::cells::Cells;
use crate::error::ShapeError;
use crate::inputs::Inputs;
use crate::kernels::Kernels;
use crate::layer::Layer;
use crate::math;
use crate::matrix::{Matrix, Scheme};
use crate::pool::Member;
use crate::sequence::{Rotations, Sequence};

/// The sizes of a stack of decoder layers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DecoderShape {
    /// Width of the states between the layers.
    pub hidden: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Width inside the MLP.
    pub intermediate: usize,
    /// Epsilon of every norm.
    pub norm_eps: f32,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
}

/// A stack of pre-norm layers with grouped-query attention, head norms, rotary positions and
/// a gated SiLU MLP, and a final norm: the form of both language models.
///
/// A step is one pass of a team of threads: five barriers a layer, no allocation.
#[derive(Debug)]
pub struct Decoder {
    shape: DecoderShape,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    kernels: Kernels,
    rotations: Mutex<Arc<Rotations>>,
}

/// Where a row of a step belongs: a position of a sequence. Rows of the same sequence are in
/// order.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The sequence; it has [advanced](Sequence::advance) past the position.
    pub sequence: &'a Sequence,
    /// The position.
    pub position: usize,
}

/// The memory of steps of up to some rows.
#[derive(Debug)]
pub struct Work {
    rows: usize,
    /// States between the layers, `[rows, hidden]`; input and output of a step.
    pub states: Cells,
    qkv: Cells,
    mixed: Cells,
    activated: Cells,
    /// One of every member.
    own: Vec<Mutex<Own>>,
}

#[derive(Debug)]
struct Own {
    hidden: Vec<f32>,
    hidden_inputs: Inputs,
    mixed: Vec<f32>,
    mixed_inputs: Inputs,
    activated: Vec<f32>,
    activated_inputs: Inputs,
    head: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    scores: Vec<f32>,
    attended: Vec<f32>,
}

impl DecoderShape {
    pub(crate) fn queries(&self) -> usize {
        self.heads * self.head_dim
    }

    pub(crate) fn keys(&self) -> usize {
        self.kv_heads * self.head_dim
    }
}

impl Decoder {
    /// A stack without layers, with the final norm `[hidden]`.
    ///
    /// # Errors
    /// If the norm has another width, or query heads cannot share key heads evenly.
    pub fn new(shape: DecoderShape, norm: &[f32]) -> Result<Self, ShapeError> {
        ShapeError::check("weights of the final norm", norm.len(), shape.hidden)?;
        let group = shape.heads.checked_div(shape.kv_heads).unwrap_or(0);
        ShapeError::check("query heads", shape.heads, group.max(1) * shape.kv_heads)?;
        ShapeError::check("width of a head", shape.head_dim, shape.head_dim / 2 * 2)?;
        Ok(Self {
            shape,
            layers: Vec::new(),
            norm: norm.to_vec(),
            kernels: Kernels::detect(),
            rotations: Mutex::new(Arc::new(Rotations::new(shape.rope_theta, shape.head_dim, 0))),
        })
    }

    /// Adds a layer.
    ///
    /// # Errors
    /// If it has other sizes than the stack.
    pub fn push_layer(&mut self, layer: Layer) -> Result<(), ShapeError> {
        layer.check(&self.shape)?;
        self.layers.push(layer);
        Ok(())
    }

    /// Layers.
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Exchanges a layer with that of the same number of another stack.
    ///
    /// # Errors
    /// If one of them has no such layer, or the stacks have different sizes.
    pub fn swap_layer(&mut self, index: usize, other: &mut Self) -> Result<(), ShapeError> {
        let layers = self.layers().min(other.layers());
        let (Some(own), Some(their)) = (self.layers.get_mut(index), other.layers.get_mut(index))
        else {
            return ShapeError::check(
                "layers of stacks that exchange one",
                layers,
                index.saturating_add(1),
            );
        };
        own.check(&other.shape)?;
        their.check(&self.shape)?;
        std::mem::swap(own, their);
        Ok(())
    }

    /// The sizes.
    pub fn shape(&self) -> DecoderShape {
        self.shape
    }

    /// Bytes that a step reads of the weights.
    pub fn bytes(&self) -> usize {
        self.layers.iter().map(Layer::bytes).sum()
    }

    /// A new sequence of at most `capacity` positions.
    pub fn new_sequence(&self, capacity: usize) -> Sequence {
        let mut rotations = lock(&self.rotations);
        if rotations.positions() < capacity {
            let (theta, width) = (self.shape.rope_theta, self.shape.head_dim);
            *rotations = Arc::new(Rotations::new(theta, width, capacity));
        }
        let heads = self.layers.len() * self.shape.kv_heads;
        Sequence::new(heads, self.shape.head_dim, capacity, Arc::clone(&rotations))
    }

    /// Memory for steps of up to `rows` rows by a team of `members`.
    pub fn new_work(&self, rows: usize, members: usize) -> Work {
        let s = self.shape;
        let own = || {
            Mutex::new(Own {
                hidden: vec![0.0; rows * s.hidden],
                hidden_inputs: Inputs::new(s.hidden),
                mixed: vec![0.0; rows * s.queries()],
                mixed_inputs: Inputs::new(s.queries()),
                activated: vec![0.0; rows * s.intermediate],
                activated_inputs: Inputs::new(s.intermediate),
                head: vec![0.0; s.head_dim],
                key: vec![0.0; s.head_dim],
                value: vec![0.0; s.head_dim],
                scores: Vec::new(),
                attended: vec![0.0; s.head_dim],
            })
        };
        Work {
            rows,
            states: Cells::new(rows * s.hidden),
            qkv: Cells::new(rows * (s.queries() + 2 * s.keys())),
            mixed: Cells::new(rows * s.queries()),
            activated: Cells::new(rows * s.intermediate),
            own: (0..members).map(|_| own()).collect(),
        }
    }

    /// One member's part of a step: the states of `work` go through all layers and the final
    /// norm. Every member calls it, with the same arguments; the states are complete after
    /// the next barrier.
    ///
    /// # Errors
    /// If there are more rows, or more members, than `work` has memory for; if a sequence is
    /// of another stack or has not advanced. No member does anything then.
    pub fn step(
        &self,
        member: &Member<'_>,
        places: &[Place<'_>],
        work: &Work,
    ) -> Result<(), ShapeError> {
        let rows = places.len();
        ShapeError::check("rows of a step", rows, rows.min(work.rows))?;
        ShapeError::check("members of a team", member.size(), member.size().min(work.own.len()))?;
        let heads = self.layers.len() * self.shape.kv_heads;
        for place in places {
            ShapeError::check("heads of a sequence", place.sequence.heads.len(), heads)?;
            let (found, expected) = (place.position, place.sequence.position());
            if found >= expected {
                return Err(ShapeError { what: "position of a row, below", found, expected });
            }
        }
        let Some(own) = work.own.get(member.rank()) else { return Ok(()) };
        let own = &mut *lock(own);
        for (index, layer) in self.layers.iter().enumerate() {
            self.project(member, layer, rows, work, own)?;
            member.wait();
            for head in member.share(self.shape.kv_heads) {
                self.attend(layer, index, head, places, work, own);
            }
            member.wait();
            self.mlp(member, layer, rows, work, own)?;
        }
        for row in member.share(rows) {
            let (start, hidden) = (row * self.shape.hidden, self.shape.hidden);
            let Some(state) = own.hidden.get_mut(..hidden) else { break };
            work.states.read(start..start + hidden, state);
            self.kernels.rms_norm(state, &self.norm, self.shape.norm_eps);
            work.states.write(start, state);
        }
        Ok(())
    }

    /// Normed states to queries, keys and values.
    fn project(
        &self,
        member: &Member<'_>,
        layer: &Layer,
        rows: usize,
        work: &Work,
        own: &mut Own,
    ) -> Result<(), ShapeError> {
        self.normed(layer.attention_norm.values(), layer.qkv.scheme(), rows, work, own)?;
        let width = layer.qkv.rows();
        let tiles = member.share(layer.qkv.tiles());
        layer.qkv.multiply_tiles(&own.hidden_inputs, tiles, |row, output, values| {
            work.qkv.write(row * width + output, values);
        })
    }

    fn normed(
        &self,
        weight: &[f32],
        scheme: Scheme,
        rows: usize,
        work: &Work,
        own: &mut Own,
    ) -> Result<(), ShapeError> {
        let hidden = self.shape.hidden;
        let states = own.hidden.get_mut(..rows * hidden).unwrap_or_default();
        work.states.read(0..rows * hidden, states);
        for state in states.chunks_exact_mut(hidden) {
            self.kernels.rms_norm(state, weight, self.shape.norm_eps);
        }
        own.hidden_inputs.set(scheme, states)
    }

    /// One key head and the query heads that share it, of every row.
    fn attend(
        &self,
        layer: &Layer,
        index: usize,
        head: usize,
        places: &[Place<'_>],
        work: &Work,
        own: &mut Own,
    ) {
        let s = self.shape;
        let (d, eps) = (s.head_dim, s.norm_eps);
        let width = s.queries() + 2 * s.keys();
        let group = s.heads / s.kv_heads;
        for (row, place) in places.iter().enumerate() {
            let (cos, sin) = place.sequence.rotations.at(place.position);
            let Some(cache) = place.sequence.heads.get(index * s.kv_heads + head) else { continue };
            let cache = &mut *lock(cache);
            let key = row * width + s.queries() + head * d;
            let value = key + s.keys();
            work.qkv.read(key..key + d, &mut own.key);
            work.qkv.read(value..value + d, &mut own.value);
            self.kernels.rms_norm(&mut own.key, layer.key_norm.values(), eps);
            math::rotate(&mut own.key, cos, sin);
            // A step that failed may have been here before.
            cache.keys.resize(place.position * d, 0.0);
            cache.values.resize(place.position * d, 0.0);
            cache.keys.extend_from_slice(&own.key);
            cache.values.extend_from_slice(&own.value);
            own.scores.resize(cache.keys.len() / d, 0.0);
            for query in head * group..(head + 1) * group {
                let start = row * width + query * d;
                work.qkv.read(start..start + d, &mut own.head);
                self.kernels.rms_norm(&mut own.head, layer.query_norm.values(), eps);
                math::rotate(&mut own.head, cos, sin);
                let (scores, mixed) = (&mut own.scores, &mut own.attended);
                self.kernels.attend(&own.head, &cache.keys, &cache.values, scores, mixed);
                work.mixed.write(row * s.queries() + query * d, mixed);
            }
        }
    }

    /// From mixed values on: the output product, and the MLP.
    fn mlp(
        &self,
        member: &Member<'_>,
        layer: &Layer,
        rows: usize,
        work: &Work,
        own: &mut Own,
    ) -> Result<(), ShapeError> {
        let s = self.shape;
        let mixed = own.mixed.get_mut(..rows * s.queries()).unwrap_or_default();
        work.mixed.read(0..mixed.len(), mixed);
        own.mixed_inputs.set(layer.output.scheme(), mixed)?;
        let add = |row: usize, output: usize, values: &[f32]| {
            work.states.add(row * s.hidden + output, values);
        };
        let tiles = member.share(layer.output.tiles());
        layer.output.multiply_tiles(&own.mixed_inputs, tiles, add)?;
        member.wait();
        self.normed(layer.mlp_norm.values(), layer.gate_up.scheme(), rows, work, own)?;
        let tiles = member.share(layer.gate_up.tiles());
        layer.gate_up.multiply_tiles(&own.hidden_inputs, tiles, |row, output, values| {
            let mut activated = [0.0; Matrix::RUN / 2];
            self.kernels.gate(values.as_chunks().0, &mut activated);
            let activated = activated.get(..values.len() / 2).unwrap_or_default();
            work.activated.write(row * s.intermediate + output / 2, activated);
        })?;
        member.wait();
        let activated = own.activated.get_mut(..rows * s.intermediate).unwrap_or_default();
        work.activated.read(0..activated.len(), activated);
        own.activated_inputs.set(layer.down.scheme(), activated)?;
        let tiles = member.share(layer.down.tiles());
        layer.down.multiply_tiles(&own.activated_inputs, tiles, add)?;
        member.wait();
        Ok(())
    }
}

/// What a member that panicked left behind is overwritten by the next step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
