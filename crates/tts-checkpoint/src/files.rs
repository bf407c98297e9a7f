use std::borrow::Cow;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bytes::Bytes;
use crate::error::CheckpointError;
use crate::mmap::MappedFile;
use crate::packed_file::PackedFile;

/// Where the files of a model are.
#[derive(Debug, Clone)]
pub enum ModelFiles {
    /// A directory in the layout of the released checkpoints.
    Directory(PathBuf),
    /// Files that are part of the program: relative path and content.
    Embedded(&'static [(&'static str, &'static [u8])]),
    /// One file of weights that are packed already.
    Packed(Arc<PackedFile>),
}

impl ModelFiles {
    /// The files of a directory, or one packed file.
    ///
    /// # Errors
    /// [`CheckpointError::NoSuchModel`] if there is neither at `path`; if a file is not a packed
    /// model.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        let path = path.as_ref();
        if path.is_file() {
            Ok(Self::Packed(Arc::new(PackedFile::open(path)?)))
        } else {
            Self::directory(path)
        }
    }

    /// The files of a directory.
    ///
    /// # Errors
    /// [`CheckpointError::NoSuchModel`] if there is no directory at `path`.
    pub fn directory(path: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        let path = path.as_ref();
        if path.is_dir() {
            Ok(Self::Directory(path.to_owned()))
        } else {
            Err(CheckpointError::NoSuchModel { path: path.to_owned() })
        }
    }

    /// The path of a file as errors name it.
    pub fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Directory(root) => root.join(name),
            Self::Embedded(_) => Path::new("(embedded model)").join(name),
            Self::Packed(file) => file.path().join(name),
        }
    }

    /// The content of a small file, or `None` if there is no such file.
    ///
    /// # Errors
    /// [`CheckpointError::Io`] if it exists and cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<Cow<'static, [u8]>>, CheckpointError> {
        match self {
            Self::Directory(root) => {
                let path = root.join(name);
                match std::fs::read(&path) {
                    Ok(content) => Ok(Some(Cow::Owned(content))),
                    Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
                    Err(source) => Err(CheckpointError::Io { path, source }),
                }
            }
            Self::Embedded(files) => Ok(find(files, name).map(Cow::Borrowed)),
            Self::Packed(file) => Ok(file.read(name)),
        }
    }

    /// The content of a small file that has to be there.
    ///
    /// # Errors
    /// [`CheckpointError::Io`] if it is missing or cannot be read.
    pub fn read_required(&self, name: &str) -> Result<Cow<'static, [u8]>, CheckpointError> {
        self.read(name)?.ok_or_else(|| self.missing(name))
    }

    /// The content of a weight file, mapped if it is on disk; `None` if there is
    /// no such file, as in a packed one.
    pub(crate) fn map(&self, name: &str) -> Result<Option<Bytes>, CheckpointError> {
        match self {
            Self::Directory(root) => {
                let path = root.join(name);
                let io = |source| CheckpointError::Io { path: path.clone(), source };
                let file = match File::open(&path) {
                    Ok(file) => file,
                    Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
                    Err(source) => return Err(io(source)),
                };
                // An empty file cannot be mapped; it is reported as truncated.
                if file.metadata().map_err(io)?.len() == 0 {
                    return Ok(Some(Bytes::Static(&[])));
                }
                Ok(Some(Bytes::Mapped(Arc::new(MappedFile::open(&file).map_err(io)?))))
            }
            Self::Embedded(files) => Ok(find(files, name).map(Bytes::Static)),
            Self::Packed(_) => Ok(None),
        }
    }

    pub(crate) fn missing(&self, name: &str) -> CheckpointError {
        CheckpointError::Io { path: self.path(name), source: ErrorKind::NotFound.into() }
    }
}

fn find(files: &'static [(&'static str, &'static [u8])], name: &str) -> Option<&'static [u8]> {
    files.iter().find(|(path, _)| *path == name).map(|(_, content)| *content)
}
