use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

use super::{HubError, Notice, Progress};

const PIECE: usize = 128 << 10;

/// A file of the cache that is not complete yet, under a temporary name.
///
/// The name is none that other programs use: one that continues what another one
/// has begun by other rules would spoil it.
pub(super) struct Partial {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Partial {
    /// Takes up what is there of `blob`, or begins it. One process at a time has
    /// it; another one waits here until the first is done.
    pub(super) fn open(
        blob: &Path,
        name: &str,
        progress: &mut dyn Progress,
    ) -> Result<Self, HubError> {
        let mut path = blob.as_os_str().to_owned();
        path.push(".tts-incomplete");
        let path = PathBuf::from(path);
        let mut open = || -> std::io::Result<_> {
            let file = File::options().create(true).append(true).read(true).open(&path)?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    progress.notice(&Notice::Waiting { file: name });
                    file.lock()?;
                }
                // Without locks two downloads may disturb each other; size and
                // hash tell.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
            let length = file.metadata()?.len();
            Ok((file, length))
        };
        match open() {
            Ok((file, length)) => Ok(Self { path, file, length }),
            Err(source) => Err(HubError::cache(path, source)),
        }
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn append(&mut self, piece: &[u8]) -> Result<(), HubError> {
        self.file.write_all(piece).map_err(|source| self.error(source))?;
        self.length += piece.len() as u64;
        Ok(())
    }

    pub(super) fn clear(&mut self) -> Result<(), HubError> {
        self.file.set_len(0).map_err(|source| self.error(source))?;
        self.length = 0;
        Ok(())
    }

    /// SHA-256 of the content, in hexadecimal digits.
    pub(super) fn sha256(&mut self) -> Result<String, HubError> {
        let mut context = Context::new(&SHA256);
        let mut piece = vec![0; PIECE];
        self.file.seek(SeekFrom::Start(0)).map_err(|source| self.error(source))?;
        loop {
            let count = self.file.read(&mut piece).map_err(|source| self.error(source))?;
            let Some(read @ [_, ..]) = piece.get(..count) else { break };
            context.update(read);
        }
        let digest = context.finish();
        Ok(digest.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")))
    }

    /// Removes the file: somebody else has completed it.
    pub(super) fn discard(self) {
        // It may be gone, and if it stays it does no harm.
        fs::remove_file(&self.path).ok();
    }

    /// Puts the file in its place, once it is safe on the disk.
    pub(super) fn finish(self, blob: &Path) -> Result<(), HubError> {
        self.file.sync_all().map_err(|source| self.error(source))?;
        fs::rename(&self.path, blob).map_err(|source| HubError::cache(blob, source))
    }

    fn error(&self, source: std::io::Error) -> HubError {
        HubError::cache(&self.path, source)
    }
}
