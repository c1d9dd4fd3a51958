//! A running server in this resource's hand, also one that somebody else started.

use std::path::{Path, PathBuf};

use super::server;
use super::settings::Settings;
use super::volatile::Volatile;
use crate::ocf::Failure;
use crate::sys::process::Process;
use crate::sys::sockets;

/// Takes a server in hand that somebody else started, maybe with other options than ours: from now on it is found and
/// asked whatever becomes of its files.
///
/// # Errors
/// When that cannot be noted.
pub fn adopt(resource: &str, process: Process, settings: &Settings) -> Result<(), Failure> {
    note(resource, process, &socket(process, &settings.socket))
}

/// Where a server listens: on the configured socket, unless it was started with another. One that does not listen
/// yet is expected on the configured one.
pub fn socket(process: Process, configured: &Path) -> PathBuf {
    let found = sockets::listening(process);
    let other = || found.first().cloned();
    let configured = configured.to_owned();
    if found.contains(&configured) {
        configured
    } else {
        other().unwrap_or(configured)
    }
}

/// Notes which process the server is, and where it listens.
///
/// # Errors
/// When that cannot be noted.
pub fn note(resource: &str, process: Process, socket: &Path) -> Result<(), Failure> {
    let volatile = Volatile::of(resource);
    let noted = volatile.set_process("server", process);
    noted
        .and_then(|()| volatile.set_socket(socket))
        .map_err(|error| server::unusable("its own directory", &error))
}
