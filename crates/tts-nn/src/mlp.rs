use candle_core::{D, Result, Tensor};

use crate::decoder::Blocks;
use crate::linear::Linear;

/// The MLP of a decoder layer.
#[derive(Debug, Clone)]
pub(crate) enum Mlp {
    /// `down(silu(gate(x)) * up(x))`; gate and up are one product.
    Gated { gate_up: Linear, down: Linear, width: usize },
    /// `fc2(gelu(fc1(x)))` with the exact GELU.
    Gelu { fc1: Linear, fc2: Linear },
}

impl Mlp {
    /// See [`Linear::in_pieces`].
    pub(crate) fn in_pieces(self) -> Self {
        match self {
            Self::Gated { gate_up, down, width } => {
                Self::Gated { gate_up: gate_up.in_pieces(), down: down.in_pieces(), width }
            }
            Self::Gelu { fc1, fc2 } => Self::Gelu { fc1: fc1.in_pieces(), fc2: fc2.in_pieces() },
        }
    }

    pub(crate) fn load<E: From<candle_core::Error>>(
        blocks: Blocks,
        get: &mut impl FnMut(&str) -> std::result::Result<Tensor, E>,
    ) -> std::result::Result<Self, E> {
        match blocks {
            Blocks::RmsGated => {
                let gate_up = [get("gate_proj.weight")?, get("up_proj.weight")?];
                Ok(Self::Gated {
                    width: gate_up[0].dim(0)?,
                    gate_up: Linear::fused(&gate_up)?,
                    down: Linear::new(get("down_proj.weight")?, None),
                })
            }
            Blocks::LayerGelu => Ok(Self::Gelu {
                fc1: Linear::new(get("fc1.weight")?, None),
                fc2: Linear::new(get("fc2.weight")?, None),
            }),
        }
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
