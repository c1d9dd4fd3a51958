//! The data directory: what it holds, and which process has it.

use std::fs;
use std::io;
use std::path::Path;

use crate::ocf::Failure;
use crate::sys::lock::{hidden_holder, holder};
use crate::sys::process::Process;

/// Files that a server, or its provider while state is transferred, keeps locked.
const LOCKED: [&str; 3] = ["ibdata1", "aria_log_control", "grastate.dat"];

/// The process that holds the data files, from the kernel; also when the directory was unmounted or removed under
/// the server.
///
/// # Errors
/// When a file is there and cannot be asked about.
pub fn data_holder(datadir: &Path) -> Result<Option<Process>, Failure> {
    let missing = |name: &str| matches!(datadir.join(name).try_exists(), Ok(false));
    if LOCKED.iter().all(|name| missing(name)) {
        return Ok(hidden_holder(datadir, &LOCKED));
    }
    for name in LOCKED {
        let path = datadir.join(name);
        let found = holder(&path).map_err(|error| {
            Failure::Retry(format!("cannot tell who holds {}: {error}", path.display()))
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The same, looked for thoroughly: a directory that was mounted over may show other files, held by nobody.
///
/// # Errors
/// As [`data_holder`].
pub fn any_holder(datadir: &Path) -> Result<Option<Process>, Failure> {
    Ok(data_holder(datadir)?.or_else(|| hidden_holder(datadir, &LOCKED)))
}

/// How much space is left for what is in this directory, in MiB; `None` when that cannot be told.
pub fn free_mib(datadir: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(datadir).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize) >> 20)
}

/// What a data directory holds apart from Galera's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directory {
    /// Not there, or nothing in it that a server would have made.
    Empty,
    /// System tables and nothing else.
    System,
    /// Databases.
    Databases,
}

/// Directories that the server or its tools make by themselves.
const OWN_SCHEMAS: [&str; 6] = [
    "mysql",
    "performance_schema",
    "sys",
    "test",
    "lost+found",
    "#rocksdb",
];

/// Looks at the names in a data directory.
///
/// # Errors
/// When it is there and cannot be read.
pub fn inspect(datadir: &Path) -> io::Result<Directory> {
    let entries = match fs::read_dir(datadir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Directory::Empty),
        Err(error) => return Err(error),
    };
    let mut found = Directory::Empty;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir()
            && !OWN_SCHEMAS.contains(&name.as_str())
            && !name.starts_with('.')
        {
            return Ok(Directory::Databases);
        }
        if name == "ibdata1" || name == "mysql" {
            found = Directory::System;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_free_space_of_a_directory_is_known_and_that_of_nothing_is_not() {
        assert!(free_mib(Path::new("/")).is_some());
        assert_eq!(free_mib(Path::new("/nowhere/at/all")), None);
    }
}
