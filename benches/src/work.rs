//! What a stage has to do, computed from the configuration: the weights it reads
//! and the multiply-adds it needs.
//!
//! The figures are those of the algorithm, not of this implementation: every matrix
//! is read once per pass, whatever the cache holds; attention sees the keys it may
//! see; convolutions are direct. Norms, biases, activations, rotations and looked-up
//! embedding rows are left out, being few beside the matrices; so are the values that
//! flow between layers, which count in the convolutions of the codec only. Divided by
//! the measured time the figures give the share of the machine's bandwidth or
//! arithmetic that a stage attains.
//!
//! ```
//! use tts_benches::random_model::RandomModel;
//! use tts_benches::work;
//! use tts_checkpoint::Checkpoint;
//!
//! let config = Checkpoint::open(RandomModel::real_06b(&[])?.files())?.config;
//! let step = work::talker_step(&config.talker_config, 100).total();
//! // In f32, at 20 GB/s, no step is faster than 89 ms.
//! assert!((step.weight_bytes(4.0) / 20e9 * 1e3).round() == 89.0);
//! # Ok::<(), anyhow::Error>(())
//! ```

mod codec_decoder;
mod codec_encoder;
mod language_models;
mod speaker;

use std::iter::Sum;
use std::ops::{Add, Mul};

pub use codec_decoder::{codec_decode, snake_evaluations};
pub use codec_encoder::codec_encode;
pub use language_models::{predictor_frame, prefill, talker_step};
pub use speaker::x_vector;

/// Work of a stage or of an operation in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Values of weight matrices that are read.
    pub weights: u64,
    /// Keys and values that are read from the caches, in values.
    pub cache: u64,
    /// Multiplications with an addition.
    pub multiply_adds: u64,
}

impl Work {
    /// Bytes of weights that are read, if a value takes `bytes_per_weight`: 4 in
    /// f32, 2 in bf16, about 1.03 in 8-bit blocks with their scales.
    pub fn weight_bytes(&self, bytes_per_weight: f64) -> f64 {
        self.weights as f64 * bytes_per_weight
    }

    /// Bytes of weights and caches that are read.
    pub fn bytes(&self, bytes_per_weight: f64, bytes_per_cached_value: f64) -> f64 {
        self.weight_bytes(bytes_per_weight) + self.cache as f64 * bytes_per_cached_value
    }

    /// Floating-point operations: two per multiply-add.
    pub fn flops(&self) -> u64 {
        2 * self.multiply_adds
    }

    /// A matrix `[outputs, inputs]` applied to `rows` vectors in one pass.
    fn matrix(outputs: usize, inputs: usize, rows: usize) -> Self {
        let weights = outputs as u64 * inputs as u64;
        Self { weights, cache: 0, multiply_adds: weights * rows as u64 }
    }

    /// A convolution `[outputs, inputs, kernel]` that is applied `times` times.
    fn conv(outputs: usize, inputs: usize, kernel: usize, times: usize) -> Self {
        Self::matrix(outputs, inputs * kernel, times)
    }

    /// Queries of `heads` heads over `seen` keys in all, that is, over every query.
    fn attention(heads: usize, head_dim: usize, seen: u64) -> Self {
        let products = 2 * (heads * head_dim) as u64 * seen;
        Self { multiply_adds: products, ..Self::default() }
    }
}

impl Add for Work {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            weights: self.weights + other.weights,
            cache: self.cache + other.cache,
            multiply_adds: self.multiply_adds + other.multiply_adds,
        }
    }
}

/// The same operation with other weights, `times` times.
impl Mul<usize> for Work {
    type Output = Self;

    fn mul(self, times: usize) -> Self {
        let times = times as u64;
        Self {
            weights: self.weights * times,
            cache: self.cache * times,
            multiply_adds: self.multiply_adds * times,
        }
    }
}

impl Sum for Work {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::default(), Self::add)
    }
}

/// A kind of operation in a stage, over all layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op {
    /// What it is.
    pub name: &'static str,
    /// What it takes.
    pub work: Work,
}

/// A stage and the operations it consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageWork {
    /// Its operations, in the order of the pipeline.
    pub ops: Vec<Op>,
}

impl StageWork {
    fn new<const N: usize>(ops: [(&'static str, Work); N]) -> Self {
        Self { ops: ops.map(|(name, work)| Op { name, work }).into() }
    }

    /// All operations together.
    pub fn total(&self) -> Work {
        self.ops.iter().map(|op| op.work).sum()
    }

    /// The operation of that name.
    pub fn op(&self, name: &str) -> Option<Work> {
        self.ops.iter().find(|op| op.name == name).map(|op| op.work)
    }
}

/// The dimensions of a decoder with gated layers.
#[derive(Debug, Clone, Copy)]
struct Decoder {
    layers: usize,
    hidden: usize,
    intermediate: usize,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
}

impl Decoder {
    /// The four projections around attention, for `rows` positions in one pass.
    fn projections(&self, rows: usize) -> Work {
        let (queries, keys) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        let (q, kv) =
            (Work::matrix(queries, self.hidden, rows), Work::matrix(keys, self.hidden, rows) * 2);
        (q + kv + Work::matrix(self.hidden, queries, rows)) * self.layers
    }

    /// The `matrices` of the MLP: three with a gate, two without.
    fn mlp(&self, matrices: usize, rows: usize) -> Work {
        Work::matrix(self.intermediate, self.hidden, rows) * matrices * self.layers
    }

    /// One pass of `rows` new positions, the last of which sees `seen` keys; those
    /// before see one less each, or `window` at most.
    fn attention(&self, rows: usize, seen: usize, window: usize) -> Work {
        let all: u64 = (0..rows).map(|back| (seen - back).min(window) as u64).sum();
        let read = seen.min(window + rows - 1) * self.kv_heads * self.head_dim;
        let pass = Work::attention(self.heads, self.head_dim, all);
        Work { cache: 2 * read as u64, ..pass } * self.layers
    }
}

#[cfg(test)]
mod tests;
