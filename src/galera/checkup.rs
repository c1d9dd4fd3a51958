//! The look at a running server: one question at check level 0, a whole examination from 10 on.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::database::Database;
use super::datadir::free_mib;
use super::health::{self, Deep, Limits, Seen};
use super::membership::ANSWER;
use super::params::GaleraParams;
use super::settings;
use super::silence::{Cause, DatabaseError};
use super::volatile::{Note, Started, Volatile};
use super::wsrep::Status;

/// The check level that sees everything but the tables.
const EXAMINED: u32 = 10;

/// The check level that reads tables too.
const READ: u32 = 20;

/// `wsrep_flow_control_paused_ns` as an earlier monitor saw it, for the part of the time since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The server's life that the counter belongs to.
    life: Option<Uuid>,
    /// Since boot: the time of day may jump.
    at: Duration,
    /// The counter.
    paused_ns: u64,
}

/// A resource whose server runs.
#[derive(Debug, Clone, Copy)]
pub struct Patient<'a> {
    /// What is known of it until the next reboot.
    pub volatile: &'a Volatile,
    /// Its parameters.
    pub params: &'a GaleraParams,
    /// What was started.
    pub started: &'a Started,
    /// The job's last note.
    pub note: Option<&'a Note>,
    /// The cluster promoted it.
    pub promoted: bool,
    /// How deep to look.
    pub level: u32,
}

impl Patient<'_> {
    /// Its limits.
    pub fn limits(&self) -> Limits {
        Limits {
            disk_free_min: self.params.disk_free_min,
            flow_control_max: self.params.flow_control_max,
            recv_queue_max: self.params.recv_queue_max,
        }
    }

    /// Asks the server, and what the check level wants besides.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn examine(&self) -> Result<Seen, DatabaseError> {
        let account = settings::account(self.params);
        let mut database = Database::connect(&self.started.socket, &account, ANSWER)?;
        let status = database.status()?;
        let deep = match self.level {
            ..EXAMINED => None,
            _ => Some(self.deep(&mut database, &status)?),
        };
        Ok(Seen {
            entered: self.volatile.entered(),
            promoted: self.promoted,
            single_writer: self.params.unpromoted_read_only,
            status,
            deep,
        })
    }

    fn deep(&self, database: &mut Database, status: &Status) -> Result<Deep, DatabaseError> {
        let tables = if self.level < READ || !status.serves() {
            Ok(())
        } else {
            database.read_tables()
        };
        let blind = match tables {
            Err(refused) if refused.cause == Cause::Question => Some(refused.to_string()),
            other => other.map(|()| None)?,
        };
        Ok(Deep {
            read_only: database.read_only()?,
            paused: self.paused(status),
            disk_free: free_mib(&self.started.datadir),
            not_applied: self
                .note
                .and_then(|note| not_applied(&self.started.datadir, note.earliest())),
            blind,
        })
    }

    /// Flow control since the last look, and a note of this one for the next.
    fn paused(&self, status: &Status) -> Option<u64> {
        let now = Reading {
            life: status.gcomm_uuid,
            at: super::volatile::since_boot(),
            paused_ns: status.flow_control_paused_ns?,
        };
        let before = self.volatile.reading();
        if let Err(error) = self.volatile.set_reading(&now) {
            log::warn!("flow control is not noted for the next monitor: {error}");
        }
        let before = before.filter(|before| before.life == now.life)?;
        let between = u64::try_from(now.at.checked_sub(before.at)?.as_nanos()).ok()?;
        health::paused_percent(before.paused_ns, now.paused_ns, between)
    }
}

/// The newest of the files that a server writes into its data directory for each write set that it could not
/// apply (`GRA_*.log`), if it is not older than this.
fn not_applied(datadir: &Path, since: u64) -> Option<String> {
    let files = fs::read_dir(datadir).ok()?.flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        if !name.starts_with("GRA_") || !name.ends_with(".log") {
            return None;
        }
        let changed = entry.metadata().ok()?.modified().ok()?;
        let changed = changed.duration_since(std::time::UNIX_EPOCH).ok()?;
        (changed.as_secs() >= since).then_some((changed, name))
    });
    files.max().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_write_sets_that_failed_in_service_count() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("GRA_1_2_v2.log"), "").unwrap();
        fs::write(directory.path().join("ib_logfile0"), "").unwrap();
        let found = not_applied(directory.path(), 1);
        assert_eq!(found.as_deref(), Some("GRA_1_2_v2.log"));
        assert_eq!(not_applied(directory.path(), u64::MAX), None);
    }
}
