//! Models of the Hugging Face hub, through the cache that its own libraries use.
//!
//! [`Hub::fetch`] gives the directory of a model in the cache and downloads what
//! is missing there. A broken connection is taken up again where it broke; nothing
//! is in its final place before its size, and for large files its hash, are right.
//!
//! ```no_run
//! use tts_checkpoint::hub::{Hub, RepoId};
//! use tts_checkpoint::{Checkpoint, ModelFiles};
//!
//! let repo = RepoId::parse("Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice")?;
//! let directory = Hub::from_env()?.fetch(&repo, "main", &mut ())?;
//! let checkpoint = Checkpoint::open(ModelFiles::directory(directory)?)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod client;
mod config;
mod error;
mod inventory;
mod names;
mod partial;
mod progress;
mod retry;
mod transfer;
mod url;

use std::path::PathBuf;

use cache::{Cached, RepoCache};
use client::{Client, Listing, RemoteFile};
use inventory::{GENERATION_CONFIG, Inventory, shards};
use names::check_revision;
use retry::Retries;
use transfer::transfer;

pub use config::{HubConfig, Token};
pub use error::HubError;
pub use names::RepoId;
pub use progress::{Notice, Progress};

/// A source of models: a hub and the cache in front of it.
pub struct Hub {
    config: HubConfig,
    client: Client,
}

impl Hub {
    /// A hub as configured. Nothing is sent yet.
    ///
    /// # Errors
    /// [`HubError::InvalidEndpoint`].
    pub fn new(config: HubConfig) -> Result<Self, HubError> {
        let client = Client::new(&config)?;
        Ok(Self { config, client })
    }

    /// The hub that the environment names, see [`HubConfig::from_env`].
    ///
    /// # Errors
    /// Those of [`HubConfig::from_env`] and [`Hub::new`].
    pub fn from_env() -> Result<Self, HubError> {
        Self::new(HubConfig::from_env()?)
    }

    /// The directory of a model in the cache, with all files the engine reads.
    /// `revision` is a branch, a tag or a commit, `main` as a rule.
    ///
    /// A complete model is used as it is, without the network. Otherwise, or with
    /// [`HubConfig::refresh`], the hub is asked and what is missing is downloaded,
    /// small files first. If the hub cannot be reached and the cache has all that
    /// is needed, the cache is used and `progress` gets a notice.
    ///
    /// # Errors
    /// Any [`HubError`] but those about the configuration. A download that failed
    /// continues where it was when `fetch` is called again.
    pub fn fetch(
        &self,
        repo: &RepoId,
        revision: &str,
        progress: &mut dyn Progress,
    ) -> Result<PathBuf, HubError> {
        check_revision(revision)?;
        let cache = RepoCache::new(&self.config.cache, repo);
        let usable = match cache.find(revision) {
            Cached::Complete(snapshot) if self.config.offline || !self.config.refresh => {
                return Ok(snapshot);
            }
            Cached::Usable(snapshot) if self.config.offline => return Ok(snapshot),
            Cached::Incomplete(missing) if self.config.offline => {
                let (repo, revision) = (repo.clone(), revision.to_owned());
                let cache = self.config.cache.clone();
                return Err(HubError::NotCached { repo, revision, cache, missing });
            }
            Cached::Complete(snapshot) | Cached::Usable(snapshot) => Some(snapshot),
            Cached::Incomplete(_) => None,
        };
        match (self.client.list(repo, revision), usable) {
            (Err(cause), Some(snapshot)) if cause.is_transient() => {
                progress.notice(&Notice::CacheUsed { cause: &cause });
                Ok(snapshot)
            }
            (listing, _) => {
                Download { hub: self, repo, cache: &cache, listing: &listing?, progress }
                    .run(revision)
            }
        }
    }
}

/// One repository at one commit on its way into the cache.
struct Download<'a> {
    hub: &'a Hub,
    repo: &'a RepoId,
    cache: &'a RepoCache,
    listing: &'a Listing,
    progress: &'a mut dyn Progress,
}

impl Download<'_> {
    fn run(mut self, revision: &str) -> Result<PathBuf, HubError> {
        let Listing { commit, files: listed } = self.listing;
        let inventory = Inventory::take(|file| listed.contains(file));
        self.require(inventory.missing.clone())?;
        self.cache.prepare()?;

        let snapshot = self.cache.snapshot(commit);
        let mut files = self.describe(&inventory.present)?;
        for index in inventory.shard_indices() {
            if let Some(file) = files.iter().find(|file| file.name == index) {
                self.place(file)?;
            }
            let shards = shards(&snapshot, &index)?;
            self.require(shards.iter().filter(|it| !listed.contains(*it)).cloned().collect())?;
            files.extend(self.describe(&shards)?);
        }
        files.sort_by_key(|file| file.size);
        for file in &files {
            self.place(file)?;
        }
        if !listed.contains(GENERATION_CONFIG) {
            self.cache.mark_absent(commit, GENERATION_CONFIG)?;
        }
        // Last, so that a branch is always at a complete commit.
        self.cache.set_reference(revision, commit)?;
        Ok(snapshot)
    }

    fn require(&self, missing: Vec<String>) -> Result<(), HubError> {
        if missing.is_empty() {
            Ok(())
        } else {
            Err(HubError::NotAModel { repo: self.repo.clone(), missing })
        }
    }

    fn describe(&mut self, names: &[String]) -> Result<Vec<RemoteFile>, HubError> {
        let Self { hub: Hub { config, client }, repo, listing, .. } = *self;
        let mut files = Vec::with_capacity(names.len());
        for name in names {
            let request = || client.describe(repo, &listing.commit, name);
            files.push(Retries::new(config).request(self.progress, request)?);
        }
        Ok(files)
    }

    /// Puts a file into the snapshot, unless it is there with the right size.
    fn place(&mut self, file: &RemoteFile) -> Result<(), HubError> {
        let Self { hub: Hub { config, client }, repo, cache, listing, .. } = *self;
        let is_whole = |path: PathBuf| path.metadata().is_ok_and(|it| it.len() == file.size);
        if is_whole(cache.snapshot(&listing.commit).join(&file.name)) {
            return Ok(());
        }
        let blob = cache.blob(&file.blob);
        if !is_whole(blob.clone()) {
            transfer(client, repo, file, &blob, Retries::new(config), self.progress)?;
        }
        cache.link(&listing.commit, &file.name, &file.blob)
    }
}
