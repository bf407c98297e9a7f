//! Files appear whole or not at all.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use tts_audio::{AudioError, write_file_atomically};

fn entries(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

/// Fails after enough data to have passed any buffer.
fn run_out_of_space(file: &mut dyn Write) -> io::Result<()> {
    file.write_all(&vec![b'x'; 100_000])?;
    Err(ErrorKind::StorageFull.into())
}

#[track_caller]
fn assert_write_error(result: tts_audio::Result<()>, path: &Path) -> io::Error {
    match result {
        Err(AudioError::Write { path: found, source }) => {
            assert_eq!(found, path);
            source
        }
        other => panic!("expected a write error, found {other:?}"),
    }
}

#[test]
fn writes_a_new_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new");
    write_file_atomically(&path, |file| file.write_all(b"content")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"content");
    assert_eq!(entries(directory.path()), 1);
}

#[test]
fn failure_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new");
    let error = assert_write_error(write_file_atomically(&path, run_out_of_space), &path);
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert_eq!(entries(directory.path()), 0);
}

#[test]
fn an_existing_file_is_replaced_only_on_success() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "old").unwrap();

    assert_write_error(write_file_atomically(&path, run_out_of_space), &path);
    assert_eq!(fs::read(&path).unwrap(), b"old");

    write_file_atomically(&path, |file| file.write_all(b"new")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(entries(directory.path()), 1);
}

#[test]
fn a_missing_directory_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("missing").join("file");
    let error = assert_write_error(write_file_atomically(&path, |_| Ok(())), &path);
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn a_directory_is_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    assert_write_error(write_file_atomically(directory.path(), |_| Ok(())), directory.path());
    assert!(directory.path().is_dir());
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    use std::process::Command;
    use std::thread;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_file_has_the_permissions_of_any_new_file() {
        let directory = tempfile::tempdir().unwrap();
        let (plain, atomic) = (directory.path().join("plain"), directory.path().join("atomic"));
        fs::write(&plain, "").unwrap();
        write_file_atomically(&atomic, |_| Ok(())).unwrap();
        assert_eq!(mode(&atomic), mode(&plain));
    }

    #[test]
    fn a_replaced_file_keeps_its_permissions() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        write_file_atomically(&path, |_| Ok(())).unwrap();
        assert_eq!(mode(&path), 0o640);
    }

    #[test]
    fn symbolic_links_are_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "old").unwrap();
        symlink(&file, &link).unwrap();
        write_file_atomically(&link, |file| file.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn a_pipe_is_written_to_and_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());

        let reader = thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        write_file_atomically(&pipe, |file| file.write_all(b"content")).unwrap();
        assert_eq!(reader.join().unwrap(), b"content");
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::unix::fs::FileTypeExt;

    use super::*;

    #[test]
    fn a_full_device_is_an_error_even_for_little_data() {
        let path = Path::new("/dev/full");
        let result = write_file_atomically(path, |file| file.write_all(b"little"));
        assert_eq!(assert_write_error(result, path).kind(), ErrorKind::StorageFull);
        assert!(fs::metadata(path).unwrap().file_type().is_char_device());
    }

    #[test]
    fn the_null_device_is_not_replaced() {
        let path = Path::new("/dev/null");
        write_file_atomically(path, |file| file.write_all(b"content")).unwrap();
        assert!(fs::metadata(path).unwrap().file_type().is_char_device());
    }

    /// Nobody, not even the superuser, can create files in `/proc`.
    #[test]
    fn an_unwritable_directory_is_an_error() {
        let path = Path::new("/proc/file.wav");
        assert_write_error(write_file_atomically(path, |_| Ok(())), path);
    }
}
