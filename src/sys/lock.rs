//! Locks: our own between processes of one resource, and those by which the kernel tells who holds a file.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::{FcntlArg, Flock, FlockArg, fcntl};
use nix::libc;

use super::files;
use super::process::{self, OpenFile, Process};

/// A lock that is held until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held, never read")] Flock<File>);

/// Takes the lock on this file, which is made if need be. `None` while another process has it.
///
/// # Errors
/// When the file cannot be opened.
pub fn take(path: &Path) -> io::Result<Option<Lock>> {
    if let Some(directory) = path.parent() {
        files::private_directory(directory)?;
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

/// Whether this process holds a flock(2) lock on this file; nobody's lock is touched, as an attempt to take it would.
/// The kernel tells so in `/proc/PID/fdinfo` (proc(5)).
pub fn is_flocked_by(path: &Path, process: Process) -> bool {
    let Some(wanted) = identity(path) else {
        return false;
    };
    let open = fs::read_dir(format!("/proc/{}/fd", process.pid));
    // One by one: a busy server has many files open, and its locks come first.
    let mut open = open.into_iter().flatten().flatten();
    open.any(|entry| {
        let named =
            fs::read_link(entry.path()).is_ok_and(|name| name.file_name() == path.file_name());
        let number = entry.file_name();
        let info = format!("/proc/{}/fdinfo/{}", process.pid, number.to_string_lossy());
        named
            && identity(&entry.path()) == Some(wanted)
            && fs::read_to_string(info).is_ok_and(|info| info.contains("FLOCK"))
    })
}

/// The process that holds a POSIX lock on a file of this directory that its path does not lead to any more: the
/// directory was removed, unmounted, or mounted over. `names`: the files to look for.
pub fn hidden_holder(directory: &Path, names: &[&str]) -> Option<Process> {
    process::all().find(|process| {
        let files = process.open_files().into_iter();
        let mut hidden = files
            .filter(|file| is_hidden(file, directory, names))
            .peekable();
        hidden.peek().is_some()
            && process.shares_our_paths()
            && hidden.any(|file| matches!(holder(&file.path), Ok(Some(found)) if found == *process))
    })
}

/// Whether this is one of the files, out of reach. The kernel writes ` (deleted)` behind the path of one that was
/// removed, and leaves out what was above a mount that was detached.
fn is_hidden(file: &OpenFile, directory: &Path, names: &[&str]) -> bool {
    let path = file.name.to_string_lossy();
    let path = Path::new(path.strip_suffix(" (deleted)").unwrap_or(&path));
    let (Some(name), Some(parent)) = (path.file_name(), path.parent()) else {
        return false;
    };
    let rest = parent.strip_prefix("/").unwrap_or(parent);
    names.iter().any(|one| name == *one)
        && (rest.as_os_str().is_empty() || directory.ends_with(rest))
        && identity(path) != identity(&file.path)
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::command::program;

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

    #[test]
    fn a_file_is_hidden_when_its_path_leads_elsewhere() {
        let directory = Path::new("/srv/db/data");
        let file = |name: &str| OpenFile {
            path: "/proc/self/exe".into(),
            name: name.into(),
        };
        let hidden = |name| is_hidden(&file(name), directory, &["ibdata1"]);
        assert!(hidden("/srv/db/data/ibdata1 (deleted)"));
        assert!(hidden("/srv/db/data/ibdata1"), "mounted over");
        assert!(hidden("/data/ibdata1") && hidden("/ibdata1"), "detached");
        assert!(!hidden("/srv/other/ibdata1") && !hidden("/srv/db/data/ib_logfile0"));
    }

    /// Real processes, a real lock, and a directory that is gone.
    #[test]
    fn who_holds_a_removed_file_is_found_and_who_only_reads_it_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::write(data.join("ibdata1"), "x").unwrap();
        let mut reader = program("sleep");
        let file = File::open(data.join("ibdata1")).unwrap();
        let mut reader = reader.arg("60").stdin(file).spawn().unwrap();
        let mut server = program("python3");
        let script = "import fcntl,sys,time; f=open(sys.argv[1],'r+'); fcntl.lockf(f,fcntl.LOCK_EX); time.sleep(60)";
        server.args(["-c", script]).arg(data.join("ibdata1"));
        let mut server = server.spawn().unwrap();
        let deadline = crate::ocf::Deadline::after(std::time::Duration::from_secs(20));
        let step = std::time::Duration::from_millis(10);
        let held = crate::ocf::wait_until(&deadline, step, "the lock", || {
            holder(&data.join("ibdata1"))
                .map_err(|error| crate::ocf::Failure::Retry(error.to_string()))
        });
        fs::remove_dir_all(&data).unwrap();
        let found = hidden_holder(&data, &["ibdata1"]);
        for child in [&mut reader, &mut server] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(held.unwrap().pid, server.id());
        assert_eq!(found.map(|process| process.pid), Some(server.id()));
    }
}
