use std::sync::Arc;

use candle_core::{Error, Result as TensorResult, Tensor};
use tts_checkpoint::{CheckpointError, Weights};
use tts_cpu::{Bytes, Packed};

/// Where a module takes its weights from: tensors by name, and what was packed from them before.
///
/// The weights of a checkpoint are one; a function from names to tensors is another.
pub trait Source<E> {
    /// The tensor of a name.
    ///
    /// # Errors
    /// If there is none.
    fn tensor(&self, name: &str) -> Result<Tensor, E>;

    /// What was recorded under a name, if anything was.
    fn packed(&self, _name: &str) -> Option<Bytes> {
        None
    }

    /// What was recorded under a name is not needed in memory any more: it was copied.
    fn release(&self, _name: &str) {}

    /// Offers what was packed from `tensors`, for the next time.
    ///
    /// # Errors
    /// If it cannot be kept.
    fn record(&self, _name: &str, _tensors: &[&str], _packed: &impl Packed) -> Result<(), E> {
        Ok(())
    }
}

impl<E, F: Fn(&str) -> Result<Tensor, E>> Source<E> for F {
    fn tensor(&self, name: &str) -> Result<Tensor, E> {
        self(name)
    }
}

impl<E: From<CheckpointError>> Source<E> for Weights {
    fn tensor(&self, name: &str) -> Result<Tensor, E> {
        Ok(Self::tensor(self, name)?)
    }

    fn packed(&self, name: &str) -> Option<Bytes> {
        Self::packed(self, name).map(|part| -> Bytes { Arc::new(part) })
    }

    fn release(&self, name: &str) {
        if let Some(part) = Self::packed(self, name) {
            part.release();
        }
    }

    fn record(&self, name: &str, tensors: &[&str], packed: &impl Packed) -> Result<(), E> {
        Ok(Self::record(self, name, tensors, || packed.to_bytes())?)
    }
}

/// The part of a source below a prefix.
pub(crate) struct Scope<'a, S> {
    pub(crate) source: &'a S,
    pub(crate) prefix: String,
}

impl<E, S: Source<E>> Source<E> for Scope<'_, S> {
    fn tensor(&self, name: &str) -> Result<Tensor, E> {
        self.source.tensor(&format!("{}{name}", self.prefix))
    }

    fn packed(&self, name: &str) -> Option<Bytes> {
        self.source.packed(&format!("{}{name}", self.prefix))
    }

    fn release(&self, name: &str) {
        self.source.release(&format!("{}{name}", self.prefix));
    }

    fn record(&self, name: &str, tensors: &[&str], packed: &impl Packed) -> Result<(), E> {
        let tensors: Vec<_> =
            tensors.iter().map(|tensor| format!("{}{tensor}", self.prefix)).collect();
        let tensors: Vec<_> = tensors.iter().map(String::as_str).collect();
        self.source.record(&format!("{}{name}", self.prefix), &tensors, packed)
    }
}

/// What was packed under a name before, or what `pack` makes now of the tensors.
///
/// # Errors
/// If there are no such tensors; those of `pack`; if what was packed before is damaged.
pub fn packed<E: From<Error>, P: Packed>(
    source: &impl Source<E>,
    name: &str,
    tensors: &[&str],
    pack: impl FnOnce(&[Tensor]) -> TensorResult<P>,
) -> Result<P, E> {
    if let Some(packed) = packed_before(source, name)? {
        return Ok(packed);
    }
    let values = tensors.iter().map(|name| source.tensor(name)).collect::<Result<Vec<_>, E>>()?;
    let packed = pack(&values)?;
    source.record(name, tensors, &packed)?;
    Ok(packed)
}

/// What was packed under a name before.
pub(crate) fn packed_before<E: From<Error>, P: Packed>(
    source: &impl Source<E>,
    name: &str,
) -> Result<Option<P>, E> {
    let Some(bytes) = source.packed(name) else { return Ok(None) };
    let packed = P::from_bytes(bytes).map_err(|e| Error::wrap(e).context(name.to_owned()))?;
    if P::IS_COPIED {
        source.release(name);
    }
    Ok(Some(packed))
}
