use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::ops;

use crate::decoder::DecoderConfig;
use crate::kv_cache::KvCache;
use crate::linear::Linear;
use crate::norm::RmsNorm;
use crate::rope::Angles;
use crate::source::Source;

/// Grouped-query attention over the caches of several sequences
/// (`docs/model.md`, sections 3 and 7.4).
#[derive(Debug, Clone)]
pub(crate) struct Attention {
    qkv: Linear,
    output: Linear,
    /// Norms over each head of queries and keys, before the rotation.
    head_norms: Option<(RmsNorm, RmsNorm)>,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    window: Option<usize>,
}

impl Attention {
    pub(crate) fn load<E: From<candle_core::Error>>(
        config: &DecoderConfig,
        source: &impl Source<E>,
    ) -> std::result::Result<Self, E> {
        let linear = |weights: &[&str]| match config.window {
            Some(_) => Linear::in_pieces(source, weights, None),
            None => Linear::fused(source, weights),
        };
        let head_norms = if config.head_norms {
            Some((
                RmsNorm::new(source.tensor("q_norm.weight")?, config.norm_eps),
                RmsNorm::new(source.tensor("k_norm.weight")?, config.norm_eps),
            ))
        } else {
            None
        };
        Ok(Self {
            qkv: linear(&["q_proj.weight", "k_proj.weight", "v_proj.weight"])?,
            output: linear(&["o_proj.weight"])?,
            head_norms,
            heads: config.heads,
            kv_heads: config.kv_heads,
            head_dim: config.head_dim,
            window: config.window,
        })
    }

    /// `x` is `[batch, time, hidden]`; row `b` continues the sequence of
    /// `caches[b]` at `angles[b]`, seeing `masks[b]`.
    pub(crate) fn forward<'c>(
        &self,
        x: &Tensor,
        rows: impl Iterator<Item = (&'c mut KvCache, &'c Angles, &'c Option<Tensor>)>,
    ) -> Result<Tensor> {
        let qkv = self.qkv.forward(x)?;
        let mut outputs = Vec::with_capacity(x.dim(0)?);
        for (b, (cache, angles, mask)) in rows.enumerate() {
            outputs.push(self.attend(&qkv.get(b)?, cache, angles, mask.as_ref())?);
        }
        self.output.forward(&Tensor::stack(&outputs, 0)?)
    }

    /// One sequence: `[time, (heads + 2 kv_heads) head_dim]` to
    /// `[time, heads head_dim]`.
    fn attend(
        &self,
        qkv: &Tensor,
        cache: &mut KvCache,
        angles: &Angles,
        mask: Option<&Tensor>,
    ) -> Result<Tensor> {
        let (time, d) = (qkv.dim(0)?, self.head_dim);
        let split = |start: usize, heads: usize| {
            qkv.narrow(1, start * d, heads * d)?.reshape((time, heads, d))
        };
        let mut q = split(0, self.heads)?;
        let mut k = split(self.heads, self.kv_heads)?;
        let v = split(self.heads + self.kv_heads, self.kv_heads)?.transpose(0, 1)?;
        if let Some((q_norm, k_norm)) = &self.head_norms {
            (q, k) = (q_norm.forward(&q)?, k_norm.forward(&k)?);
        }
        let q = angles.rotate(&q.transpose(0, 1)?)?;
        let k = angles.rotate(&k.transpose(0, 1)?)?;
        let (k, v) = cache.append(&k, &v)?;
        let mixed = match self.window {
            None => self.mix(&q, &k, &v, mask)?,
            Some(window) => self.mix_one_by_one(&q, &k, &v, window)?,
        };
        mixed.transpose(0, 1)?.flatten_from(D::Minus2)
    }

    /// Every query with exactly the keys in its window, so that its sums do not
    /// depend on the piece of the signal it is pushed in.
    fn mix_one_by_one(&self, q: &Tensor, k: &Tensor, v: &Tensor, window: usize) -> Result<Tensor> {
        let (time, seen) = (q.dim(1)?, k.dim(1)?);
        let mixed = (0..time).map(|query| {
            let end = seen - time + query + 1;
            let length = end.min(window);
            let within = |x: &Tensor| x.narrow(1, end - length, length);
            self.mix(&q.narrow(1, query, 1)?, &within(k)?, &within(v)?, None)
        });
        Tensor::cat(&mixed.collect::<Result<Vec<_>>>()?, 1)
    }

    /// Queries `[heads, time, head_dim]` over keys and values `[kv_heads, seen,
    /// head_dim]`, to the shape of the queries.
    fn mix(&self, q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let (time, seen, d) = (q.dim(1)?, k.dim(1)?, self.head_dim);
        // The query heads of a group share a key head: they become its rows.
        let grouped = (self.kv_heads, self.heads / self.kv_heads * time, d);
        let scale = 1.0 / (d as f64).sqrt();
        let scores = (q.reshape(grouped)?.matmul(&k.t()?)? * scale)?.to_dtype(DType::F32)?;
        let scores = scores.reshape((self.heads, time, seen))?;
        let scores = match mask {
            Some(mask) => scores.broadcast_add(mask)?,
            None => scores,
        };
        let weights = ops::softmax_last_dim(&scores)?.to_dtype(v.dtype())?;
        let mixed = weights.reshape((grouped.0, grouped.1, seen))?.matmul(v)?;
        mixed.reshape((self.heads, time, d))
    }
}

/// What `time` new queries may see of `seen` keys, the last of which is the last
/// query's own: `[time, seen]` of 0 and -inf, or `None` if they see all.
pub(crate) fn mask(time: usize, seen: usize, device: &Device) -> Result<Option<Tensor>> {
    if time == 1 {
        return Ok(None);
    }
    let first = seen - time;
    let values = (0..time * seen)
        .map(|i| if i % seen > first + i / seen { f32::NEG_INFINITY } else { 0.0 })
        .collect();
    Tensor::from_vec(values, (time, seen), device).map(Some)
}
