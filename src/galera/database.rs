//! Questions to a running server, through its socket and with an end to every wait.

use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use mysql::prelude::{FromRow, Queryable};
use mysql::{Conn, OptsBuilder};

use super::settings::Account;
use super::silence::{Cause, DatabaseError};
use super::wsrep::{LocalState, Status};
use crate::ocf::Deadline;

/// No answer to a question of ours has a row longer than this.
const LONGEST_ROW: usize = 1 << 20;

/// More than the driver needs on its way in; what a thread gets by itself would be most of a monitor's memory.
const STACK: usize = 1 << 18;

/// Rows of a name and a value. A read that waits for the replication would not end in the very situation that it should
/// report; said with the statement, that takes no round trip of its own.
const STATUS: &str = "SET STATEMENT wsrep_sync_wait = 0 FOR SHOW GLOBAL STATUS LIKE 'wsrep\\_%'";

/// The same, for everything that is asked later.
const AT_ONCE: &str = "SET SESSION wsrep_sync_wait = 0";

/// One row more, which a Synced server need not be asked for: why it is a donor, or desynced.
const DESYNC: &str = "SELECT 'wsrep_desync', @@GLOBAL.wsrep_desync";

/// A connection to this node's server.
#[derive(Debug)]
pub struct Database {
    connection: Conn,
    socket: String,
    /// It was told [`AT_ONCE`].
    at_once: bool,
}

impl Database {
    /// Connects; the server has `limit` for this, and for each answer later, or what the process has left.
    ///
    /// # Errors
    /// When nobody listens, the account is refused or the time is over.
    pub fn connect(
        socket: &Path,
        account: &Account,
        limit: Duration,
    ) -> Result<Self, DatabaseError> {
        // Zero would mean no limit.
        let limit = Deadline::bound(limit).max(Duration::from_millis(1));
        let socket = socket.display().to_string();
        let password = account.password.as_ref().map(|password| password.reveal());
        let options = OptsBuilder::new()
            .socket(Some(&socket))
            .user(Some(&account.user))
            .pass(password)
            .prefer_socket(false)
            .max_allowed_packet(Some(LONGEST_ROW))
            .read_timeout(Some(limit))
            .write_timeout(Some(limit));
        let connection = open(&socket, options, limit)?;
        Ok(Self {
            connection,
            socket,
            at_once: false,
        })
    }

    /// The state of the replication: for a healthy server in one round trip.
    ///
    /// # Errors
    /// When the server does not answer in time.
    pub fn status(&mut self) -> Result<Status, DatabaseError> {
        let mut rows: Vec<(String, String)> = self.ask(STATUS)?;
        let status = Status::read(&rows);
        if status.local_state != Some(LocalState::Donor) {
            return Ok(status);
        }
        rows.extend(self.query::<(String, String)>(DESYNC)?);
        Ok(Status::read(&rows))
    }

    /// A seqno with everything below it applied here that the component had ordered when this was called.
    ///
    /// # Errors
    /// When the server does not answer in time, or is not in a primary component.
    pub fn causal_seqno(&mut self) -> Result<Option<u64>, DatabaseError> {
        self.execute("SET SESSION wsrep_sync_wait = 1")?;
        let waited = self.execute("SELECT 1");
        self.execute(AT_ONCE)?;
        waited?;
        Ok(self.status()?.last_committed)
    }

    /// Tells Galera's provider something, as `key=value` separated by semicolons.
    ///
    /// # Errors
    /// When the server does not answer in time, or does not take it from this account.
    pub fn set_provider_options(&mut self, options: &str) -> Result<(), DatabaseError> {
        self.execute(&format!("SET GLOBAL wsrep_provider_options = '{options}'"))
    }

    /// Whether ordinary accounts are kept from writing.
    ///
    /// # Errors
    /// When the server does not answer in time.
    pub fn read_only(&mut self) -> Result<bool, DatabaseError> {
        let rows: Vec<u8> = self.query("SELECT @@GLOBAL.read_only")?;
        Ok(rows.first().is_some_and(|value| *value != 0))
    }

    /// Reads through the storage engine and through the dictionary; writes nothing.
    ///
    /// # Errors
    /// When the server does not answer in time, or cannot read its own tables.
    pub fn read_tables(&mut self) -> Result<(), DatabaseError> {
        self.execute("SELECT COUNT(*) FROM mysql.innodb_table_stats")?;
        self.execute("SELECT COUNT(*) FROM information_schema.SCHEMATA")
    }

    /// Asks anything.
    ///
    /// # Errors
    /// When the server refuses, or does not answer in time.
    pub fn query<T: FromRow>(&mut self, text: &str) -> Result<Vec<T>, DatabaseError> {
        self.answer_at_once()?;
        self.ask(text)
    }

    /// The same, for a statement without an answer.
    ///
    /// # Errors
    /// As [`Database::query`].
    pub fn execute(&mut self, text: &str) -> Result<(), DatabaseError> {
        self.answer_at_once()?;
        self.tell(text)
    }

    fn answer_at_once(&mut self) -> Result<(), DatabaseError> {
        if !self.at_once {
            self.tell(AT_ONCE)?;
            self.at_once = true;
        }
        Ok(())
    }

    fn ask<T: FromRow>(&mut self, text: &str) -> Result<Vec<T>, DatabaseError> {
        let asked = self.connection.query(text);
        asked.map_err(|error| DatabaseError::of(&self.socket, &error))
    }

    fn tell(&mut self, text: &str) -> Result<(), DatabaseError> {
        let told = self.connection.query_drop(text);
        told.map_err(|error| DatabaseError::of(&self.socket, &error))
    }
}

/// Opens a connection in a thread of its own. No time-out reaches connect(2) on a unix socket whose queue is
/// full, as that of a stopped server with many clients: such a thread is left behind, and ends with the server
/// or with this process.
fn open(socket: &str, options: OptsBuilder, limit: Duration) -> Result<Conn, DatabaseError> {
    let (tell, told) = mpsc::sync_channel(1);
    let connect = move || drop(tell.send(Conn::new(options)));
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(connect)
        .map_err(|error| DatabaseError::new(socket, Cause::Cut, error))?;
    match told.recv_timeout(limit) {
        Ok(opened) => opened.map_err(|error| DatabaseError::of(socket, &error)),
        Err(late) => Err(DatabaseError::new(socket, Cause::Late, late)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::thread;
    use std::time::Instant;

    use super::*;

    /// Time for whoever is to be heard, and for whoever is silent.
    const LIMIT: Duration = Duration::from_secs(10);
    const SHORT: Duration = Duration::from_millis(300);

    /// What a client is told by the server on a socket at this path; most of the time allowed is for a machine that is busy.
    fn told(path: &Path, limit: Duration) -> DatabaseError {
        let account = Account {
            user: "root".into(),
            password: None,
        };
        let begun = Instant::now();
        let error = Database::connect(path, &account, limit).unwrap_err();
        let took = begun.elapsed();
        assert!(took < limit + Duration::from_secs(5), "{took:?}");
        error
    }

    /// The first packet of a server that says no (error packet without SQL state, as before authentication).
    fn refusal(code: u16, words: &str) -> Vec<u8> {
        let body = [&[0xff][..], &code.to_le_bytes(), words.as_bytes()].concat();
        let length = u8::try_from(body.len()).unwrap();
        [&[length, 0, 0, 0][..], &body].concat()
    }

    fn told_by(answer: Vec<u8>) -> DatabaseError {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let server = thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client.write_all(&answer).unwrap();
        });
        let error = told(&path, LIMIT);
        server.join().unwrap();
        error
    }

    #[test]
    fn each_kind_of_silence_has_its_own_cause() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        assert_eq!(told(&path, LIMIT).cause, Cause::Gone);
        drop(UnixListener::bind(&path).unwrap());
        assert_eq!(told(&path, LIMIT).cause, Cause::Refused);
        assert_eq!(
            told_by(refusal(1040, "Too many connections")).cause,
            Cause::Full
        );
        assert_eq!(told_by(refusal(1045, "denied")).cause, Cause::Denied);
        assert_eq!(told_by(Vec::new()).cause, Cause::Cut);
    }

    #[test]
    fn a_server_that_accepts_and_says_nothing_is_late() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let _listener = UnixListener::bind(&path).unwrap();
        assert_eq!(told(&path, SHORT).cause, Cause::Late);
    }

    #[test]
    fn a_full_queue_does_not_hold_us_up() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let _listener = rustix_listener(&path);
        let mut clients = vec![UnixStream::connect(&path).unwrap()];
        for client in &mut clients {
            client
                .set_read_timeout(Some(Duration::from_millis(1)))
                .unwrap();
            assert!(client.read(&mut [0]).is_err());
        }
        assert_eq!(told(&path, SHORT).cause, Cause::Late);
    }

    /// A listener whose queue holds one connection.
    fn rustix_listener(path: &Path) -> std::os::fd::OwnedFd {
        use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
        let listener = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        bind(&listener, &SocketAddrUnix::new(path).unwrap()).unwrap();
        listen(&listener, 0).unwrap();
        listener
    }
}
