//! One repository in the cache, laid out as the hub's own libraries do it:
//!
//! ```text
//! models--ORGANISATION--NAME
//! ├── blobs/HASH                  the content of files
//! ├── snapshots/COMMIT/FILE       links to them
//! ├── refs/REVISION               the commit a branch or tag is at
//! └── .no_exist/COMMIT/FILE       files the commit is known not to have
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hf_hub::{Cache, CacheRepo, Repo};

use super::HubError;
use super::inventory::{GENERATION_CONFIG, Inventory, shards};
use super::names::{Commit, RepoId};

pub(super) struct RepoCache {
    root: PathBuf,
    layout: CacheRepo,
}

/// What the cache has of a model.
pub(super) enum Cached {
    /// Everything: this is its directory.
    Complete(PathBuf),
    /// Everything that is needed; whether the model has the optional file, too,
    /// only the hub knows.
    Usable(PathBuf),
    /// These files are missing.
    Incomplete(Vec<String>),
}

impl RepoCache {
    pub(super) fn new(cache: &Path, repo: &RepoId) -> Self {
        let repo = Repo::model(repo.as_str().to_owned());
        let root = cache.join(repo.folder_name());
        Self { root, layout: Cache::new(cache.to_owned()).repo(repo) }
    }

    /// Looks for all files of a revision.
    pub(super) fn find(&self, revision: &str) -> Cached {
        let Some(commit) = self.commit(revision) else {
            return Cached::Incomplete(Inventory::take(|_| false).missing);
        };
        let snapshot = self.snapshot(&commit);
        let has = |file: &str| snapshot.join(file).is_file();
        let inventory = Inventory::take(has);
        let mut missing = inventory.missing.clone();
        for index in inventory.shard_indices() {
            match shards(&snapshot, &index) {
                Ok(names) => missing.extend(names.into_iter().filter(|name| !has(name))),
                Err(_) => missing.push(index),
            }
        }
        if !missing.is_empty() {
            Cached::Incomplete(missing)
        } else if has(GENERATION_CONFIG) || self.absence(&commit, GENERATION_CONFIG).is_file() {
            Cached::Complete(snapshot)
        } else {
            Cached::Usable(snapshot)
        }
    }

    fn commit(&self, revision: &str) -> Option<Commit> {
        Commit::parse(revision).or_else(|| {
            let content = fs::read_to_string(self.reference(revision)).ok()?;
            Commit::parse(content.trim())
        })
    }

    pub(super) fn snapshot(&self, commit: &Commit) -> PathBuf {
        self.layout.pointer_path(commit.as_str())
    }

    pub(super) fn blob(&self, name: &str) -> PathBuf {
        self.layout.blob_path(name)
    }

    /// Makes the directory of the blobs, so that a cache that cannot be written
    /// is found before anything is downloaded.
    pub(super) fn prepare(&self) -> Result<(), HubError> {
        let blobs = self.root.join("blobs");
        fs::create_dir_all(&blobs).map_err(|source| HubError::cache(blobs, source))
    }

    /// Makes `file` of a snapshot lead to a blob.
    pub(super) fn link(&self, commit: &Commit, file: &str, blob: &str) -> Result<(), HubError> {
        let path = self.snapshot(commit).join(file);
        replace(&path, |temporary| {
            #[cfg(unix)]
            {
                // Relative, so that the cache can be moved.
                let up = "../".repeat(2 + file.matches('/').count());
                std::os::unix::fs::symlink(format!("{up}blobs/{blob}"), temporary)
            }
            // Symbolic links need a privilege elsewhere.
            #[cfg(not(unix))]
            fs::hard_link(self.blob(blob), temporary)
        })
    }

    /// Records that a commit has no such file.
    pub(super) fn mark_absent(&self, commit: &Commit, file: &str) -> Result<(), HubError> {
        replace(&self.absence(commit, file), |temporary| fs::write(temporary, ""))
    }

    /// Records which commit a branch or tag is at.
    pub(super) fn set_reference(&self, revision: &str, commit: &Commit) -> Result<(), HubError> {
        if revision == commit.as_str() {
            return Ok(());
        }
        replace(&self.reference(revision), |temporary| fs::write(temporary, commit.as_str()))
    }

    fn reference(&self, revision: &str) -> PathBuf {
        self.root.join("refs").join(revision)
    }

    fn absence(&self, commit: &Commit, file: &str) -> PathBuf {
        self.root.join(".no_exist").join(commit.as_str()).join(file)
    }
}

/// Puts what `create` makes at a temporary path in the place of `path`.
fn replace(path: &Path, create: impl FnMut(&Path) -> io::Result<()>) -> Result<(), HubError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)
        .and_then(|()| tempfile::Builder::new().make_in(directory, create))
        .and_then(|made| Ok(made.into_temp_path().persist(path)?))
        .map_err(|source| HubError::cache(path, source))
}
