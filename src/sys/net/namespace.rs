//! Network namespaces by name, as `ip netns` keeps them (ip-netns(8)).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};

/// Where the named ones are mounted.
const DIRECTORY: &str = "/run/netns";

/// A namespace that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace(PathBuf);

impl Namespace {
    /// The namespace of this name, or of this path.
    pub fn of(name: &str) -> Self {
        Self(Path::new(DIRECTORY).join(name)) // an absolute path replaces the directory
    }

    /// Moves this process into the namespace. False when there is none of this name: what was in it is gone. A plain file
    /// is none: such a one stays when the name was unmounted and not deleted.
    ///
    /// # Errors
    /// When it is there and cannot be entered.
    pub fn enter(&self) -> io::Result<bool> {
        let file = match File::open(&self.0) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match setns(file, CloneFlags::CLONE_NEWNET) {
            Ok(()) => Ok(true),
            Err(Errno::EINVAL) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
