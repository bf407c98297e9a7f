use std::io;
use std::path::PathBuf;

use super::RepoId;

/// Why a model could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The name of the repository breaks a rule of the hub.
    #[error("{id:?} is not the name of a repository: {reason}")]
    InvalidRepoId {
        /// The name.
        id: String,
        /// The rule.
        reason: &'static str,
    },
    /// The revision cannot be part of a path.
    #[error("{revision:?} is not a branch, tag or commit: expected letters, digits, `-`, `_`, `.`")]
    InvalidRevision {
        /// The revision.
        revision: String,
    },
    /// The address of the hub is unusable.
    #[error("endpoint {endpoint:?}: {reason}")]
    InvalidEndpoint {
        /// The address, `HF_ENDPOINT` for instance.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The token is empty or has characters that no token has. It is not shown.
    #[error("the hub token (HF_TOKEN or token file) is not one line of visible ASCII characters")]
    InvalidToken,
    /// The token file exists and cannot be read.
    #[error("{path}: {source}")]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No variable says where the cache is.
    #[error("no place for the cache: set HF_HUB_CACHE, HF_HOME or HOME")]
    NoCacheDirectory,
    /// The hub has no such repository, or hides it.
    #[error("{endpoint} has no repository {repo} (if it is private, set HF_TOKEN)")]
    NoSuchRepo {
        /// The repository.
        repo: RepoId,
        /// The hub.
        endpoint: String,
    },
    /// The repository has no such branch, tag or commit.
    #[error("{repo} has no revision {revision:?}")]
    NoSuchRevision {
        /// The repository.
        repo: RepoId,
        /// The revision.
        revision: String,
    },
    /// The hub refuses access and no token was sent.
    #[error(
        "{endpoint} refuses access to {repo} (status {status}): it is private or gated and needs \
         HF_TOKEN, or does not exist"
    )]
    TokenNeeded {
        /// The repository.
        repo: RepoId,
        /// The hub.
        endpoint: String,
        /// HTTP status, 401 or 403.
        status: u16,
    },
    /// The hub refuses access in spite of a token.
    #[error(
        "{endpoint} refuses access to {repo} (status {status}): the token is not valid, or its \
         owner has not been granted access to the repository"
    )]
    TokenRefused {
        /// The repository.
        repo: RepoId,
        /// The hub.
        endpoint: String,
        /// HTTP status, 401 or 403.
        status: u16,
    },
    /// The repository lacks files that every model has.
    #[error("{repo} is not a Qwen3-TTS model, it lacks: {}", missing.join(", "))]
    NotAModel {
        /// The repository.
        repo: RepoId,
        /// The files it lacks.
        missing: Vec<String>,
    },
    /// No connection, or none in time.
    #[error("cannot reach {endpoint}: {source}")]
    NoNetwork {
        /// Scheme, host and port.
        endpoint: String,
        /// What the system said.
        source: io::Error,
    },
    /// The connection broke too often. What has arrived is kept.
    #[error(
        "{file}: the connection broke after {done} of {total} bytes: {source} (the next run \
         continues there)"
    )]
    Cut {
        /// The file.
        file: String,
        /// Bytes that have arrived.
        done: u64,
        /// Bytes of the whole file.
        total: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The server announced one size and sends another.
    #[error("{file}: expected {expected} bytes, found {found} (the next run starts anew)")]
    WrongSize {
        /// The file.
        file: String,
        /// Bytes announced.
        expected: u64,
        /// Bytes sent, or about to be sent.
        found: u64,
    },
    /// The content is not what the server announced.
    #[error("{file}: expected SHA-256 {expected}, found {found} (the next run starts anew)")]
    WrongContent {
        /// The file.
        file: String,
        /// Hash announced.
        expected: String,
        /// Hash of what has arrived.
        found: String,
    },
    /// The server answered with an error.
    #[error("{url}: the server answered with status {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// The server does not behave like a hub.
    #[error("{url}: {problem}")]
    Protocol {
        /// What was asked for.
        url: String,
        /// What was expected and what was found.
        problem: String,
    },
    /// The disk is full, or the quota is used up.
    #[error("{path}: no space left on the disk of the cache")]
    NoSpace {
        /// The file that was being written.
        path: PathBuf,
    },
    /// The cache cannot be read or written.
    #[error("cache {path}: {source}")]
    Cache {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A list of shards in the repository is malformed.
    #[error("{path}: {problem}")]
    ShardIndex {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        problem: String,
    },
    /// Offline, and the cache does not hold the whole model.
    #[error(
        "offline (HF_HUB_OFFLINE), and {cache} lacks files of {repo} at {revision}: {}",
        missing.join(", ")
    )]
    NotCached {
        /// The repository.
        repo: RepoId,
        /// The revision.
        revision: String,
        /// Where it was looked for.
        cache: PathBuf,
        /// The files that are missing.
        missing: Vec<String>,
    },
}

impl HubError {
    pub(super) fn cache(path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { path },
            _ => Self::Cache { path, source },
        }
    }

    /// Whether the same request may succeed a moment later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::NoNetwork { .. } | Self::Cut { .. } => true,
            // 403 is the storage behind the hub refusing a link that has expired:
            // the hub makes a new one. Its own 403 is about the token.
            Self::Status { status, .. } => matches!(status, 403 | 408 | 429 | 500..),
            _ => false,
        }
    }
}
