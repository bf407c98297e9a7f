use candle_core::{DType, Error, Result, Tensor};
use tts_checkpoint::{CheckpointError, RowTable, Weights};
use tts_cuda::{Embed, Float, Queue};

use crate::buffer::Buffer;
use crate::gpu::{address_of, aligned, float, queue_of, values_of};
use crate::values::with_ids;

/// A table of one vector for every id.
///
/// On the CPU rows are read where the model lies when they are looked up: a frame needs a few of
/// many thousands. Elsewhere the whole table is on the device.
#[derive(Debug, Clone)]
pub struct Embedding(Table);

#[derive(Debug, Clone)]
enum Table {
    Rows(RowTable),
    Tensor(Tensor),
    Gpu(GpuTable),
}

/// For a kernel, `[ids, width]`.
#[derive(Debug, Clone)]
struct GpuTable {
    queue: Queue,
    table: Tensor,
    dtype: Float,
}

impl Embedding {
    /// From a matrix `[ids, width]` of a checkpoint.
    ///
    /// # Errors
    /// If there is none; on other devices than the CPU also if a value is not finite or the
    /// table does not fit.
    pub fn load<E>(weights: &Weights, name: &str) -> std::result::Result<Self, E>
    where
        E: From<CheckpointError> + From<Error>,
    {
        if let Some(queue) = queue_of(weights.device())? {
            let table = aligned(&weights.tensor(name)?)?;
            return Ok(Self(Table::Gpu(GpuTable { queue, dtype: float(table.dtype())?, table })));
        }
        Ok(Self(if weights.device().is_cpu() {
            Table::Rows(weights.table(name)?)
        } else {
            Table::Tensor(weights.tensor(name)?)
        }))
    }

    /// The rows of ids `[n]` in u32, which are where the model computes: `[n, width]`.
    ///
    /// # Errors
    /// If there is no such id, or a value of its row is not finite. On an NVIDIA GPU, where nobody
    /// looks at the ids, those without a row get the last one.
    pub fn forward(&self, ids: &Tensor) -> Result<Tensor> {
        match &self.0 {
            Table::Tensor(table) => table.index_select(ids, 0),
            Table::Rows(table) => with_ids(ids, |ids| table.lookup(ids))?.map_err(Error::wrap),
            Table::Gpu(table) => {
                let shape = (ids.elem_count(), table.table.dim(1)?);
                let y = Buffer::zeros(shape, DType::F32, ids.device())?;
                table.embed(ids, Some(&y), None)?;
                Ok((*y).clone())
            }
        }
    }

    /// As [`Embedding::forward`]; the rows take the place of what is in `y`, `[n, width]`.
    ///
    /// # Errors
    /// As [`Embedding::forward`]; if `y` has another shape or type.
    pub fn forward_into(&self, ids: &Tensor, y: &Buffer) -> Result<()> {
        match &self.0 {
            Table::Rows(table) if y.is_on_host() => {
                with_ids(ids, |ids| each(ids, y, |id, row| table.read(id, row)))?
            }
            Table::Gpu(table) => table.embed(ids, Some(y), None),
            _ => y.set(&self.forward(ids)?),
        }
    }

    /// Adds the rows of ids `[n]` to `sum`, `[n, width]`; they take the place of what is in `y`, if
    /// there is one.
    ///
    /// # Errors
    /// As [`Embedding::forward_into`].
    pub fn add_to(&self, ids: &Tensor, sum: &Buffer, y: Option<&Buffer>) -> Result<()> {
        if let Table::Gpu(table) = &self.0 {
            return table.embed(ids, y, Some(sum));
        }
        match &self.0 {
            Table::Rows(table) if sum.is_on_host() => {
                with_ids(ids, |ids| each(ids, sum, |id, row| table.add(id, row)))??;
            }
            _ => sum.add(&self.forward(ids)?)?,
        }
        y.map_or(Ok(()), |y| self.forward_into(ids, y))
    }
}

impl GpuTable {
    fn embed(&self, ids: &Tensor, y: Option<&Buffer>, sum: Option<&Buffer>) -> Result<()> {
        let (entries, width) = self.table.dims2()?;
        let rows = ids.elem_count();
        if ids.dtype() != DType::U32 {
            return Err(Error::UnsupportedDTypeForOp(ids.dtype(), "ids"));
        }
        let rows_of = |x: Option<&Buffer>| x.map(|x| values_of(x, &[rows, width])).transpose();
        let embed = Embed {
            table: address_of(&self.table)?,
            dtype: self.dtype,
            entries: entries as u32,
            width: width as u32,
            tokens: address_of(ids)?,
            rows: rows as u32,
            y: rows_of(y)?,
            sum: rows_of(sum)?,
        };
        // SAFETY: the tensors have these shapes, and are freed in the order of the queue.
        unsafe { embed.launch(&self.queue) }.map_err(Error::wrap)
    }
}

/// Calls `change` with each id and the row of `y`, `[n, width]`, that goes with it.
fn each(
    ids: &[u32],
    y: &Buffer,
    mut change: impl FnMut(u32, &mut [f32]) -> std::result::Result<(), CheckpointError>,
) -> Result<()> {
    let (rows, width) = y.dims2()?;
    if ids.len() != rows {
        candle_core::bail!("{rows} rows for {} ids", ids.len());
    }
    y.change(|values: &mut [f32]| {
        let mut rows = ids.iter().zip(values.chunks_exact_mut(width.max(1)));
        rows.try_for_each(|(&id, row)| change(id, row)).map_err(Error::wrap)
    })?
}
