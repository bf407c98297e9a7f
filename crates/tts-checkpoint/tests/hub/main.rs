//! Download from a hub that runs on this machine, and misbehaves.

mod access;
mod cached;
mod interrupted;
mod names;
mod server;
mod settings;

use std::path::{Path, PathBuf};
use std::time::Duration;

use server::{REPO, Server};
use tts_checkpoint::hub::{Hub, HubConfig, HubError, Notice, Progress, RepoId};

/// An empty cache and a client that is not patient.
struct Client {
    home: tempfile::TempDir,
    config: HubConfig,
}

impl Client {
    fn of(server: &Server) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut config = HubConfig::new(home.path().join("hub"));
        config.endpoint = server.endpoint();
        config.retries = 2;
        config.retry_pause = Duration::from_millis(1);
        config.timeout = Duration::from_secs(10);
        Self { home, config }
    }

    fn fetch(&self) -> Result<PathBuf, HubError> {
        self.fetch_at("main", &mut Log::default())
    }

    fn fetch_at(&self, revision: &str, log: &mut Log) -> Result<PathBuf, HubError> {
        let repo = RepoId::parse(REPO).unwrap();
        Hub::new(self.config.clone())?.fetch(&repo, revision, log)
    }

    /// The directory of the repository in the cache.
    fn repo(&self) -> PathBuf {
        self.config.cache.join("models--org--model")
    }

    /// The blobs that are in their final place.
    fn blobs(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.repo().join("blobs")) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.contains("incomplete")).collect()
    }
}

/// What a download reported.
#[derive(Default)]
struct Log {
    /// File, bytes done, bytes total.
    steps: Vec<(String, u64, u64)>,
    notices: Vec<String>,
}

impl Log {
    /// The files in the order in which they were begun.
    fn files(&self) -> Vec<&str> {
        let mut files: Vec<_> = self.steps.iter().map(|(file, ..)| file.as_str()).collect();
        files.dedup();
        files
    }
}

impl Progress for Log {
    fn advance(&mut self, file: &str, done: u64, total: u64) {
        self.steps.push((file.to_owned(), done, total));
    }

    fn notice(&mut self, notice: &Notice<'_>) {
        self.notices.push(notice.to_string());
    }
}

/// An endpoint where nobody listens.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn assert_same_files(server: &Server, directory: &Path) {
    for (name, _) in tts_fixture::FILES {
        assert_eq!(std::fs::read(directory.join(name)).unwrap(), server.content(name), "{name}");
    }
}
