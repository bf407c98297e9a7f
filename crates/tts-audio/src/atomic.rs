//! Files that appear whole or not at all.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

use crate::{AudioError, Result};

/// Writes a file so that `path` holds either all of it or what it held before.
///
/// `fill` writes the content to a buffered temporary file in the directory of
/// `path`, which is then renamed to `path`. On any error, including one that
/// `fill` returns, the temporary file is removed. A new file gets the
/// permissions that [`File::create`] would give it, a replaced one keeps its
/// own; symbolic links are followed. The data is not forced to the disk.
///
/// A target that exists and is not a regular file, such as a pipe or
/// `/dev/stdout`, is written to directly: replacing it would be wrong.
///
/// # Errors
///
/// [`AudioError::Write`] with `path`, if the directory is missing or cannot be
/// written, the disk is full, the target is a directory, or `fill` fails.
pub fn write_file_atomically(
    path: impl AsRef<Path>,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    write(path, fill).map_err(|source| AudioError::Write { path: path.to_owned(), source })
}

fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(old) if old.is_file() => replace(&fs::canonicalize(path)?, Some(&old), fill),
        Ok(_) => fill_and_flush(&OpenOptions::new().write(true).open(path)?, fill),
        Err(error) if error.kind() == ErrorKind::NotFound => replace(path, None, fill),
        Err(error) => Err(error),
    }
}

fn replace(
    path: &Path,
    old: Option<&Metadata>,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    if let Some(permissions) = new_file_permissions() {
        builder.permissions(permissions);
    }
    let temporary = builder.tempfile_in(directory)?;
    fill_and_flush(temporary.as_file(), fill)?;
    if let Some(old) = old {
        temporary.as_file().set_permissions(old.permissions())?;
    }
    temporary.persist(path)?;
    Ok(())
}

fn fill_and_flush(
    file: &File,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut writer = BufWriter::new(file);
    fill(&mut writer)?;
    writer.flush()
}

/// What [`File::create`] asks for; the system takes the umask off.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps)] // other systems have nothing to say
fn new_file_permissions() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn new_file_permissions() -> Option<Permissions> {
    None
}
