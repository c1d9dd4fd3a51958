//! Small files of our own: written whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Makes a directory, and those above it, that only root may enter.
///
/// # Errors
/// When it cannot be made.
pub fn private_directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

/// Reads a file written by [`save`]; `None` when it is not there.
///
/// # Errors
/// When it is there and cannot be understood.
pub fn load<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces the file in one step, on disk when this returns.
///
/// # Errors
/// When it cannot be written; the old one is then as it was.
pub fn save<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    replace(path, value, true)?;
    fs::File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

/// Replaces the file in one step; it need not outlive the machine's life.
///
/// # Errors
/// When it cannot be written; the old one is then as it was.
pub fn put<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    replace(path, value, false)
}

fn replace<T: Serialize>(path: &Path, value: &T, sync: bool) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    private_directory(directory)?;
    let new = path.with_extension(format!("new.{}", std::process::id()));
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    let text = serde_json::to_vec_pretty(value).map_err(io::Error::other)?;
    let mut written = file.write_all(&text);
    if sync {
        written = written.and_then(|()| file.sync_all());
    }
    let placed = written.and_then(|()| fs::rename(&new, path));
    if placed.is_err() {
        let _ = fs::remove_file(&new);
    }
    placed
}

/// Removes the file; it is well when it is not there.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_loaded_and_nothing_else_is_left_behind() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/record.json");
        save(&path, &vec![1, 2]).unwrap();
        save(&path, &vec![3]).unwrap();
        assert_eq!(load::<Vec<u8>>(&path).unwrap(), Some(vec![3]));
        let names = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(names, 1);
    }

    #[test]
    fn a_missing_file_is_none_and_a_damaged_one_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("record.json");
        assert_eq!(load::<u8>(&path).unwrap(), None);
        fs::write(&path, "{").unwrap();
        assert!(load::<u8>(&path).is_err());
        remove(&path).unwrap();
        remove(&path).unwrap();
    }
}
