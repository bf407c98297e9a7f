use candle_core::{DType, Device, Result, Tensor};

/// More positions were pushed into a sequence than it has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{needed} positions do not fit into a cache of {capacity}")]
pub struct CacheFull {
    /// Positions needed.
    pub needed: usize,
    /// Positions there is room for.
    pub capacity: usize,
}

/// Keys and values of one layer of one sequence, `[kv_heads, time, head_dim]`.
#[derive(Debug)]
pub struct KvCache(Kept);

#[derive(Debug)]
enum Kept {
    /// All positions, in buffers made once.
    Full {
        /// Keys, of which the first `len` positions are in use.
        keys: Tensor,
        /// Values, alike.
        values: Tensor,
        /// Positions in use.
        len: usize,
    },
    /// Only the positions that later queries of a sliding window still see.
    Window {
        /// Keys and values of the last positions.
        kept: Option<(Tensor, Tensor)>,
        /// Positions kept at most.
        keep: usize,
    },
}

impl KvCache {
    /// An empty cache with room for `capacity` positions.
    ///
    /// # Errors
    /// If the buffers cannot be made.
    pub fn full(
        kv_heads: usize,
        capacity: usize,
        head_dim: usize,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let buffer = || Tensor::zeros((kv_heads, capacity, head_dim), dtype, device);
        Ok(Self(Kept::Full { keys: buffer()?, values: buffer()?, len: 0 }))
    }

    /// An empty cache of the last `size` positions.
    pub fn window(size: usize) -> Self {
        Self(Kept::Window { kept: None, keep: size.saturating_sub(1) })
    }

    /// Appends keys and values; returns all that the new queries may see. The
    /// last of them belongs to the last new position.
    ///
    /// # Errors
    /// [`CacheFull`] if there is no room, or if the shapes or types do not fit.
    pub fn append(&mut self, k: &Tensor, v: &Tensor) -> Result<(Tensor, Tensor)> {
        match &mut self.0 {
            Kept::Full { keys, values, len } => {
                let (start, needed) = (*len, *len + k.dim(1)?);
                let capacity = keys.dim(1)?;
                if needed > capacity {
                    return Err(candle_core::Error::wrap(CacheFull { needed, capacity }));
                }
                keys.slice_set(&k.contiguous()?, 1, start)?;
                values.slice_set(&v.contiguous()?, 1, start)?;
                *len = needed;
                Ok((keys.narrow(1, 0, needed)?, values.narrow(1, 0, needed)?))
            }
            Kept::Window { kept, keep } => {
                let (keys, values) = match kept {
                    Some((keys, values)) => {
                        (Tensor::cat(&[&*keys, k], 1)?, Tensor::cat(&[&*values, v], 1)?)
                    }
                    None => (k.contiguous()?, v.contiguous()?),
                };
                let total = keys.dim(1)?;
                let tail = total.min(*keep);
                *kept = if tail == 0 {
                    None
                } else {
                    let last = |t: &Tensor| t.narrow(1, total - tail, tail)?.force_contiguous();
                    Some((last(&keys)?, last(&values)?))
                };
                Ok((keys, values))
            }
        }
    }

    /// Forgets all positions and keeps the buffers.
    pub fn clear(&mut self) {
        match &mut self.0 {
            Kept::Full { len, .. } => *len = 0,
            Kept::Window { kept, .. } => *kept = None,
        }
    }
}
