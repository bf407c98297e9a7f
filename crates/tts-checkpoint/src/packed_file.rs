use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use safetensors::{Dtype, SafeTensors};

use crate::bytes::{Bytes, MappedPart};
use crate::error::CheckpointError;
use crate::mmap::MappedFile;

/// In front of the name of a small file; its value is the content, in bytes.
pub(crate) const FILES: &str = "files/";
/// In front of the name of a weight file's directory and of a tensor of it, as it was stored.
pub(crate) const TENSORS: &str = "tensors/";
/// In front of the name of a weight file's directory and of something packed.
pub(crate) const PACKED: &str = "packed/";

/// Keys of the metadata.
pub(crate) const FORMAT: &str = "format";
pub(crate) const PRECISION: &str = "precision";
pub(crate) const REPLACES: &str = "replaces";
/// The value of [`FORMAT`]; another one for every form that there was.
pub(crate) const VERSION: &str = "tts packed 1";

/// For everything packed, the tensors that it stands for and their shapes.
pub(crate) type Replaces = BTreeMap<String, BTreeMap<String, Vec<usize>>>;

/// A model in one file, which is mapped: what [`PackedModel::write`] writes.
///
/// It is a safetensors file. Small files of the model directory are tensors of bytes; weights
/// that are packed for computation are bytes too, and the others stand as they were stored.
///
/// [`PackedModel::write`]: crate::PackedModel::write
#[derive(Debug)]
pub struct PackedFile {
    path: PathBuf,
    file: Arc<MappedFile>,
    entries: BTreeMap<String, Entry>,
    precision: String,
    replaces: Replaces,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) range: Range<usize>,
}

impl PackedFile {
    /// Layers of the talker have this name and a number.
    pub const TALKER_LAYERS: &str = "talker.model.layers.";
    /// Layers of the code predictor have this name and a number.
    pub const PREDICTOR_LAYERS: &str = "talker.code_predictor.model.layers.";

    /// Maps a file and reads its header.
    ///
    /// # Errors
    /// If it cannot be read, is not complete, or is something else.
    pub(crate) fn open(path: &Path) -> Result<Self, CheckpointError> {
        let io = |source| CheckpointError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        if file.metadata().map_err(io)?.len() == 0 {
            return Err(unsupported(path, FORMAT, "an empty file"));
        }
        let file = MappedFile::open(&file).map_err(io)?;
        let (header, metadata) = SafeTensors::read_metadata(&file)
            .map_err(|source| CheckpointError::Safetensors { path: path.to_owned(), source })?;
        let value = |key: &str| {
            let value = metadata.metadata().as_ref().and_then(|values| values.get(key)).cloned();
            value.ok_or_else(|| unsupported(path, key, "missing"))
        };
        let format = value(FORMAT)?;
        if format != VERSION {
            return Err(unsupported(path, FORMAT, &format));
        }
        let replaces = serde_json::from_str(&value(REPLACES)?).map_err(|source| {
            CheckpointError::Json { path: path.to_owned(), field: REPLACES.to_owned(), source }
        })?;
        let base = header + size_of::<u64>();
        let entry = |(name, info): (String, &safetensors::tensor::TensorInfo)| {
            let range = base + info.data_offsets.0..base + info.data_offsets.1;
            (name, Entry { dtype: info.dtype, shape: info.shape.clone(), range })
        };
        Ok(Self {
            entries: metadata.tensors().into_iter().map(entry).collect(),
            precision: value(PRECISION)?,
            replaces,
            path: path.to_owned(),
            file: Arc::new(file),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The precision it was packed for, by its name.
    pub fn precision(&self) -> &str {
        &self.precision
    }

    /// Bits that a weight takes, on average, of everything packed below a name, as
    /// [`PackedFile::TALKER_LAYERS`]; `None` if nothing is.
    pub fn bits_per_weight(&self, below: &str) -> Option<f64> {
        let (mut bytes, mut values) = (0.0, 0.0);
        for (name, replaced) in self.replaces.iter().filter(|(name, _)| name.starts_with(below)) {
            bytes += self.entries.get(&format!("{PACKED}{name}"))?.range.len() as f64;
            let count = |shape: &Vec<usize>| shape.iter().map(|&size| size as f64).product::<f64>();
            values += replaced.values().map(count).sum::<f64>();
        }
        (values > 0.0).then(|| bytes * 8.0 / values)
    }

    /// The content of a small file.
    pub(crate) fn read(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        let entry = self.entries.get(&format!("{FILES}{name}"))?;
        Some(Cow::Owned(self.file.get(entry.range.clone())?.to_vec()))
    }

    /// The whole file.
    pub(crate) fn bytes(&self) -> Bytes {
        Bytes::Mapped(Arc::clone(&self.file))
    }

    /// The tensors of the weight file in `directory`, by their names there.
    pub(crate) fn tensors<'a>(
        &'a self,
        directory: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Entry)> {
        self.below(TENSORS, directory)
    }

    /// What is packed of the weight file in `directory`, by its names there.
    pub(crate) fn packed<'a>(
        &'a self,
        directory: &'a str,
    ) -> impl Iterator<Item = (&'a str, MappedPart)> {
        self.below(PACKED, directory).map(|(name, entry)| {
            (name, MappedPart::new(Arc::clone(&self.file), entry.range.clone()))
        })
    }

    /// The tensors that something packed stands for.
    pub(crate) fn replaced<'a>(
        &'a self,
        directory: &str,
        packed: &str,
    ) -> impl Iterator<Item = (&'a String, &'a Vec<usize>)> {
        self.replaces.get(&format!("{directory}{packed}")).into_iter().flatten()
    }

    fn below<'a>(
        &'a self,
        kind: &'a str,
        directory: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Entry)> {
        self.entries.iter().filter_map(move |(name, entry)| {
            let name = name.strip_prefix(kind)?.strip_prefix(directory)?;
            (!name.contains('/')).then_some((name, entry))
        })
    }
}

fn unsupported(path: &Path, field: &str, found: &str) -> CheckpointError {
    CheckpointError::Unsupported {
        path: path.to_owned(),
        field: field.to_owned(),
        found: found.to_owned(),
        reason: format!(
            "expected a model directory, or a file that `tts quantize` of this version wrote \
             ({VERSION:?})"
        ),
    }
}
