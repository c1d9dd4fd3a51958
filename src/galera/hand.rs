//! A running server in this resource's hand, also one that somebody else started.

use std::path::{Path, PathBuf};

use super::job::Job;
use super::node::retry;
use super::published::Phase;
use super::server;
use super::settings::{self, Settings};
use super::volatile::Volatile;
use crate::ocf::{Done, Failure};
use crate::sys::process::{Process, Watch};
use crate::sys::sockets;

/// Takes a server in hand that somebody else started, maybe with other options than ours: from now on it is found and
/// asked whatever becomes of its files, and nobody but the cluster recovers it.
///
/// # Errors
/// When that cannot be noted.
pub fn adopt(resource: &str, process: Process, settings: &Settings) -> Result<(), Failure> {
    end_wrapper(process);
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

/// Ends the wrapper that somebody has started a server with; the server goes on. It would start a server again that was
/// killed, with the options of its first start: those may name an empty cluster address.
pub fn end_wrapper(server: Process) {
    let is_wrapper = |parent: &Process| {
        let words = parent.arguments();
        words
            .iter()
            .take(2)
            .any(|word| settings::is_wrapper(Path::new(word)))
    };
    if let Some(watch) = server.parent().filter(is_wrapper).and_then(Watch::of) {
        log::info!("ending the wrapper of process {}, the server", server.pid);
        watch.kill();
    }
}

impl Job<'_> {
    /// Takes a server in hand that was found running. Returns its epoch: that of the members in its view, else this node's own.
    ///
    /// # Errors
    /// When the cluster does not answer or the record cannot be read.
    pub fn adopt(&self, process: Process) -> Result<u64, Failure> {
        adopt(&self.node.resource, process, &self.node.settings)?;
        let (outlook, own) = (self.node.look()?, self.node.record()?.epoch);
        let view = self.node.saved_view();
        let said = view.and_then(|view| outlook.epoch_of(&view));
        Ok(said.map_or(own, |said| said.max(own)))
    }

    /// Whether the server that runs here has been a member: an earlier job has attended to it until then.
    pub fn was_a_member(&self) -> Result<bool, Failure> {
        let outlook = self.node.look()?;
        let own = outlook.published.get(&self.node.name);
        Ok(match own.map(|own| &own.phase) {
            Some(Phase::Apart { .. } | Phase::Reviving { .. }) => true,
            Some(Phase::Member(member)) => {
                let view = self.node.saved_view();
                view.is_some_and(|view| view.me == member.gcomm)
            }
            Some(_) | None => false,
        })
    }

    /// Notes that it serves, should that be forgotten. One that is outside its component is found to be in a moment.
    ///
    /// # Errors
    /// When the cluster does not answer, or that cannot be noted.
    pub fn resume(&self) -> Done {
        let outlook = self.node.look()?;
        let history = match outlook.published.get(&self.node.name).map(|own| &own.phase) {
            Some(Phase::Member(member)) => member.history.parse().ok(),
            Some(_) | None => None,
        };
        self.node.volatile.resume(history).map_err(retry)
    }

    /// A server that serves, or of which nothing else is known, runs: what fails is the job, and to restart the server
    /// would not help.
    pub fn is_in_service(&self) -> bool {
        let note = self.node.volatile.note();
        let served = note.is_none_or(|note| note.served());
        served && matches!(self.node.server().running(), Ok(Some(_)))
    }
}
