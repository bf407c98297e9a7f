use std::sync::Arc;

use candle_core::{DType, Device, Tensor};

use crate::convert;
use crate::error::CheckpointError;
use crate::store::TensorStore;

/// A matrix that stays on disk; rows are read when they are looked up.
///
/// The text embedding is a third of a small checkpoint and a request needs a few
/// dozen of its rows once, so it is not worth memory.
#[derive(Debug, Clone)]
pub struct RowTable {
    store: Arc<TensorStore>,
    name: String,
    rows: usize,
    width: usize,
    dtype: DType,
    device: Device,
}

impl RowTable {
    pub(crate) fn new(
        store: Arc<TensorStore>,
        name: String,
        dtype: DType,
        device: Device,
    ) -> Result<Self, CheckpointError> {
        let shape = store.required(&name)?.shape;
        let &[rows, width] = shape else {
            return Err(CheckpointError::NoSuchTensor { path: store.path().clone(), name });
        };
        Ok(Self { store, name, rows, width, dtype, device })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Values in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Looks rows up: `[ids.len(), width]` in the compute type.
    ///
    /// # Errors
    /// If an id is not a row or a value is not finite.
    pub fn lookup(&self, ids: &[u32]) -> Result<Tensor, CheckpointError> {
        let mut values = vec![0.0; ids.len() * self.width];
        for (&id, row) in ids.iter().zip(values.chunks_exact_mut(self.width.max(1))) {
            self.read(id, row)?;
        }
        convert::tensor(&self.name, values, &[ids.len(), self.width], self.dtype, &self.device)
    }

    /// Copies a row into `values`, as many as there are.
    ///
    /// # Errors
    /// If the id is not a row or a value is not finite.
    pub fn read(&self, id: u32, values: &mut [f32]) -> Result<(), CheckpointError> {
        self.each(id, values, |place, value| *place = value)
    }

    /// Adds a row to `values`, as many as there are.
    ///
    /// # Errors
    /// If the id is not a row or a sum is not finite.
    pub fn add(&self, id: u32, values: &mut [f32]) -> Result<(), CheckpointError> {
        self.each(id, values, |place, value| *place += value)
    }

    fn each(
        &self,
        id: u32,
        values: &mut [f32],
        put: impl Fn(&mut f32, f32),
    ) -> Result<(), CheckpointError> {
        let view = self.store.required(&self.name)?;
        let stride = view.data.len() / self.rows;
        let start = id as usize * stride;
        let row = view.data.get(start..start + stride).ok_or_else(|| {
            CheckpointError::RowOutOfRange { name: self.name.clone(), row: id, rows: self.rows }
        })?;
        convert::each_f32(&self.store, &self.name, view.dtype, row, values, put)
    }
}
