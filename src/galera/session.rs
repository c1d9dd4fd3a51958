//! The few packets of MariaDB's client protocol that a question over the unix socket needs.
//!
//! A monitor runs every second. The driver compiles regular expressions and fills buffers of megabytes for each
//! connection, which was most of a monitor's time, and connects without a time-out.
//! Specification: MariaDB's "Client/Server Protocol", text protocol.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use sha1::{Digest, Sha1};

use super::settings::Account;
use crate::ocf::{Deadline, TimedOut, wait_until};

/// No packet of an answer to us is longer than this.
const LONGEST_PACKET: usize = 1 << 20;

/// How often a full queue is tried.
const STEP: Duration = Duration::from_millis(20);

/// Long passwords, protocol 4.1, transactions, 20 bytes of scramble, plugins of authentication.
const CAPABILITIES: u32 = 0x1 | 0x200 | 0x2000 | 0x8000 | 0x8_0000;

const UTF8MB4: u8 = 45;
const NATIVE: &[u8] = b"mysql_native_password";
const UNIX_SOCKET: &[u8] = b"unix_socket";
const OK: u8 = 0x00;
const END: u8 = 0xfe;
const ERROR: u8 = 0xff;
const NULL: u8 = 0xfb;
const QUERY: u8 = 0x03;
const QUIT: u8 = 0x01;

/// Why a session ended, or did not begin.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The system's word.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The server's word.
    #[error("ERROR {code}: {words}")]
    Server {
        /// Its number.
        code: u16,
        /// Its text.
        words: String,
    },
    /// What came is no answer.
    #[error("an answer that cannot be understood: {0}")]
    Odd(&'static str),
}

/// The queue of the socket stayed full.
impl From<TimedOut> for SessionError {
    fn from(late: TimedOut) -> Self {
        io::Error::new(io::ErrorKind::TimedOut, late.to_string()).into()
    }
}

/// One row: its columns as text.
pub type Row = Vec<Option<String>>;

/// An open session.
#[derive(Debug)]
pub struct Session {
    stream: UnixStream,
    /// The number of the next packet.
    sequence: u8,
    /// What was received and not yet used.
    received: Vec<u8>,
}

impl Session {
    /// Connects and logs in; the server has `limit` for each step.
    ///
    /// # Errors
    /// When nobody listens, the account is refused or the time is over.
    pub fn open(path: &Path, account: &Account, limit: Duration) -> Result<Self, SessionError> {
        let stream = connected(path, limit)?;
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))?;
        let mut session = Self {
            stream,
            sequence: 0,
            received: Vec::new(),
        };
        session.log_in(account)?;
        Ok(session)
    }

    /// Asks, and returns all rows; none for a statement that has no result.
    ///
    /// # Errors
    /// When the server refuses, or does not answer in time.
    pub fn query(&mut self, text: &str) -> Result<Vec<Row>, SessionError> {
        self.sequence = 0;
        self.send(&[&[QUERY], text.as_bytes()].concat())?;
        let head = self.receive()?;
        if head.first() == Some(&OK) {
            return Ok(Vec::new());
        }
        let columns = Bytes(&head).number().ok_or(SHORT)?;
        for _ in 0..columns {
            self.receive()?;
        }
        self.receive()?; // the end of the columns
        let mut rows = Vec::new();
        loop {
            let packet = self.receive()?;
            if packet.first() == Some(&END) && packet.len() < 9 {
                return Ok(rows);
            }
            let mut bytes = Bytes(&packet);
            let row = (0..columns).map(|_| bytes.column().ok_or(SHORT));
            rows.push(row.collect::<Result<Row, _>>()?);
        }
    }

    fn log_in(&mut self, account: &Account) -> Result<(), SessionError> {
        let scramble = scramble(&self.receive()?).ok_or(SHORT)?;
        let proof = proof(account, &scramble);
        let length = u8::try_from(proof.len()).unwrap_or_default();
        let limit = u32::try_from(LONGEST_PACKET).unwrap_or(u32::MAX);
        let answer = [
            &CAPABILITIES.to_le_bytes()[..],
            &limit.to_le_bytes(),
            &[UTF8MB4],
            &[0; 23],
            account.user.as_bytes(),
            &[0, length],
            &proof,
            NATIVE,
            &[0],
        ];
        self.send(&answer.concat())?;
        loop {
            let packet = self.receive()?;
            match packet.split_first() {
                Some((&OK, _)) => return Ok(()),
                Some((&END, request)) => self.prove_otherwise(account, request)?,
                _ => return Err(SessionError::Odd("to the account")),
            }
        }
    }

    /// The server wants another proof: by the password, or by the user at the other end of the socket, which the
    /// kernel tells it.
    fn prove_otherwise(&mut self, account: &Account, request: &[u8]) -> Result<(), SessionError> {
        let mut request = Bytes(request);
        let plugin = request.text().ok_or(SHORT)?;
        match plugin {
            NATIVE => {
                let scramble = request.take(20).ok_or(SHORT)?;
                self.send(&proof(account, scramble))
            }
            UNIX_SOCKET => self.send(&[]),
            _ => Err(SessionError::Server {
                code: 1045,
                words: format!(
                    "the account {} needs {}, the agent can mysql_native_password and unix_socket",
                    account.user,
                    String::from_utf8_lossy(plugin)
                ),
            }),
        }
    }

    fn send(&mut self, payload: &[u8]) -> Result<(), SessionError> {
        let length = u32::try_from(payload.len()).map_err(|_| SessionError::Odd("too long"))?;
        let [a, b, c, _] = length.to_le_bytes();
        let packet = [&[a, b, c, self.sequence], payload].concat();
        self.sequence = self.sequence.wrapping_add(1);
        Ok(self.stream.write_all(&packet)?)
    }

    /// The next packet; that of an error as the error.
    fn receive(&mut self) -> Result<Vec<u8>, SessionError> {
        let head = self.take(4)?;
        let length = u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize;
        if length > LONGEST_PACKET {
            return Err(SessionError::Odd("longer than any of ours"));
        }
        self.sequence = head[3].wrapping_add(1);
        let packet = self.take(length)?;
        match packet.split_first() {
            Some((&ERROR, error)) => Err(refusal(error)),
            Some(_) => Ok(packet),
            None => Err(SessionError::Odd("empty")),
        }
    }

    fn take(&mut self, length: usize) -> Result<Vec<u8>, SessionError> {
        let mut buffer = [0; 4096];
        while self.received.len() < length {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(more) => self.received.extend_from_slice(&buffer[..more]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        let rest = self.received.split_off(length);
        Ok(std::mem::replace(&mut self.received, rest))
    }
}

/// Says good-bye: the server would count an aborted client.
impl Drop for Session {
    fn drop(&mut self) {
        self.sequence = 0;
        if let Err(error) = self.send(&[QUIT]) {
            log::trace!("no good-bye: {error}");
        }
    }
}

const SHORT: SessionError = SessionError::Odd("it ends too early");

/// A connection. No time-out reaches a connect(2) that waits for a place in the queue of a unix socket, as that of
/// a hung server with many clients: so it never waits, and is tried again until the limit.
fn connected(path: &Path, limit: Duration) -> Result<UnixStream, SessionError> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let address = SocketAddrUnix::new(path).map_err(io::Error::from)?;
    let deadline = Deadline::after(limit);
    wait_until(
        &deadline,
        STEP,
        "a place in the queue of its socket",
        || {
            let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
                .map_err(io::Error::from)?;
            match connect(&socket, &address) {
                Ok(()) => {
                    let stream = UnixStream::from(socket);
                    stream.set_nonblocking(false)?;
                    Ok(Some(stream))
                }
                Err(Errno::AGAIN) => Ok(None),
                Err(error) => Err(io::Error::from(error).into()),
            }
        },
    )
}

/// The scramble in the server's first packet.
fn scramble(greeting: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Bytes(greeting);
    bytes.take(1)?; // the version of the protocol
    bytes.text()?; // that of the server
    bytes.take(4)?; // the number of the connection
    let first = bytes.take(8)?;
    bytes.take(19)?; // filler, capabilities, character set, status, length of the scramble, filler
    let second = bytes.take(12)?;
    Some([first, second].concat())
}

/// Nothing for an account without a password, else SHA1(password) xor SHA1(scramble + SHA1(SHA1(password))).
fn proof(account: &Account, scramble: &[u8]) -> Vec<u8> {
    let Some(password) = account
        .password
        .as_ref()
        .filter(|it| !it.reveal().is_empty())
    else {
        return Vec::new();
    };
    let once = Sha1::digest(password.reveal().as_bytes());
    let twice = Sha1::digest(once);
    let salted = Sha1::digest([scramble, twice.as_slice()].concat());
    once.iter().zip(salted).map(|(a, b)| a ^ b).collect()
}

/// An error packet without its first byte: number, perhaps an SQL state, text.
fn refusal(error: &[u8]) -> SessionError {
    let mut bytes = Bytes(error);
    let Some(code) = bytes.take(2) else {
        return SHORT;
    };
    let code = u16::from_le_bytes([code[0], code[1]]);
    if bytes.0.first() == Some(&b'#') {
        bytes.take(6);
    }
    let words = String::from_utf8_lossy(bytes.0).into_owned();
    SessionError::Server { code, words }
}

/// What is left of a packet.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// Up to a zero byte, which is passed over; or all there is.
    fn text(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == 0);
        let text = self.take(end.unwrap_or(self.0.len()))?;
        self.take(usize::from(end.is_some()))?;
        Some(text)
    }

    /// A number of as many bytes as its first one says.
    fn number(&mut self) -> Option<usize> {
        let length = match self.take(1)?[0] {
            small @ 0..NULL => return Some(usize::from(small)),
            0xfc => 2,
            0xfd => 3,
            END => 8,
            NULL | ERROR => return None,
        };
        let mut bytes = [0; 8];
        bytes[..length].copy_from_slice(self.take(length)?);
        usize::try_from(u64::from_le_bytes(bytes)).ok()
    }

    /// A column of a row; the inner `None` is NULL.
    fn column(&mut self) -> Option<Option<String>> {
        if self.0.first() == Some(&NULL) {
            self.take(1)?;
            return Some(None);
        }
        let length = self.number()?;
        let text = String::from_utf8_lossy(self.take(length)?);
        Some(Some(text.into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_have_one_three_four_or_nine_bytes() {
        assert_eq!(Bytes(&[250]).number(), Some(250));
        assert_eq!(Bytes(&[0xfc, 1, 2]).number(), Some(0x201));
        assert_eq!(Bytes(&[0xfd, 1, 2, 3]).number(), Some(0x3_0201));
        assert_eq!(Bytes(&[0xfe, 9, 0, 0, 0, 0, 0, 0, 0]).number(), Some(9));
        assert_eq!(Bytes(&[0xfc, 1]).number(), None);
    }

    #[test]
    fn a_column_is_text_or_null() {
        let mut row = Bytes(b"\x02ON\xfb\x00");
        assert_eq!(row.column(), Some(Some("ON".into())));
        assert_eq!(row.column(), Some(None));
        assert_eq!(row.column(), Some(Some(String::new())));
        assert_eq!(row.column(), None);
    }

    #[test]
    fn the_scramble_is_found_in_a_greeting() {
        let greeting =
            b"\x0a5.5.5-10.11.19-MariaDB\0\x01\0\0\0abcdefgh\0\xfe\xf7\x2d\x02\0\xff\x81\x15\
            \0\0\0\0\0\0\x1d\0\0\0ijklmnopqrst\0mysql_native_password\0";
        assert_eq!(scramble(greeting).unwrap(), b"abcdefghijklmnopqrst");
    }

    #[test]
    fn an_account_without_a_password_proves_nothing() {
        let account = |password: Option<&str>| Account {
            user: "u".into(),
            password: password.map(|text| crate::ocf::Secret::new(text.into())),
        };
        assert!(proof(&account(None), b"abcdefghijklmnopqrst").is_empty());
        assert!(proof(&account(Some("")), b"abcdefghijklmnopqrst").is_empty());
        assert_eq!(
            proof(&account(Some("x")), b"abcdefghijklmnopqrst").len(),
            20
        );
    }

    proptest! {
        #[test]
        fn no_packet_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = scramble(&bytes);
            let _ = refusal(&bytes);
            let mut left = Bytes(&bytes);
            while left.column().is_some() {}
        }
    }
}
