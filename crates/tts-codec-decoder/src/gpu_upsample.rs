use candle_core::{DType, Device, Result, Tensor};
use tts_checkpoint::Weights;
use tts_nn::{Buffer, Epilogue, GpuDepthwiseNorm, GpuMatrix};

use crate::error::CodecError;
use crate::upsample::NORM_EPS;

/// [`Upsample`](crate::upsample::Upsample) with kernels for a GPU, on one row for each time.
#[derive(Debug)]
pub(crate) struct GpuUpsample {
    /// A row to `stride` rows.
    conv: GpuMatrix,
    depthwise: GpuDepthwiseNorm,
    expand: GpuMatrix,
    /// With the scale of the block.
    contract: GpuMatrix,
    pub(crate) stride: usize,
    pub(crate) channels: usize,
    pub(crate) inner: usize,
}

impl GpuUpsample {
    pub(crate) fn load(stride: usize, weights: &Weights) -> std::result::Result<Self, CodecError> {
        let conv = weights.scope("0.conv");
        let block = weights.scope("1");
        let tensor = |name: &str| block.tensor(name);
        let (weight, bias) = (conv.tensor("weight")?, conv.tensor("bias")?);
        let (inputs, channels, kernel) = weight.dims3()?;
        if kernel != stride {
            let problem =
                format!("a kernel of {kernel}, expected {stride}: windows that do not overlap");
            return Err(candle_core::Error::Msg(problem).into());
        }
        // Outputs of the first time, then those of the next one.
        let weight = weight.permute((2, 1, 0))?.reshape((stride * channels, inputs))?;
        let bias = bias.unsqueeze(0)?.repeat((stride, 1))?.flatten_all()?;
        let gamma = tensor("gamma")?;
        let contract = tensor("pwconv2.weight")?.broadcast_mul(&gamma.unsqueeze(1)?)?;
        let expand = tensor("pwconv1.weight")?;
        let inner = expand.dim(0)?;
        Ok(Self {
            conv: GpuMatrix::new(&weight, Some(bias))?,
            depthwise: GpuDepthwiseNorm::new(
                &tensor("dwconv.conv.weight")?,
                &tensor("dwconv.conv.bias")?,
                [&tensor("norm.weight")?, &tensor("norm.bias")?],
                NORM_EPS,
            )?,
            expand: GpuMatrix::new(&expand, Some(tensor("pwconv1.bias")?))?,
            contract: GpuMatrix::new(&contract, Some((tensor("pwconv2.bias")? * gamma)?))?,
            stride,
            channels,
            inner,
        })
    }

    /// Room for so many rows of a signal, and for those before them.
    pub(crate) fn new_rows(&self, rows: usize, device: &Device) -> Result<Buffer> {
        Buffer::zeros((self.depthwise.keep() + rows, self.channels), DType::F32, device)
    }

    /// The part of that room for fewer rows.
    pub(crate) fn rows(&self, all: &Buffer, rows: usize) -> Result<Buffer> {
        Buffer::of(all.narrow(0, 0, self.depthwise.keep() + rows)?)
    }

    /// From `x`, `[time, channels]`, to the new rows of `rows`, `[keep + time * stride, channels]`, which
    /// `see` sees once more before the block. `normed` and `expanded` are memory for as many.
    pub(crate) fn forward(
        &self,
        x: &Tensor,
        rows: &Buffer,
        [normed, expanded]: [&Buffer; 2],
        see: impl FnOnce(&Tensor) -> Result<()>,
    ) -> Result<Tensor> {
        let keep = self.depthwise.keep();
        let new = Buffer::of(rows.narrow(0, keep, rows.dim(0)? - keep)?)?;
        self.conv.windows_into(x, &new, Epilogue::Store)?;
        see(&new)?;
        self.depthwise.forward_into(rows, normed)?;
        // The block changes the rows, and later ones look back at what they were.
        rows.carry(keep)?;
        self.expand.windows_into(normed, expanded, Epilogue::Gelu)?;
        self.contract.windows_into(expanded, &new, Epilogue::Add)?;
        Ok((*new).clone())
    }
}
