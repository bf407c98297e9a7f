use candle_core::{D, Result, Tensor};

use crate::linear::Linear;

/// The gated MLP: `down(silu(gate(x)) * up(x))`.
#[derive(Debug, Clone)]
pub(crate) struct GatedMlp {
    gate_up: Linear,
    down: Linear,
    width: usize,
}

impl GatedMlp {
    pub(crate) fn load<E: From<candle_core::Error>>(
        get: &mut impl FnMut(&str) -> std::result::Result<Tensor, E>,
    ) -> std::result::Result<Self, E> {
        let gate_up = [get("gate_proj.weight")?, get("up_proj.weight")?];
        Ok(Self {
            width: gate_up[0].dim(0)?,
            gate_up: Linear::fused(&gate_up)?,
            down: Linear::new(get("down_proj.weight")?, None),
        })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let both = self.gate_up.forward(x)?;
        let gate = both.narrow(D::Minus1, 0, self.width)?.silu()?;
        let up = both.narrow(D::Minus1, self.width, self.width)?;
        self.down.forward(&(gate * up)?)
    }
}
