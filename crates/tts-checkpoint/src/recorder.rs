use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use safetensors::Dtype;
use serde_json::{Map, Value, json};

use crate::error::CheckpointError;
use crate::files::ModelFiles;
use crate::packed_file::{FILES, FORMAT, PACKED, PRECISION, REPLACES, Replaces, TENSORS, VERSION};
use crate::store::TensorStore;

/// Where packed values begin, in bytes: where they may be used as they lie.
const ALIGN: usize = 64;

/// Small files of a model directory.
const SMALL_FILES: [&str; 7] = [
    "config.json",
    "generation_config.json",
    "merges.txt",
    "speech_tokenizer/config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
];

/// Takes what modules pack when they are loaded, to be written into one file.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<Records>);

#[derive(Debug, Default)]
struct Records {
    /// By directory and name.
    packed: BTreeMap<String, Arc<[u8]>>,
    replaces: Replaces,
}

/// What a [packed file](crate::PackedFile) is to hold.
#[derive(Debug)]
pub struct PackedModel {
    header: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    length: usize,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Packed(Arc<[u8]>),
    File(Cow<'static, [u8]>),
    /// A tensor as it is stored.
    Tensor(Arc<TensorStore>, String),
}

impl PackedModel {
    /// Writes all of it.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.header)?;
        for entry in &self.entries {
            match &entry.content {
                Content::Packed(bytes) => out.write_all(bytes)?,
                Content::File(bytes) => out.write_all(bytes)?,
                Content::Tensor(store, name) => {
                    out.write_all(store.view(name).map_or(&[], |view| view.data))?;
                    store.release(name);
                }
            }
        }
        Ok(())
    }

    /// Its size in bytes.
    pub fn size(&self) -> usize {
        self.header.len() + self.entries.iter().map(|entry| entry.length).sum::<usize>()
    }
}

impl Recorder {
    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, name: String, bytes: Vec<u8>, replaces: BTreeMap<String, Vec<usize>>) {
        let mut records = self.records();
        records.packed.insert(name.clone(), bytes.into());
        records.replaces.insert(name, replaces);
    }

    /// What was recorded under a name.
    pub(crate) fn packed(&self, name: &str) -> Option<Arc<[u8]>> {
        self.records().packed.get(name).cloned()
    }

    /// Puts something else in place of what was recorded under a name, and gives what that was.
    pub(crate) fn replace(&self, name: &str, packed: Arc<[u8]>) -> Option<Arc<[u8]>> {
        Some(std::mem::replace(self.records().packed.get_mut(name)?, packed))
    }

    /// Everything that was recorded, and of the model what that does not stand for.
    pub(crate) fn pack(
        &self,
        precision: &str,
        files: &ModelFiles,
        stores: [&Arc<TensorStore>; 2],
    ) -> Result<PackedModel, CheckpointError> {
        let records = self.records();
        let mut entries = Vec::new();
        for (name, bytes) in &records.packed {
            let content = Content::Packed(Arc::clone(bytes));
            entries.push(Entry::of_bytes(format!("{PACKED}{name}"), bytes.len(), content));
        }
        for store in stores {
            for name in store.names().filter(|name| !records.replace(store.directory(), name)) {
                let view = store.required(name)?;
                entries.push(Entry {
                    name: format!("{TENSORS}{}{name}", store.directory()),
                    dtype: view.dtype,
                    shape: view.shape.to_vec(),
                    length: view.data.len(),
                    content: Content::Tensor(Arc::clone(store), name.to_owned()),
                });
            }
        }
        for name in SMALL_FILES {
            if let Some(content) = files.read(name)? {
                let (name, length) = (format!("{FILES}{name}"), content.len());
                entries.push(Entry::of_bytes(name, length, Content::File(content)));
            }
        }
        // What is a multiple of the alignment comes first, so that all of it begins at one.
        entries.sort_by_key(|entry| entry.length % ALIGN != 0);
        let replaces = json!(records.replaces).to_string();
        let metadata = json!({ FORMAT: VERSION, PRECISION: precision, REPLACES: replaces });
        Ok(PackedModel { header: header(&entries, metadata), entries })
    }
}

impl Records {
    /// Does something packed stand for a tensor of the weight file in `directory`?
    fn replace(&self, directory: &str, tensor: &str) -> bool {
        self.replaces.iter().any(|(packed, tensors)| {
            let packed = packed.strip_prefix(directory);
            packed.is_some_and(|packed| !packed.contains('/')) && tensors.contains_key(tensor)
        })
    }
}

impl Entry {
    fn of_bytes(name: String, length: usize, content: Content) -> Self {
        Self { name, dtype: Dtype::U8, shape: vec![length], length, content }
    }
}

/// The length of the header and the header, padded so that the entries begin at a multiple of the
/// alignment.
fn header(entries: &[Entry], metadata: Value) -> Vec<u8> {
    let mut listed = Map::new();
    listed.insert("__metadata__".to_owned(), metadata);
    let mut end = 0;
    for entry in entries {
        let start = end;
        end += entry.length;
        let offsets = [start, end];
        let info = json!({"dtype": entry.dtype, "shape": entry.shape, "data_offsets": offsets});
        listed.insert(entry.name.clone(), info);
    }
    let mut header = vec![0; size_of::<u64>()];
    header.extend(Value::Object(listed).to_string().into_bytes());
    header.resize(header.len().next_multiple_of(ALIGN), b' ');
    let length = (header.len() - size_of::<u64>()) as u64;
    header.splice(..size_of::<u64>(), length.to_le_bytes());
    header
}
