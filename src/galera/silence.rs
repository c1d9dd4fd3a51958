//! Why a server does not answer, and what to do about it.

use std::error::Error as _;
use std::io::ErrorKind;

use mysql::DriverError;
use thiserror::Error;

/// What is the matter with a server that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// There is no such socket.
    Gone,
    /// The socket is there, and nobody listens on it.
    Refused,
    /// It listens, and has no connection left for us: it serves others.
    Full,
    /// It lives, and refuses the account.
    Denied,
    /// It took too long.
    Late,
    /// It, or something on the way, ended the conversation.
    Cut,
    /// It answers, and somebody holds a lock for longer than we wait.
    Locked,
    /// It answers, and refuses the question.
    Question,
}

impl Cause {
    /// The server has proven that it lives, and that what keeps us out need not keep clients out.
    #[must_use]
    pub const fn is_alive(self) -> bool {
        matches!(self, Cause::Full | Cause::Denied)
    }
}

/// Why a server did not answer: what is the matter first, as the cluster keeps only the first 127 bytes.
#[derive(Debug, Error)]
#[error("{}", self.sentence())]
pub struct DatabaseError {
    /// The kind of trouble.
    pub cause: Cause,
    /// The socket.
    pub socket: String,
    /// The driver's or the server's words.
    pub words: String,
}

impl DatabaseError {
    pub(super) fn new(socket: &str, cause: Cause, words: impl ToString) -> Self {
        let (socket, words) = (socket.to_owned(), words.to_string());
        Self {
            cause,
            socket,
            words,
        }
    }

    pub(super) fn of(socket: &str, error: &mysql::Error) -> Self {
        Self::new(socket, cause(error), error)
    }

    fn sentence(&self) -> String {
        let Self { socket, words, .. } = self;
        match self.cause {
            Cause::Gone => format!(
                "socket {socket} is gone: only a restart of the server makes it anew; find out who removed it"
            ),
            Cause::Refused => {
                format!("nobody listens on {socket}: see the server's error log ({words})")
            }
            Cause::Full => format!(
                "no connection left: raise max_connections, or find who holds them ({words})"
            ),
            Cause::Denied => format!(
                "account refused: correct check_user and check_passwd, or the clustercheck file ({words})"
            ),
            Cause::Late => format!(
                "no answer in time on {socket}: the server hangs or is stopped; see its error log ({words})"
            ),
            Cause::Cut => {
                format!("the server hung up on {socket}: see its error log ({words})")
            }
            Cause::Locked => {
                format!("somebody holds a lock: find who, SHOW FULL PROCESSLIST ({words})")
            }
            Cause::Question => format!("the server refuses a question: {words}"),
        }
    }
}

/// `ER_ACCESS_DENIED_ERROR` and `ER_ACCESS_DENIED_NO_PASSWORD_ERROR` (MariaDB error codes).
const DENIED: [u16; 2] = [1045, 1698];

/// `ER_CON_COUNT_ERROR`, `ER_TOO_MANY_USER_CONNECTIONS` and `ER_USER_LIMIT_REACHED`.
const FULL: [u16; 3] = [1040, 1203, 1226];

/// `ER_LOCK_WAIT_TIMEOUT`.
const LOCKED: u16 = 1205;

/// What the system says of a socket, and what that means; anything else ended the conversation.
const KINDS: [(ErrorKind, Cause); 4] = [
    (ErrorKind::NotFound, Cause::Gone),
    (ErrorKind::ConnectionRefused, Cause::Refused),
    (ErrorKind::WouldBlock, Cause::Late),
    (ErrorKind::TimedOut, Cause::Late),
];

/// What is the matter with a server, as the driver tells it.
pub fn cause(error: &mysql::Error) -> Cause {
    if let mysql::Error::MySqlError(server) = error {
        return match server.code {
            code if DENIED.contains(&code) => Cause::Denied,
            code if FULL.contains(&code) => Cause::Full,
            LOCKED => Cause::Locked,
            _ => Cause::Question,
        };
    }
    if let mysql::Error::DriverError(DriverError::UnknownAuthPlugin(_)) = error {
        return Cause::Denied; // it lives, and asks for a proof that the driver does not know
    }
    let kind = kind(error);
    let known = KINDS.iter().find(|(known, _)| Some(*known) == kind);
    known.map_or(Cause::Cut, |(_, cause)| *cause)
}

/// What the system said; the driver wraps that in different ways.
fn kind(error: &mysql::Error) -> Option<ErrorKind> {
    if let mysql::Error::DriverError(DriverError::CouldNotConnect(Some((_, _, kind)))) = error {
        return Some(*kind);
    }
    if let mysql::Error::IoError(error) = error {
        return Some(error.kind());
    }
    let io: &std::io::Error = error.source()?.downcast_ref()?;
    Some(io.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_names_the_remedy_within_what_the_cluster_keeps() {
        let socket = "/run/mysqld/mysqld.sock";
        for (cause, remedy) in [
            (Cause::Gone, "restart"),
            (Cause::Refused, "error log"),
            (Cause::Full, "raise max_connections"),
            (Cause::Denied, "correct check_user"),
            (Cause::Late, "error log"),
            (Cause::Cut, "error log"),
        ] {
            let text = DatabaseError::new(socket, cause, "words").to_string();
            let kept = &text[..text.len().min(127)];
            assert!(kept.contains(remedy), "{kept}");
        }
    }
}
