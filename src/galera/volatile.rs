//! What this node knows of its own resource until it reboots: the directory under `/run/galera-rs`.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::checkup::Reading;
use super::ear::Ear;
use super::membership::SERVING;
use super::position::History;
use super::published::Dead;
use crate::sys::lock::{self, Lock};
use crate::sys::process::Process;
use crate::sys::{VOLATILE, files};

/// The directory of one resource.
#[derive(Debug, Clone)]
pub struct Volatile(PathBuf);

/// What `start` took in hand; `stop` works from this even when parameters and option files are gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The data directory.
    pub datadir: PathBuf,
    /// The socket of the server that runs.
    pub socket: PathBuf,
    /// This node's name in the cluster.
    pub node: String,
}

/// What the background job is doing, for monitors and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// A sentence.
    pub text: String,
    /// Since when, in seconds of the epoch: for comparisons with files.
    pub since: u64,
    /// Since when, in seconds since boot: the time of day may jump.
    #[serde(default)]
    pub uptime: u64,
    /// How bad that is.
    pub mood: Mood,
}

/// What a note means for the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mood {
    /// The normal course of things.
    Well,
    /// The server is in service.
    Serving,
    /// It waits for something that may need a person: degraded.
    Waiting,
    /// An attempt to bring the server up has failed, and another will follow: degraded at once.
    Failing,
    /// The server has lost its component, and will be part of the next one: it is kept running.
    Apart,
    /// The server has lost its component, and has to be restarted.
    Lost,
    /// The server died in service, and the job has told the cluster.
    Died,
    /// The job has given up: the resource has failed.
    Failed,
}

impl Note {
    pub(super) fn now(text: &str, mood: Mood) -> Self {
        Self {
            text: text.to_owned(),
            since: since_epoch().as_secs(),
            uptime: since_boot().as_secs(),
            mood,
        }
    }

    /// The server is in service, or was until it lost its component.
    pub fn served(&self) -> bool {
        matches!(self.mood, Mood::Serving | Mood::Apart | Mood::Lost)
    }

    /// Since when, in seconds of the epoch, for whoever looks at the times of files: they were written by the clock of then or,
    /// where that was set back meanwhile, by the one of now.
    pub fn earliest(&self) -> u64 {
        earliest(
            self.since,
            since_epoch().as_secs().saturating_sub(self.age()),
        )
    }

    /// How old it is, in seconds.
    pub fn age(&self) -> u64 {
        since_boot().as_secs().saturating_sub(self.uptime)
    }
}

/// Seconds by which two ways to measure the same time may differ when no clock was set.
const ROUNDING: u64 = 2;

/// The earlier of the beginning as it was noted, and as the clock of now would have it.
fn earliest(noted: u64, by_now: u64) -> u64 {
    if by_now + ROUNDING < noted {
        by_now
    } else {
        noted
    }
}

/// The time since this machine was booted, which no clock setting changes (`/proc/uptime`, proc(5)).
pub fn since_boot() -> Duration {
    let text = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
    let seconds = text
        .split_whitespace()
        .next()
        .and_then(|first| first.parse().ok());
    seconds.map_or(Duration::ZERO, Duration::from_secs_f64)
}

/// The time of day.
pub fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

impl Volatile {
    /// The directory of this resource.
    pub fn of(resource: &str) -> Self {
        Self(Path::new(VOLATILE).join(resource))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What was started, if anything was.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn started(&self) -> io::Result<Option<Started>> {
        files::load(&self.path("started.json"))
    }

    /// Notes what is started.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_started(&self, started: &Started) -> io::Result<()> {
        files::save(&self.path("started.json"), started)
    }

    /// Notes the socket of the server that runs now, if anything was started.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn set_socket(&self, socket: &Path) -> io::Result<()> {
        match self.started()? {
            Some(started) if started.socket != socket => self.set_started(&Started {
                socket: socket.to_owned(),
                ..started
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether the cluster promoted this node.
    pub fn promoted(&self) -> bool {
        self.path("promoted.json").exists()
    }

    /// Notes the role.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn set_promoted(&self, promoted: bool) -> io::Result<()> {
        let path = self.path("promoted.json");
        if promoted {
            files::save(&path, &true)
        } else {
            files::remove(&path)
        }
    }

    /// Whether it was the agent that made the server read-only.
    pub fn made_read_only(&self) -> bool {
        self.path("read-only.json").exists()
    }

    /// Notes that it was, or that it is over.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn set_made_read_only(&self, made: bool) -> io::Result<()> {
        let path = self.path("read-only.json");
        if made {
            files::save(&path, &true)
        } else {
            files::remove(&path)
        }
    }

    /// The process that a name was given to by [`Volatile::set_process`], if it still lives.
    pub fn process(&self, name: &str) -> Option<Process> {
        let known: Option<Process> = files::load(&self.path(&format!("{name}.pid"))).ok()?;
        known.filter(Process::lives)
    }

    /// Remembers a process under a name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_process(&self, name: &str, process: Process) -> io::Result<()> {
        files::save(&self.path(&format!("{name}.pid")), &process)
    }

    /// The last server that ended here without leaving the group, unless another has come as far since.
    pub fn dead(&self) -> Option<Dead> {
        files::load(&self.path("dead.json")).ok().flatten()
    }

    /// Notes such a server, or that there is another.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn set_dead(&self, dead: Option<&Dead>) -> io::Result<()> {
        let path = self.path("dead.json");
        match dead {
            Some(dead) => files::save(&path, dead),
            None => files::remove(&path),
        }
    }

    /// The job's last note.
    pub fn note(&self) -> Option<Note> {
        files::load(&self.path("note.json")).ok().flatten()
    }

    /// Writes a note, unless it says what the last one said. Returns whether it was news.
    pub fn set_note(&self, text: &str, mood: Mood) -> bool {
        if self
            .note()
            .is_some_and(|note| note.text == text && note.mood == mood)
        {
            return false;
        }
        let note = Note::now(text, mood);
        if let Err(error) = files::save(&self.path("note.json"), &note) {
            log::warn!("cannot write {}: {error}", self.0.display());
        }
        true
    }

    /// A job goes on with a server that is a member of the component of `history`: that it serves is noted again where
    /// a failure of an earlier job's, or the loss of these files, has hidden it.
    ///
    /// # Errors
    /// When the history cannot be written.
    pub fn resume(&self, history: Option<History>) -> io::Result<()> {
        if self.note().is_none_or(|note| !note.served()) {
            self.set_note(SERVING, Mood::Serving);
        }
        self.forget_attempts();
        match (self.entered(), history) {
            (None, Some(history)) => self.set_entered(&history),
            _ => Ok(()),
        }
    }

    /// The history that the server entered the component with, once it has.
    pub fn entered(&self) -> Option<History> {
        let text: Option<String> = files::load(&self.path("entered.json")).ok()?;
        text?.parse().ok()
    }

    /// Notes that history.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_entered(&self, history: &History) -> io::Result<()> {
        files::save(&self.path("entered.json"), &history.to_string())
    }

    /// What the last examination noted.
    pub fn reading(&self) -> Option<Reading> {
        files::load(&self.path("reading.json")).ok().flatten()
    }

    /// Notes that for the next one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_reading(&self, reading: &Reading) -> io::Result<()> {
        files::save(&self.path("reading.json"), reading)
    }

    /// Removes everything except locks and failures: nothing of this resource is in hand any more.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn clear(&self) -> io::Result<()> {
        for name in [
            "promoted.json",
            "read-only.json",
            "dead.json",
            "donors.json",
            "told.json",
            "note.json",
            "entered.json",
            "reading.json",
            "server.pid",
            "job.pid",
            "started.json",
        ] {
            files::remove(&self.path(name))?;
        }
        Ok(())
    }

    /// The right to be this resource's job; `None` while another process is.
    ///
    /// # Errors
    /// When the lock cannot be reached.
    pub fn job_lock(&self) -> io::Result<Option<Lock>> {
        files::private_directory(&self.0)?;
        lock::take(&self.path("job.lock"))
    }

    /// The right to start a server; `None` while another process has it.
    ///
    /// # Errors
    /// When the lock cannot be reached.
    pub fn server_lock(&self) -> io::Result<Option<Lock>> {
        files::private_directory(&self.0)?;
        lock::take(&self.path("server.lock"))
    }

    /// The right to change the role, and what goes with it; `None` while another process has it.
    ///
    /// # Errors
    /// When the lock cannot be reached.
    pub fn role_lock(&self) -> io::Result<Option<Lock>> {
        files::private_directory(&self.0)?;
        lock::take(&self.path("role.lock"))
    }

    /// Where a server that cannot open its error log yet leaves its first words.
    pub fn first_words(&self) -> PathBuf {
        self.path("server.err")
    }

    /// Wakes the job, if there is one, so that it looks again at once.
    pub fn poke(&self) {
        let told =
            UnixDatagram::unbound().and_then(|socket| socket.send_to(b"!", self.path("job.sock")));
        if let Err(error) = told {
            log::debug!("no job to wake: {error}");
        }
    }

    /// The job's ear.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn ear(&self) -> io::Result<Ear> {
        Ear::at(&self.path("job.sock"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moods(before: Option<Mood>) -> (Option<Mood>, bool) {
        let directory = tempfile::tempdir().unwrap();
        let volatile = Volatile(directory.path().to_owned());
        if let Some(mood) = before {
            volatile.set_note("no answer (attempt 1)", mood);
        }
        let history: History = "6f3b1c1e-6f0e-11ef-8f5e-0242ac110002".parse().unwrap();
        volatile.resume(Some(history)).unwrap();
        let entered = volatile.entered() == Some(history);
        let mood = volatile.note().map(|note| note.mood);
        (mood, entered)
    }

    #[test]
    fn what_failed_on_the_way_up_is_forgotten_once_a_server_is_up_and_a_death_as_soon_as_it_served_is_not()
     {
        let directory = tempfile::tempdir().unwrap();
        let volatile = Volatile(directory.path().to_owned());
        volatile.failed("no donor");
        volatile.forget_attempts();
        assert_eq!(volatile.failures(), None);
        volatile.failed_in_service("a signal");
        volatile.forget_attempts();
        assert_eq!(volatile.failures().map(|failures| failures.count), Some(1));
    }

    #[test]
    fn a_clock_that_was_set_back_hides_no_file_and_one_that_was_set_forward_shows_none_of_before() {
        assert_eq!(earliest(1000, 1000), 1000);
        assert_eq!(earliest(1000, 999), 1000, "rounded");
        assert_eq!(earliest(1000, 400), 400);
        assert_eq!(earliest(1000, 5000), 1000);
    }

    #[test]
    fn a_server_that_serves_is_known_to_after_a_failure_of_its_job_and_after_the_loss_of_all_notes()
    {
        let serves = (Some(Mood::Serving), true);
        assert_eq!(moods(Some(Mood::Failing)), serves);
        assert_eq!(moods(None), serves);
        assert_eq!(moods(Some(Mood::Serving)), serves);
        for lost in [Mood::Apart, Mood::Lost] {
            assert_eq!(moods(Some(lost)), (Some(lost), true));
        }
    }
}
