//! How the job is told to look at once.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use crate::sys::files;

/// Where the job hears that it should look again.
#[derive(Debug)]
pub struct Ear(UnixDatagram);

impl AsFd for Ear {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Ear {
    /// An ear at this path, whatever was there before.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn at(path: &Path) -> io::Result<Self> {
        files::remove(path)?;
        UnixDatagram::bind(path).map(Self)
    }

    /// Waits for a poke, at most so long.
    pub fn listen(&self, limit: Duration) {
        let limit = limit.max(Duration::from_millis(1));
        let waited = self
            .0
            .set_read_timeout(Some(limit))
            .and_then(|()| self.0.recv(&mut [0; 8]));
        if let Err(error) = waited {
            log::trace!("nobody spoke: {error}");
        }
    }
}
