use std::io::ErrorKind;
use std::path::Path;

use super::client::{Client, RemoteFile};
use super::names::sha256_of_blob;
use super::partial::Partial;
use super::retry::Retries;
use super::{HubError, Progress, RepoId};

const PIECE: usize = 128 << 10;

/// Downloads one file to `blob`, which appears there when it is complete and
/// checked. A connection that breaks is taken up again where it broke, in this
/// run or in a later one.
pub(super) fn transfer(
    client: &Client,
    repo: &RepoId,
    file: &RemoteFile,
    blob: &Path,
    mut retries: Retries,
    progress: &mut dyn Progress,
) -> Result<(), HubError> {
    let mut partial = Partial::open(blob, &file.name, progress)?;
    // Another process may have been faster.
    if blob.metadata().is_ok_and(|metadata| metadata.len() == file.size) {
        partial.discard();
        return Ok(());
    }
    if partial.length() > file.size {
        partial.clear()?;
    }
    progress.advance(&file.name, partial.length(), file.size);
    while partial.length() < file.size {
        let before = partial.length();
        if let Err(error) = receive(client, repo, file, &mut partial, progress) {
            if partial.length() > before {
                retries.reset();
            }
            if matches!(error, HubError::WrongSize { .. }) {
                partial.clear()?;
            }
            retries.wait(error, progress)?;
        }
    }
    if let Some(expected) = sha256_of_blob(&file.blob) {
        let found = partial.sha256()?;
        if found != expected {
            partial.clear()?;
            let (file, expected) = (file.name.clone(), expected.to_owned());
            return Err(HubError::WrongContent { file, expected, found });
        }
    }
    partial.finish(blob)
}

/// Appends what one request brings.
fn receive(
    client: &Client,
    repo: &RepoId,
    file: &RemoteFile,
    partial: &mut Partial,
    progress: &mut dyn Progress,
) -> Result<(), HubError> {
    let wrong_size = |found| {
        let (file, expected) = (file.name.clone(), file.size);
        HubError::WrongSize { file, expected, found }
    };
    let mut rest = client.open(repo, file, partial.length())?;
    match rest.total {
        Some(total) if total != file.size => return Err(wrong_size(total)),
        _ => {}
    }
    if rest.start < partial.length() {
        partial.clear()?;
    }
    let mut piece = vec![0; PIECE];
    loop {
        let count = match rest.content.read(&mut piece) {
            Ok(0) if partial.length() == file.size => return Ok(()),
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            other => other,
        };
        let count = count.map_err(|source| HubError::Cut {
            file: file.name.clone(),
            done: partial.length(),
            total: file.size,
            source,
        })?;
        let length = partial.length() + count as u64;
        if length > file.size {
            return Err(wrong_size(length));
        }
        partial.append(piece.get(..count).unwrap_or_default())?;
        progress.advance(&file.name, length, file.size);
    }
}
