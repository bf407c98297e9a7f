use candle_core::{D, Result, Tensor};

use crate::decoder::{Blocks, DecoderConfig};
use crate::linear::Linear;
use crate::source::Source;

/// The MLP of a decoder layer.
#[derive(Debug, Clone)]
pub(crate) enum Mlp {
    /// `down(silu(gate(x)) * up(x))`; gate and up are one product.
    Gated { gate_up: Linear, down: Linear, width: usize },
    /// `fc2(gelu(fc1(x)))` with the exact GELU.
    Gelu { fc1: Linear, fc2: Linear },
}

impl Mlp {
    pub(crate) fn load<E: From<candle_core::Error>>(
        config: &DecoderConfig,
        source: &impl Source<E>,
    ) -> std::result::Result<Self, E> {
        let linear = |weights: &[&str]| match config.window {
            Some(_) => Linear::in_pieces(source, weights, None),
            None => Linear::fused(source, weights),
        };
        Ok(match config.blocks {
            Blocks::RmsGated => Self::Gated {
                width: config.intermediate,
                gate_up: linear(&["gate_proj.weight", "up_proj.weight"])?,
                down: linear(&["down_proj.weight"])?,
            },
            Blocks::LayerGelu => {
                Self::Gelu { fc1: linear(&["fc1.weight"])?, fc2: linear(&["fc2.weight"])? }
            }
        })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Gated { gate_up, down, width } => {
                let both = gate_up.forward(x)?;
                let gate = both.narrow(D::Minus1, 0, *width)?.silu()?;
                let up = both.narrow(D::Minus1, *width, *width)?;
                down.forward(&(gate * up)?)
            }
            Self::Gelu { fc1, fc2 } => fc2.forward(&fc1.forward(x)?.gelu_erf()?),
        }
    }
}
