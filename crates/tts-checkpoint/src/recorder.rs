use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    packed: BTreeMap<String, Vec<u8>>,
    replaces: Replaces,
}

/// Something that is written.
struct Piece<'a> {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    content: Content<'a>,
}

enum Content<'a> {
    Bytes(&'a [u8]),
    File(std::borrow::Cow<'static, [u8]>),
}

impl Piece<'_> {
    fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Bytes(bytes) => bytes,
            Content::File(bytes) => bytes,
        }
    }
}

impl Recorder {
    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, name: String, bytes: Vec<u8>, replaces: BTreeMap<String, Vec<usize>>) {
        let mut records = self.records();
        records.packed.insert(name.clone(), bytes);
        records.replaces.insert(name, replaces);
    }

    /// Writes everything into one file, which takes the place of an earlier one when it is
    /// complete; gives its size in bytes.
    pub(crate) fn write(
        &self,
        path: &Path,
        precision: &str,
        files: &ModelFiles,
        stores: [&TensorStore; 2],
    ) -> Result<u64, CheckpointError> {
        let records = self.records();
        let mut pieces = Vec::new();
        for (name, bytes) in &records.packed {
            let (name, shape) = (format!("{PACKED}{name}"), vec![bytes.len()]);
            pieces.push(Piece { name, dtype: Dtype::U8, shape, content: Content::Bytes(bytes) });
        }
        for store in stores {
            let directory = store.directory();
            let is_replaced = |name: &str| {
                let mut all = records.replaces.iter().filter(|(packed, _)| {
                    packed.strip_prefix(directory).is_some_and(|packed| !packed.contains('/'))
                });
                all.any(|(_, replaces)| replaces.contains_key(name))
            };
            for name in store.names().filter(|name| !is_replaced(name)) {
                let view = store.required(name)?;
                let (dtype, shape) = (view.dtype, view.shape.to_vec());
                let name = format!("{TENSORS}{directory}{name}");
                pieces.push(Piece { name, dtype, shape, content: Content::Bytes(view.data) });
            }
        }
        for name in SMALL_FILES {
            if let Some(content) = files.read(name)? {
                let (name, shape) = (format!("{FILES}{name}"), vec![content.len()]);
                pieces.push(Piece {
                    name,
                    dtype: Dtype::U8,
                    shape,
                    content: Content::File(content),
                });
            }
        }
        // What is a multiple of the alignment comes first, so that all of it begins at one.
        pieces.sort_by_key(|piece| piece.bytes().len() % ALIGN != 0);
        let replaces = serde_json::to_string(&records.replaces).unwrap_or_default();
        let metadata = json!({ FORMAT: VERSION, PRECISION: precision, REPLACES: replaces });
        let io = |source| CheckpointError::Io { path: path.to_owned(), source };
        save(path, &header(&pieces, metadata), &pieces).map_err(io)
    }
}

/// The length of the header and the header, padded so that the pieces begin at a multiple of the
/// alignment.
fn header(pieces: &[Piece<'_>], metadata: Value) -> Vec<u8> {
    let mut entries = Map::new();
    entries.insert("__metadata__".to_owned(), metadata);
    let mut end = 0;
    for piece in pieces {
        let start = end;
        end += piece.bytes().len();
        let entry = json!({
            "dtype": piece.dtype, "shape": piece.shape, "data_offsets": [start, end],
        });
        entries.insert(piece.name.clone(), entry);
    }
    let mut header = vec![0; size_of::<u64>()];
    header.extend(Value::Object(entries).to_string().into_bytes());
    header.resize(header.len().next_multiple_of(ALIGN), b' ');
    let length = (header.len() - size_of::<u64>()) as u64;
    header.splice(..size_of::<u64>(), length.to_le_bytes());
    header
}

fn save(path: &Path, header: &[u8], pieces: &[Piece<'_>]) -> std::io::Result<u64> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let write = || {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(&partial)?);
        file.write_all(header)?;
        for piece in pieces {
            file.write_all(piece.bytes())?;
        }
        let file = file.into_inner()?;
        file.sync_all()?;
        let size = file.metadata()?.len();
        std::fs::rename(&partial, path)?;
        Ok(size)
    };
    write().inspect_err(|_| {
        // The error that is reported says more than that of this.
        let _ = std::fs::remove_file(&partial);
    })
}
