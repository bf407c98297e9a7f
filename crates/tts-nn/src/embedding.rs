use candle_core::{Error, Result, Tensor};
use tts_checkpoint::{CheckpointError, RowTable, Weights};

use crate::values::Values;

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
            Table::Rows(table) => {
                let ids = ids.contiguous()?;
                table.lookup(&Values::<u32>::of(&ids)?).map_err(Error::wrap)
            }
        }
    }
}
