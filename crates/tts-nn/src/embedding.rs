use candle_core::{Error, Result, Tensor};
use tts_checkpoint::{CheckpointError, RowTable, Weights};

use crate::buffer::Buffer;
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
}

impl Embedding {
    /// From a matrix `[ids, width]` of a checkpoint.
    ///
    /// # Errors
    /// If there is none; on other devices than the CPU also if a value is not finite or the
    /// table does not fit.
    pub fn load(weights: &Weights, name: &str) -> std::result::Result<Self, CheckpointError> {
        Ok(Self(if weights.device().is_cpu() {
            Table::Rows(weights.table(name)?)
        } else {
            Table::Tensor(weights.tensor(name)?)
        }))
    }

    /// The rows of ids `[n]` in u32, which are where the model computes: `[n, width]`.
    ///
    /// # Errors
    /// If there is no such id, or a value of its row is not finite.
    pub fn forward(&self, ids: &Tensor) -> Result<Tensor> {
        match &self.0 {
            Table::Tensor(table) => table.index_select(ids, 0),
            Table::Rows(table) => with_ids(ids, |ids| table.lookup(ids))?.map_err(Error::wrap),
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
            _ => y.set(&self.forward(ids)?),
        }
    }

    /// Adds the rows of ids `[n]` to `y`, `[n, width]`.
    ///
    /// # Errors
    /// As [`Embedding::forward_into`].
    pub fn add_to(&self, ids: &Tensor, y: &Buffer) -> Result<()> {
        match &self.0 {
            Table::Rows(table) if y.is_on_host() => {
                with_ids(ids, |ids| each(ids, y, |id, row| table.add(id, row)))?
            }
            _ => y.add(&self.forward(ids)?),
        }
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
