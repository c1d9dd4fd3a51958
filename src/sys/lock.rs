//! Locks: our own between processes of one resource, and those by which the kernel tells who holds a file.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::{FcntlArg, Flock, FlockArg, fcntl};
use nix::libc;

use super::process::Process;

/// A lock that is held until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held, never read")] Flock<File>);

/// Takes the lock on this file, which is made if need be. `None` while another process has it.
///
/// # Errors
/// When the file cannot be opened.
pub fn take(path: &Path) -> io::Result<Option<Lock>> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(Lock(lock))),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, error)) => Err(error.into()),
    }
}

/// The process that holds a POSIX lock on this file, as the kernel sees it; `None` when nobody does or the
/// file is not there.
///
/// # Errors
/// When the file is there and cannot be asked about: then nothing is known.
pub fn holder(path: &Path) -> io::Result<Option<Process>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_GETLK(&mut lock))?;
    if lock.l_type == libc::F_UNLCK as libc::c_short {
        return Ok(None);
    }
    let pid = u32::try_from(lock.l_pid).unwrap_or(0);
    match Process::of_pid(pid) {
        Some(process) => Ok(Some(process)),
        // It ended in between, or lives where we cannot see it (another PID namespace: pid 0 or -1).
        None if pid > 0 => Ok(None),
        None => Err(io::Error::other(
            "locked by a process that is not visible from here",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_can_be_taken_once_and_again_after_it_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sub/lock");
        let first = take(&path).unwrap();
        assert!(first.is_some());
        assert!(take(&path).unwrap().is_none());
        drop(first);
        assert!(take(&path).unwrap().is_some());
    }

    #[test]
    fn nobody_holds_a_file_that_is_not_there() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(holder(&directory.path().join("ibdata1")).unwrap(), None);
    }
}
