use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

use crate::bytes::{Bytes, MappedPart};
use crate::error::CheckpointError;
use crate::files::ModelFiles;
use crate::json;
use crate::packed_file::PackedFile;

/// The tensors of one logical weight file, single or sharded, still on disk.
#[derive(Debug)]
pub(crate) struct TensorStore {
    /// The weight file, or the index of its shards.
    path: PathBuf,
    /// Of the model, with a slash behind it; empty for its root.
    directory: String,
    shards: Vec<Shard>,
    index: BTreeMap<String, Location>,
    packed: BTreeMap<String, MappedPart>,
    /// Tensors that something packed stands for.
    replaced: BTreeMap<String, Replaced>,
}

/// A tensor that is not stored itself.
#[derive(Debug)]
pub(crate) struct Replaced {
    pub(crate) shape: Vec<usize>,
    /// The bytes of what stands for it, if it is the first tensor that does so.
    pub(crate) bytes: usize,
}

#[derive(Debug)]
struct Shard {
    path: PathBuf,
    bytes: Bytes,
}

#[derive(Debug)]
struct Location {
    shard: usize,
    dtype: Dtype,
    shape: Vec<usize>,
    range: Range<usize>,
}

/// One tensor as stored.
pub(crate) struct TensorView<'a> {
    pub(crate) dtype: Dtype,
    pub(crate) shape: &'a [usize],
    pub(crate) data: &'a [u8],
}

#[derive(Deserialize)]
struct ShardIndex {
    weight_map: BTreeMap<String, String>,
}

impl TensorStore {
    /// Opens `{directory}model.safetensors`, or the shards that
    /// `{directory}model.safetensors.index.json` lists.
    pub(crate) fn open(files: &ModelFiles, directory: &str) -> Result<Self, CheckpointError> {
        let single = format!("{directory}model.safetensors");
        let index = format!("{single}.index.json");
        let mut store = Self {
            path: files.path(&single),
            directory: directory.to_owned(),
            shards: Vec::new(),
            index: BTreeMap::new(),
            packed: BTreeMap::new(),
            replaced: BTreeMap::new(),
        };
        if let ModelFiles::Packed(file) = files {
            store.add_packed(file, directory);
            return Ok(store);
        }
        if let Some(bytes) = files.map(&single)? {
            store.add(files.path(&single), bytes)?;
            return Ok(store);
        }
        let content = files.read(&index)?.ok_or_else(|| files.missing(&single))?;
        let map: ShardIndex = json::parse(files, &index, &content)?;
        store.path = files.path(&index);
        let mut names: Vec<String> = map.weight_map.into_values().collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let name = format!("{directory}{name}");
            let bytes = files.map(&name)?.ok_or_else(|| files.missing(&name))?;
            store.add(files.path(&name), bytes)?;
        }
        Ok(store)
    }

    fn add(&mut self, path: PathBuf, bytes: Bytes) -> Result<(), CheckpointError> {
        let (header, metadata) = SafeTensors::read_metadata(&bytes)
            .map_err(|source| CheckpointError::Safetensors { path: path.clone(), source })?;
        let base = header + size_of::<u64>();
        let shard = self.shards.len();
        for (name, info) in metadata.tensors() {
            let range = base + info.data_offsets.0..base + info.data_offsets.1;
            let location = Location { shard, dtype: info.dtype, shape: info.shape.clone(), range };
            if let Some(earlier) = self.index.insert(name.clone(), location) {
                let first = self.shards.get(earlier.shard).map_or(path.clone(), |s| s.path.clone());
                return Err(CheckpointError::DuplicateTensor { name, first, second: path });
            }
        }
        self.shards.push(Shard { path, bytes });
        Ok(())
    }

    fn add_packed(&mut self, file: &PackedFile, directory: &str) {
        file.path().clone_into(&mut self.path);
        self.shards.push(Shard { path: self.path.clone(), bytes: file.bytes() });
        for (name, entry) in file.tensors(directory) {
            let (dtype, shape, range) = (entry.dtype, entry.shape.clone(), entry.range.clone());
            self.index.insert(name.to_owned(), Location { shard: 0, dtype, shape, range });
        }
        for (name, part) in file.packed(directory) {
            let mut bytes = part.as_ref().len();
            for (tensor, shape) in file.replaced(directory, name) {
                let replaced = Replaced { shape: shape.clone(), bytes: std::mem::take(&mut bytes) };
                self.replaced.insert(tensor.clone(), replaced);
            }
            self.packed.insert(name.to_owned(), part);
        }
    }

    pub(crate) fn directory(&self) -> &str {
        &self.directory
    }

    /// What is packed under a name.
    pub(crate) fn packed(&self, name: &str) -> Option<&MappedPart> {
        self.packed.get(name)
    }

    pub(crate) fn replaced(&self, name: &str) -> Option<&Replaced> {
        self.replaced.get(name)
    }

    pub(crate) fn path(&self) -> &PathBuf {
        &self.path
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.index.keys().map(String::as_str)
    }

    pub(crate) fn view(&self, name: &str) -> Option<TensorView<'_>> {
        let location = self.index.get(name)?;
        let data = self.shards.get(location.shard)?.bytes.get(location.range.clone())?;
        Some(TensorView { dtype: location.dtype, shape: &location.shape, data })
    }

    pub(crate) fn required(&self, name: &str) -> Result<TensorView<'_>, CheckpointError> {
        self.view(name).ok_or_else(|| CheckpointError::NoSuchTensor {
            path: self.path.clone(),
            name: name.to_owned(),
        })
    }

    /// Lets the system take back the memory behind a tensor.
    pub(crate) fn release(&self, name: &str) {
        if let Some(location) = self.index.get(name)
            && let Some(shard) = self.shards.get(location.shard)
        {
            shard.bytes.release(location.range.clone());
        }
    }
}
