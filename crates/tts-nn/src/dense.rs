use candle_core::{DType, Device, Result, Tensor};

use crate::attention::{self, Attention};
use crate::decoder::{Blocks, DecoderConfig};
use crate::kv_cache::KvCache;
use crate::mlp::Mlp;
use crate::norm::{LayerNorm, RmsNorm};
use crate::rope::{Angles, Rope};
use crate::source::{Scope, Source};

/// A stack whose weights and products are those of the tensor library.
#[derive(Debug)]
pub(crate) struct DenseDecoder {
    config: DecoderConfig,
    layers: Vec<Layer>,
    norm: Option<Norm>,
    rope: Rope,
}

#[derive(Debug, Clone)]
struct Layer {
    attention_norm: Norm,
    attention: Attention,
    mlp_norm: Norm,
    mlp: Mlp,
    scales: Option<(Tensor, Tensor)>,
}

#[derive(Debug, Clone)]
enum Norm {
    Rms(RmsNorm),
    Layer(LayerNorm),
}

/// Caches and position of one sequence.
#[derive(Debug)]
pub(crate) struct DenseState {
    caches: Vec<KvCache>,
    position: usize,
}

impl DenseState {
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn clear(&mut self) {
        self.position = 0;
        self.caches.iter_mut().for_each(KvCache::clear);
    }
}

impl DenseDecoder {
    pub(crate) fn load<E: From<candle_core::Error>>(
        config: DecoderConfig,
        source: &impl Source<E>,
    ) -> std::result::Result<Self, E> {
        let mut layers = Vec::with_capacity(config.layers);
        for i in 0..config.layers {
            layers.push(Layer::load(&config, &Scope { source, prefix: format!("layers.{i}.") })?);
        }
        let norm = match config.blocks {
            Blocks::RmsGated => Some(Norm::load(&config, "norm", source)?),
            Blocks::LayerGelu => None,
        };
        let rope = Rope::new(config.rope_theta, config.head_dim);
        Ok(Self { config, layers, norm, rope })
    }

    pub(crate) fn new_state(
        &self,
        capacity: usize,
        dtype: DType,
        device: &Device,
    ) -> Result<DenseState> {
        let c = &self.config;
        let cache = |_| match c.window {
            Some(size) => Ok(KvCache::window(size)),
            None => KvCache::full(c.kv_heads, capacity, c.head_dim, dtype, device),
        };
        let caches = (0..c.layers).map(cache).collect::<Result<_>>()?;
        Ok(DenseState { caches, position: 0 })
    }

    pub(crate) fn forward(
        &self,
        x: &Tensor,
        states: &mut [&mut DenseState],
        tap: &mut dyn FnMut(usize, &Tensor) -> Result<()>,
    ) -> Result<Tensor> {
        let (_, time, _) = x.dims3()?;
        let contexts = states
            .iter()
            .map(|state| self.context(state.position, time, x))
            .collect::<Result<Vec<_>>>()?;
        let mut x = x.clone();
        for (i, layer) in self.layers.iter().enumerate() {
            let rows = states.iter_mut().zip(&contexts).filter_map(|(state, (angles, mask))| {
                state.caches.get_mut(i).map(|cache| (cache, angles, mask))
            });
            x = layer.forward(&x, rows)?;
            tap(i, &x)?;
        }
        for state in states {
            state.position += time;
        }
        match &self.norm {
            Some(norm) => norm.forward(&x),
            None => Ok(x),
        }
    }

    /// Rotations and mask of `time` positions from `start` on, the same for all
    /// layers. A window needs no mask.
    fn context(&self, start: usize, time: usize, x: &Tensor) -> Result<(Angles, Option<Tensor>)> {
        let angles = self.rope.angles(start, time, x.dtype(), x.device())?;
        let mask = match self.config.window {
            None => attention::mask(time, start + time, x.device())?,
            Some(_) => None,
        };
        Ok((angles, mask))
    }
}

impl Norm {
    fn load<E: From<candle_core::Error>>(
        config: &DecoderConfig,
        name: &str,
        source: &impl Source<E>,
    ) -> std::result::Result<Self, E> {
        let weight = source.tensor(&format!("{name}.weight"))?;
        Ok(match config.blocks {
            Blocks::RmsGated => Self::Rms(RmsNorm::new(weight, config.norm_eps)),
            Blocks::LayerGelu => {
                let bias = source.tensor(&format!("{name}.bias"))?;
                Self::Layer(LayerNorm::new(weight, bias, config.norm_eps))
            }
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Rms(norm) => norm.forward(x),
            Self::Layer(norm) => norm.forward(x),
        }
    }
}

impl Layer {
    fn load<E: From<candle_core::Error>>(
        config: &DecoderConfig,
        source: &impl Source<E>,
    ) -> std::result::Result<Self, E> {
        let scales = if config.layer_scales {
            Some((
                source.tensor("self_attn_layer_scale.scale")?,
                source.tensor("mlp_layer_scale.scale")?,
            ))
        } else {
            None
        };
        let below = |prefix: &str| Scope { source, prefix: prefix.to_owned() };
        Ok(Self {
            attention_norm: Norm::load(config, "input_layernorm", source)?,
            attention: Attention::load(config, &below("self_attn."))?,
            mlp_norm: Norm::load(config, "post_attention_layernorm", source)?,
            mlp: Mlp::load(config, &below("mlp."))?,
            scales,
        })
    }

    fn forward<'c>(
        &self,
        x: &Tensor,
        rows: impl Iterator<Item = (&'c mut KvCache, &'c Angles, &'c Option<Tensor>)>,
    ) -> Result<Tensor> {
        let mut branch = self.attention.forward(&self.attention_norm.forward(x)?, rows)?;
        if let Some((scale, _)) = &self.scales {
            branch = branch.broadcast_mul(scale)?;
        }
        let x = (x + branch)?;
        let mut branch = self.mlp.forward(&self.mlp_norm.forward(&x)?)?;
        if let Some((_, scale)) = &self.scales {
            branch = branch.broadcast_mul(scale)?;
        }
        x + branch
    }
}
