//! Names that become parts of URLs and of paths in the cache. Each is checked
//! once, where it comes in: whoever chooses them, user or server, cannot leave
//! the directory of the repository.

use std::fmt;
use std::str::FromStr;

use super::HubError;

const MAX_LENGTH: usize = 96;

/// The name of a model repository, `organisation/name`.
///
/// ```
/// use tts_checkpoint::hub::RepoId;
///
/// assert!(RepoId::parse("Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice").is_ok());
/// assert!(RepoId::parse("./models/custom-voice").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RepoId(String);

impl RepoId {
    /// Checks a name by the rules of the hub: two parts of letters, digits, `-`,
    /// `_` and `.`, none of which starts or ends with `-` or `.`, holds `--` or
    /// `..`, or is longer than 96 characters; no `.git` at the end.
    ///
    /// A relative path such as `models/small` passes as well: a caller that
    /// accepts both looks for a directory first.
    ///
    /// # Errors
    /// [`HubError::InvalidRepoId`] with the rule that is broken.
    pub fn parse(id: &str) -> Result<Self, HubError> {
        let broken = match id.split_once('/') {
            None => Some("it is not of the form ORGANISATION/NAME"),
            Some((organisation, name)) => broken_rule(organisation).or_else(|| broken_rule(name)),
        };
        match broken {
            None => Ok(Self(id.to_owned())),
            Some(reason) => Err(HubError::InvalidRepoId { id: id.to_owned(), reason }),
        }
    }

    /// The name as it was parsed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RepoId {
    type Err = HubError;

    fn from_str(id: &str) -> Result<Self, HubError> {
        Self::parse(id)
    }
}

impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn broken_rule(part: &str) -> Option<&'static str> {
    let edges = ['-', '.'];
    if part.is_empty() {
        Some("a part of it is empty")
    } else if part.len() > MAX_LENGTH {
        Some("a part of it is longer than 96 characters")
    } else if part.contains('/') {
        Some("it has more than two parts")
    } else if !part.chars().all(is_name_character) {
        Some("only letters, digits, `-`, `_` and `.` are allowed")
    } else if part.starts_with(edges) || part.ends_with(edges) {
        Some("a part of it starts or ends with `-` or `.`")
    } else if part.contains("--") || part.contains("..") {
        Some("`--` and `..` are not allowed")
    } else if part.to_ascii_lowercase().ends_with(".git") {
        Some("it ends with `.git`")
    } else {
        None
    }
}

/// The hash of a commit, 40 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Commit(String);

impl Commit {
    pub(super) fn parse(hash: &str) -> Option<Self> {
        (hash.len() == 40 && is_hexadecimal(hash)).then(|| Self(hash.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Accepts branches, tags and commits that are safe in a path and in a URL.
pub(super) fn check_revision(revision: &str) -> Result<(), HubError> {
    if revision.split('/').all(is_file_name) {
        Ok(())
    } else {
        Err(HubError::InvalidRevision { revision: revision.to_owned() })
    }
}

/// The name under which the cache keeps a file with this `ETag` header.
pub(super) fn blob_name(etag: &str) -> Option<&str> {
    let name = etag.trim().trim_start_matches("W/").trim_matches('"');
    is_file_name(name).then_some(name)
}

/// The SHA-256 of the content, if that is what the name of a blob is: files in
/// large file storage are named by it, others by their git hash.
pub(super) fn sha256_of_blob(name: &str) -> Option<&str> {
    (name.len() == 64 && is_hexadecimal(name)).then_some(name)
}

/// Whether `name` is a visible file right in the directory it is looked up in.
pub(super) fn is_file_name(name: &str) -> bool {
    (1..=200).contains(&name.len())
        && !name.starts_with(['.', '-'])
        && name.chars().all(is_name_character)
}

fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&character)
}

fn is_hexadecimal(digits: &str) -> bool {
    digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}
