use std::ffi::OsString;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::HubError;

const ENDPOINT: &str = "https://huggingface.co";

/// Where models come from and where they are kept.
#[derive(Debug, Clone)]
pub struct HubConfig {
    /// The cache, in the layout that the hub's Python library shares.
    pub cache: PathBuf,
    /// Address of the hub or of a mirror.
    pub endpoint: String,
    /// Sent to the endpoint, and to no other host it redirects to.
    pub token: Option<Token>,
    /// Never use the network.
    pub offline: bool,
    /// Ask the hub for changes even if the cache is complete.
    pub refresh: bool,
    /// How many times in a row a request may fail without a byte arriving before
    /// the download is given up.
    pub retries: u32,
    /// Pause before the first repetition; it doubles with each further one.
    pub retry_pause: Duration,
    /// How long the server may be silent.
    pub timeout: Duration,
}

impl HubConfig {
    /// The public hub, without a token.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self {
            cache: cache.into(),
            endpoint: ENDPOINT.to_owned(),
            token: None,
            offline: false,
            refresh: false,
            retries: 5,
            retry_pause: Duration::from_millis(500),
            timeout: Duration::from_secs(20),
        }
    }

    /// What the environment says, with the names and defaults of the hub's Python
    /// library:
    ///
    /// | variable | meaning | default |
    /// | --- | --- | --- |
    /// | `HF_HUB_CACHE` | the cache | `$HF_HOME/hub` |
    /// | `HF_HOME` | parent of cache and token file | `$XDG_CACHE_HOME/huggingface`, `~/.cache/huggingface` |
    /// | `HF_TOKEN` | the token | content of the token file |
    /// | `HF_TOKEN_PATH` | the token file | `$HF_HOME/token` |
    /// | `HF_ENDPOINT` | the hub | `https://huggingface.co` |
    /// | `HF_HUB_OFFLINE` | `1`, `on`, `yes` or `true`: no network | off |
    ///
    /// # Errors
    /// [`HubError::NoCacheDirectory`], [`HubError::InvalidToken`],
    /// [`HubError::TokenFile`].
    pub fn from_env() -> Result<Self, HubError> {
        Self::from_vars(|name| std::env::var_os(name))
    }

    /// Like [`from_env`](Self::from_env), with the variables that `var` knows.
    ///
    /// # Errors
    /// Those of [`from_env`](Self::from_env).
    pub fn from_vars(var: impl Fn(&str) -> Option<OsString>) -> Result<Self, HubError> {
        let var = |name: &str| var(name).filter(|value| !value.is_empty());
        let text = |name: &str| var(name).map(|value| value.to_string_lossy().trim().to_owned());
        let user = var("HOME").or_else(|| var("USERPROFILE")).map(PathBuf::from);
        let path = |name: &str| var(name).map(|value| expand(value.into(), user.as_deref()));

        let home = path("HF_HOME").or_else(|| {
            let caches = path("XDG_CACHE_HOME").or_else(|| Some(user.as_ref()?.join(".cache")))?;
            Some(caches.join("huggingface"))
        });
        let cache = path("HF_HUB_CACHE")
            .or_else(|| Some(home.as_ref()?.join("hub")))
            .ok_or(HubError::NoCacheDirectory)?;
        let token_file = path("HF_TOKEN_PATH").or_else(|| Some(home?.join("token")));

        let mut config = Self::new(cache);
        config.token = match (text("HF_TOKEN"), token_file) {
            (Some(token), _) => Some(Token::new(&token)?),
            (None, Some(file)) => Token::read(&file)?,
            (None, None) => None,
        };
        if let Some(endpoint) = text("HF_ENDPOINT") {
            config.endpoint = endpoint;
        }
        config.offline = text("HF_HUB_OFFLINE").is_some_and(|value| is_true(&value));
        Ok(config)
    }
}

/// `~/x` as a path in the home directory.
fn expand(path: PathBuf, user: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~"), user) {
        (Ok(rest), Some(user)) => user.join(rest),
        _ => path,
    }
}

fn is_true(value: &str) -> bool {
    ["1", "on", "yes", "true"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// An access token of the hub. It is never shown, not even by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes a token, with or without white space around it.
    ///
    /// # Errors
    /// [`HubError::InvalidToken`] if it cannot be sent in an HTTP header.
    pub fn new(token: &str) -> Result<Self, HubError> {
        let token = token.trim();
        if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(token.to_owned()))
        } else {
            Err(HubError::InvalidToken)
        }
    }

    fn read(path: &Path) -> Result<Option<Self>, HubError> {
        match std::fs::read_to_string(path) {
            Ok(content) if content.trim().is_empty() => Ok(None),
            Ok(content) => Self::new(&content).map(Some),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(HubError::TokenFile { path: path.to_owned(), source }),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}
