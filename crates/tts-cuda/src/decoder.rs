//! A step of a stack of decoder layers: five launches a layer.

use crate::attention::{Attend, Caches};
use crate::error::LaunchError;
use crate::gemv::{Gemv, Use, Weights};
use crate::queue::{Address, Queue};
use crate::rows::RmsNorm;

/// The sizes of a stack.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DecoderShape {
    /// Width of the states between the layers.
    pub hidden: u32,
    /// Query heads, up to eight for each key head.
    pub heads: u32,
    /// Key and value heads.
    pub kv_heads: u32,
    /// Width of a head, even and up to 256.
    pub head_dim: u32,
    /// Width inside the MLP.
    pub intermediate: u32,
    /// Epsilon of every norm.
    pub norm_eps: f32,
}

/// Where the weights of a layer are: norms in f32, matrices each of any kind, but for gate and up,
/// which are of one.
#[derive(Debug, Clone, Copy)]
pub struct Layer {
    /// Norm before attention, `[hidden]`.
    pub attention_norm: Address,
    /// Queries, keys and values, `[(heads + 2 kv_heads) head_dim, hidden]`.
    pub qkv: Weights,
    /// Norms of every query head and of every key head, `[head_dim]`.
    pub head_norms: Option<[Address; 2]>,
    /// `[hidden, heads head_dim]`.
    pub output: Weights,
    /// Norm before the MLP, `[hidden]`.
    pub mlp_norm: Address,
    /// `[intermediate, hidden]`.
    pub gate: Weights,
    /// `[intermediate, hidden]`.
    pub up: Weights,
    /// `[hidden, intermediate]`.
    pub down: Weights,
}

/// Where a stack is.
#[derive(Debug, Clone)]
pub struct Decoder {
    /// Its sizes.
    pub shape: DecoderShape,
    /// Its layers.
    pub layers: Vec<Layer>,
    /// The final norm, `[hidden]` in f32.
    pub norm: Address,
}

/// Memory of steps, in f32 but for `arrived`.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    /// Input of a step, `[rows, hidden]`: the states between the layers.
    pub x: Address,
    /// `[rows, (heads + 2 kv_heads) head_dim]`.
    pub qkv: Address,
    /// `[rows, heads head_dim]`.
    pub mixed: Address,
    /// `[rows, intermediate]`.
    pub activated: Address,
    /// [`Attend::parts`].
    pub parts: Address,
    /// [`Attend::arrived`].
    pub arrived: Address,
}

/// What a step gives.
#[derive(Debug, Clone, Copy)]
pub struct Outputs {
    /// One row of so many, the last of them.
    pub every: u32,
    /// Takes them after the final norm, `[rows / every, hidden]` in f32.
    pub y: Address,
}

impl Decoder {
    /// Puts a layer of a step of `rows` rows into a queue. What it leaves in [`Work::x`] depends, row by
    /// row, on that row only.
    ///
    /// # Errors
    /// Those of [`Gemv::launch`].
    ///
    /// # Safety
    /// All addresses are of as much memory as they are documented to be, which lives until the
    /// kernels have run and is not used otherwise meanwhile. Every position has been written in
    /// every cache up to the token's, or is another row's. Rows have caches of their own, unless
    /// [they share](Caches::shared) them.
    pub unsafe fn layer(
        &self,
        queue: &Queue,
        index: usize,
        rows: u32,
        caches: Caches,
        work: &Work,
    ) -> Result<(), LaunchError> {
        let Some(layer) = self.layers.get(index) else { return Ok(()) };
        let DecoderShape { hidden, heads, kv_heads, head_dim, intermediate, norm_eps } = self.shape;
        let queries = heads * head_dim;
        let qkv = Gemv {
            x: work.x,
            stride: hidden,
            norm: Some((layer.attention_norm, norm_eps)),
            weights: layer.qkv,
            bias: None,
            y: work.qkv,
            rows,
            width: hidden,
            outputs: queries + 2 * kv_heads * head_dim,
            to: Use::Store,
        };
        let attend = Attend {
            qkv: work.qkv,
            head_norms: layer.head_norms,
            epsilon: norm_eps,
            caches,
            layer: index as u32,
            rows,
            heads,
            kv_heads,
            head_dim,
            mixed: work.mixed,
            parts: work.parts,
            arrived: work.arrived,
        };
        let add = Gemv { norm: None, y: work.x, outputs: hidden, to: Use::Add, ..qkv };
        let output =
            Gemv { x: work.mixed, stride: queries, width: queries, weights: layer.output, ..add };
        let gate = Gemv {
            norm: Some((layer.mlp_norm, norm_eps)),
            weights: layer.gate,
            y: work.activated,
            outputs: intermediate,
            to: Use::Gate(layer.up),
            ..qkv
        };
        let down = Gemv {
            x: work.activated,
            stride: intermediate,
            width: intermediate,
            weights: layer.down,
            ..add
        };
        // SAFETY: as promised by the caller.
        unsafe {
            qkv.launch(queue)?;
            attend.launch(queue)?;
            output.launch(queue)?;
            gate.launch(queue)?;
            down.launch(queue)
        }
    }

    /// Puts the final norm of a step of `rows` rows, a multiple of [`Outputs::every`], into a queue.
    ///
    /// # Errors
    /// Those of [`RmsNorm::launch`].
    ///
    /// # Safety
    /// As [`Decoder::layer`].
    pub unsafe fn outputs(
        &self,
        queue: &Queue,
        rows: u32,
        work: &Work,
        Outputs { every, y }: Outputs,
    ) -> Result<(), LaunchError> {
        let hidden = self.shape.hidden;
        let norm = RmsNorm {
            x: work.x.after((every as usize - 1) * hidden as usize * size_of::<f32>()),
            stride: every * hidden,
            weights: self.norm,
            epsilon: self.shape.norm_eps,
            rows: rows / every,
            width: hidden,
            y,
        };
        // SAFETY: as promised by the caller.
        unsafe { norm.launch(queue) }
    }
}
