mod measured;
mod mixture;

use std::path::Path;

use candle_core::Device;
use tts_audio::write_file_atomically;
use tts_checkpoint::{Checkpoint, ModelFiles};

pub use self::measured::{
    MeasuredPart, Measuring, QualityBar, Quantized, measuring_requests, quantize_within,
};
use crate::error::TtsError;
use crate::model::Stages;
use crate::precision::Precision;

/// Packs a model for the CPU into one file, which opens at once: its matrices are as the kernels read
/// them. Gives its size in bytes.
///
/// A model speaks from it exactly as from its directory in the same precision. What is not packed
/// (embeddings, encoders) stands there as it was stored. The form is in `docs/packed-file.md`.
///
/// # Errors
/// If the model is incomplete, damaged or packed already; if `precision` is not one in few bits;
/// if the file cannot be written.
pub fn quantize(
    files: ModelFiles,
    precision: Precision,
    path: impl AsRef<Path>,
) -> Result<usize, TtsError> {
    if !precision.can_be_packed() {
        return Err(TtsError::NotPacked { precision });
    }
    let checkpoint = Checkpoint::open_to_pack(files)?;
    Stages::load(&checkpoint, &Device::Cpu, precision)?;
    write(&checkpoint, precision, path.as_ref())
}

/// Writes what was packed, and gives its size.
fn write(checkpoint: &Checkpoint, precision: Precision, path: &Path) -> Result<usize, TtsError> {
    let packed = checkpoint.pack(precision.name())?;
    write_file_atomically(path, |out| packed.write(out)).map_err(TtsError::PackedWrite)?;
    Ok(packed.size())
}
