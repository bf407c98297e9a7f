use std::fmt;
use std::time::Duration;

use super::HubError;

/// Watches a download.
///
/// ```
/// use tts_checkpoint::hub::{Notice, Progress};
///
/// struct Lines;
///
/// impl Progress for Lines {
///     fn advance(&mut self, file: &str, done: u64, total: u64) {
///         eprintln!("{file}: {done} of {total} bytes");
///     }
///
///     fn notice(&mut self, notice: &Notice<'_>) {
///         eprintln!("{notice}");
///     }
/// }
/// ```
pub trait Progress {
    /// `done` of the `total` bytes of `file` are on the disk. Called at the start
    /// of a file, where `done` is above 0 if a download continues, and for every
    /// piece of it; the last call of a file has `done == total`.
    fn advance(&mut self, file: &str, done: u64, total: u64);

    /// Something happened that a user may want to know; the download goes on.
    fn notice(&mut self, notice: &Notice<'_>);
}

/// Nobody watches.
impl Progress for () {
    fn advance(&mut self, _file: &str, _done: u64, _total: u64) {}

    fn notice(&mut self, _notice: &Notice<'_>) {}
}

/// What a user may want to know about a download. Shown as one sentence.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// The hub cannot be asked whether there is anything new.
    CacheUsed {
        /// Why.
        cause: &'a HubError,
    },
    /// A request failed and is repeated.
    Retrying {
        /// Why.
        cause: &'a HubError,
        /// Time until then.
        pause: Duration,
    },
    /// Another process downloads the same file.
    Waiting {
        /// The file.
        file: &'a str,
    },
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CacheUsed { cause } => write!(f, "{cause}; using the cached model"),
            Self::Retrying { cause, pause } => {
                write!(f, "{cause}; trying again in {:.1} s", pause.as_secs_f32())
            }
            Self::Waiting { file } => write!(f, "{file}: waiting for another download of it"),
        }
    }
}
