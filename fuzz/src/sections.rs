//! One input as several files.

use std::path::Path;

use tts_checkpoint::ModelFiles;

/// Between the parts of an input.
const SEPARATOR: u8 = 0x1e;

/// The parts of an input, as many as asked for; those that are missing are empty.
pub(crate) fn sections<const N: usize>(input: &[u8]) -> [&[u8]; N] {
    let mut parts = input.splitn(N, |&byte| byte == SEPARATOR);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// A directory with the embedded model, of which single files can be replaced.
pub(crate) struct ModelDirectory(tempfile::TempDir);

impl ModelDirectory {
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let directory =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let directory = directory.expect("a temporary directory");
        tts_fixture::write_to(directory.path()).expect("room for the embedded model");
        Self(directory)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.0.path().join(name), content).expect("room for a small file");
    }

    /// A safetensors file with this header, and zeros for its tensors.
    pub(crate) fn write_weights(&self, name: &str, header: &[u8], bytes: u64) {
        let path = self.0.path().join(name);
        let length = header.len() as u64;
        std::fs::write(&path, [&length.to_le_bytes(), header].concat()).expect("room for a header");
        let file = std::fs::File::options().write(true).open(&path).expect("it was just written");
        file.set_len(8 + length + bytes).expect("room for its weights");
    }

    pub(crate) fn remove(&self, name: &str) {
        // It may not be there.
        let _ = std::fs::remove_file(self.0.path().join(name));
    }

    pub(crate) fn files(&self) -> ModelFiles {
        ModelFiles::directory(self.0.path()).expect("the directory was made")
    }
}
