use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};

use crate::bytes::MappedPart;
use crate::convert;
use crate::error::CheckpointError;
use crate::recorder::Recorder;
use crate::store::TensorStore;
use crate::table::RowTable;

/// The tensors below a name prefix, converted as they are asked for.
#[derive(Debug, Clone)]
pub struct Weights {
    store: Arc<TensorStore>,
    recorder: Option<Arc<Recorder>>,
    prefix: String,
    dtype: DType,
    device: Device,
}

impl Weights {
    pub(crate) fn new(
        store: Arc<TensorStore>,
        recorder: Option<Arc<Recorder>>,
        dtype: DType,
        device: Device,
    ) -> Self {
        Self { store, recorder, prefix: String::new(), dtype, device }
    }

    /// The tensors below `prefix.scope.`.
    #[must_use]
    pub fn scope(&self, scope: impl Display) -> Self {
        Self { prefix: format!("{}{scope}.", self.prefix), ..self.clone() }
    }

    /// The compute type tensors are converted to.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The device tensors are put on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// A tensor in the compute type, in the shape the manifest gives.
    ///
    /// # Errors
    /// If it is not in the file, holds a value that is not finite, or does not
    /// fit on the device.
    pub fn tensor(&self, name: &str) -> Result<Tensor, CheckpointError> {
        let name = format!("{}{name}", self.prefix);
        let view = self.store.required(&name)?;
        let values = convert::to_f32(&self.store, &name, view.dtype, view.data)?;
        self.store.release(&name);
        convert::tensor(&name, values, view.shape, self.dtype, &self.device)
    }

    /// A table whose rows stay on disk until they are looked up.
    ///
    /// # Errors
    /// If it is not in the file or not a matrix.
    pub fn table(&self, name: &str) -> Result<RowTable, CheckpointError> {
        let name = format!("{}{name}", self.prefix);
        RowTable::new(self.store.clone(), name, self.dtype, self.device.clone())
    }

    /// What was [recorded](Weights::record) under a name when a packed file was made; `None` if
    /// the model is not from one.
    pub fn packed(&self, name: &str) -> Option<MappedPart> {
        self.store.packed(&format!("{}{name}", self.prefix)).cloned()
    }

    /// If a packed file is made: the bytes from which a module can be loaded again without
    /// `tensors`, which are left out of the file.
    ///
    /// # Errors
    /// If there are no such tensors.
    pub fn record(
        &self,
        name: &str,
        tensors: &[&str],
        bytes: impl FnOnce() -> Vec<u8>,
    ) -> Result<(), CheckpointError> {
        let Some(recorder) = &self.recorder else { return Ok(()) };
        let mut replaces = BTreeMap::new();
        for tensor in tensors {
            let tensor = format!("{}{tensor}", self.prefix);
            let shape = self.store.required(&tensor)?.shape.to_vec();
            replaces.insert(tensor, shape);
        }
        let name = format!("{}{}{name}", self.store.directory(), self.prefix);
        recorder.add(name, bytes(), replaces);
        Ok(())
    }
}
