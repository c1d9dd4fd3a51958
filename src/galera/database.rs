//! Questions to a running server, through its socket and with an end to every wait.

use std::path::Path;
use std::time::Duration;

use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder};
use thiserror::Error;

use super::settings::Account;
use super::wsrep::Status;

/// No question of ours returns a row longer than this.
const LONGEST_ROW: usize = 1 << 20;

/// Why a server did not answer.
#[derive(Debug, Error)]
#[error("the server does not answer on {socket}: {reason}")]
pub struct DatabaseError {
    /// The socket.
    pub socket: String,
    /// The driver's or the server's words.
    pub reason: String,
    /// The server was reached and refused the account.
    pub denied: bool,
}

/// A connection to this node's server.
#[derive(Debug)]
pub struct Database {
    connection: Conn,
    socket: String,
}

impl Database {
    /// Connects; the server has `limit` for this, and for each answer later.
    ///
    /// # Errors
    /// When nobody listens, the account is refused or the time is over.
    pub fn connect(
        socket: &Path,
        account: &Account,
        limit: Duration,
    ) -> Result<Self, DatabaseError> {
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
        let failed = |error| failure(&socket, &error);
        let mut connection = Conn::new(options).map_err(failed)?;
        // Or every later read waits for the replication, in the very situation that it should report.
        connection
            .query_drop("SET SESSION wsrep_sync_wait = 0")
            .map_err(failed)?;
        Ok(Self { connection, socket })
    }

    /// The state of the replication.
    ///
    /// # Errors
    /// When the server does not answer in time.
    pub fn status(&mut self) -> Result<Status, DatabaseError> {
        let rows: Vec<(String, String)> = self.query("SHOW GLOBAL STATUS LIKE 'wsrep\\_%'")?;
        Ok(Status::read(&rows))
    }

    /// A seqno with everything below it applied here that the component had ordered when this was called.
    ///
    /// # Errors
    /// When the server does not answer in time, or is not in a primary component.
    pub fn causal_seqno(&mut self) -> Result<Option<u64>, DatabaseError> {
        self.execute("SET SESSION wsrep_sync_wait = 1")?;
        let waited = self.query::<u8>("SELECT 1");
        self.execute("SET SESSION wsrep_sync_wait = 0")?;
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

    fn query<T: mysql::prelude::FromRow>(&mut self, text: &str) -> Result<Vec<T>, DatabaseError> {
        self.connection
            .query(text)
            .map_err(|error| failure(&self.socket, &error))
    }

    fn execute(&mut self, text: &str) -> Result<(), DatabaseError> {
        self.connection
            .query_drop(text)
            .map_err(|error| failure(&self.socket, &error))
    }
}

/// `ER_ACCESS_DENIED_ERROR` and `ER_ACCESS_DENIED_NO_PASSWORD_ERROR` (MariaDB error codes).
const DENIED: [u16; 2] = [1045, 1698];

fn failure(socket: &str, error: &mysql::Error) -> DatabaseError {
    let denied = matches!(error, mysql::Error::MySqlError(server) if DENIED.contains(&server.code));
    DatabaseError {
        socket: socket.to_owned(),
        reason: error.to_string(),
        denied,
    }
}
