//! What this node knows, until it reboots, of attempts that came to nothing: see [`Volatile`].

use std::io;
use std::time::Duration;

use super::donor::Disappointments;
use super::failures::Failures;
use super::volatile::{Mood, Note, Volatile, since_boot};
use crate::sys::files;

/// Seconds in which the cluster starts a resource anew that has failed.
const RESTARTED: u64 = 60;

impl Volatile {
    /// The failed attempts since a server served for a while here.
    pub fn failures(&self) -> Option<Failures> {
        files::load(&self.path("failures.json")).ok().flatten()
    }

    /// Notes one more. They outlive a stop.
    pub fn failed(&self, reason: &str) -> Failures {
        self.keep(Failures::after(self.failures(), reason, since_boot()))
    }

    /// Notes that a server died which had hardly begun to serve.
    pub fn failed_in_service(&self, reason: &str) {
        let failures = Failures::after(self.failures(), reason, since_boot());
        self.keep(Failures {
            in_service: true,
            ..failures
        });
    }

    fn keep(&self, failures: Failures) -> Failures {
        if let Err(error) = files::save(&self.path("failures.json"), &failures) {
            log::warn!("cannot write {}: {error}", self.path("").display());
        }
        failures
    }

    /// The server has come up: what failed on the way does not count any more.
    pub fn forget_attempts(&self) {
        if self.failures().is_some_and(|last| !last.in_service) {
            self.forget_failures();
        }
    }

    /// The server has served for a while, or somebody wants another attempt at once.
    pub fn forget_failures(&self) {
        if let Err(error) = files::remove(&self.path("failures.json")) {
            log::warn!("{}: {error}", self.path("").display());
        }
    }

    /// How long the next attempt has to wait yet.
    pub fn rest(&self) -> Option<Duration> {
        let left = self.failures()?.rest(since_boot());
        (!left.is_zero()).then_some(left)
    }

    /// From whom state transfers have died since this node served last.
    pub fn disappointments(&self) -> Disappointments {
        let known = files::load(&self.path("donors.json")).ok().flatten();
        known.unwrap_or_default()
    }

    /// Notes that; `None` when it serves.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn set_disappointments(&self, all: Option<&Disappointments>) -> io::Result<()> {
        let path = self.path("donors.json");
        match all {
            Some(all) => files::save(&path, all),
            None => files::remove(&path),
        }
    }

    /// Whether the cluster was told how far a transfer to this node is.
    pub fn transfer_told(&self) -> bool {
        self.path("told.json").exists()
    }

    /// Notes whether it was.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn set_transfer_told(&self, told: bool) -> io::Result<()> {
        let path = self.path("told.json");
        if told {
            files::save(&path, &true)
        } else {
            files::remove(&path)
        }
    }

    /// Why the job has given up for good, if it has since [`Volatile::take_surrender`] was called last.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn take_surrender(&self) -> io::Result<Option<String>> {
        let path = self.path("surrender.json");
        let found: Option<Note> = files::load(&path).ok().flatten();
        files::remove(&path)?;
        let fresh = found.filter(|note| note.age() < RESTARTED);
        Ok(fresh.map(|note| note.text))
    }

    /// Notes that the job has given up for good. This outlives [`Volatile::clear`]: it is for the start after the
    /// stop that follows.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn surrender(&self, text: &str) -> io::Result<()> {
        let note = Note::now(text, Mood::Failed);
        files::save(&self.path("surrender.json"), &note)
    }
}
