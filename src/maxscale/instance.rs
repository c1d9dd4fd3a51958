//! Which process is this MaxScale: the one that holds the locks on its files.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::settings::Directories;
use crate::ocf::Failure;
use crate::sys::files;
use crate::sys::lock;
use crate::sys::process::Process;

/// The files by which one MaxScale on a node is told from another.
///
/// The PID file is held with flock(2), the other two with lockf(3), as observed with 24.02.4.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// `maxscale.pid`
    pub pid: PathBuf,
    /// `maxscale.lock` of the data and of the cache directory.
    pub locks: [PathBuf; 2],
}

impl Files {
    /// Those in these directories.
    pub fn of(directories: &Directories) -> Self {
        let locked = |directory: &Path| directory.join("maxscale.lock");
        Self {
            pid: directories.pid.join("maxscale.pid"),
            locks: [locked(&directories.data), locked(&directories.cache)],
        }
    }

    /// The living process that holds one of the locks. A PID file that is left over, or damaged, proves nothing.
    ///
    /// # Errors
    /// When it cannot be told: somebody whom we cannot see holds a lock.
    pub fn running(&self) -> Result<Option<Process>, Failure> {
        let named = self.named().and_then(Process::of_pid);
        if let Some(process) = named.filter(|process| lock::is_flocked_by(&self.pid, *process)) {
            return Ok(Some(process));
        }
        for path in &self.locks {
            let holder = lock::holder(path).map_err(|error| {
                let path = path.display();
                Failure::Retry(format!("{path}: {error}; find it with: fuser -v {path}"))
            })?;
            if holder.is_some() {
                return Ok(holder);
            }
        }
        Ok(None)
    }

    /// The number in the PID file.
    fn named(&self) -> Option<u32> {
        let text = fs::read_to_string(&self.pid).ok()?;
        text.trim().parse().ok()
    }

    /// Removes what a MaxScale that was killed has left behind; nobody holds a lock on it.
    pub fn remove_stale(&self) {
        for path in self.locks.iter().chain([&self.pid]) {
            if path.exists() {
                log::info!("removing {}, left over", path.display());
            }
            if let Err(error) = files::remove(path) {
                log::warn!("cannot remove {}: {error}", path.display());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use nix::fcntl::{Flock, FlockArg};

    use super::*;

    fn files(directory: &Path) -> Files {
        Files {
            pid: directory.join("maxscale.pid"),
            locks: ["a.lock", "b.lock"].map(|name| directory.join(name)),
        }
    }

    #[test]
    fn only_who_holds_the_lock_on_the_pid_file_runs() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        assert_eq!(files.running().unwrap(), None);
        let own = std::process::id();
        for left_over in ["", "x", "4294967295", &format!("{own}\n")] {
            fs::write(&files.pid, left_over).unwrap();
            assert_eq!(files.running().unwrap(), None, "{left_over}");
        }
        let file = File::open(&files.pid).unwrap();
        let held = Flock::lock(file, FlockArg::LockExclusiveNonblock).unwrap();
        assert_eq!(files.running().unwrap(), Process::of_pid(own));
        drop(held);
        assert_eq!(files.running().unwrap(), None);
        files.remove_stale();
        assert!(!files.pid.exists());
    }
}
