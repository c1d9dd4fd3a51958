//! One question over a connection that is ours already. The driver opens its own: it knows no abstract sockets, and no end
//! of its wait for a unix socket whose queue is full.
//!
//! Packets: MariaDB's documentation of the client/server protocol.

use std::io;
use std::os::unix::net::UnixStream;

use mysql::{DriverError, Error, Result};
use mysql_common::constants::{CapabilityFlags, Command};
use mysql_common::io::ParseBuf;
use mysql_common::packets::{
    AuthPlugin, AuthSwitchRequest, ErrPacket, HandshakePacket, HandshakeResponse,
};
use mysql_common::proto::MySerialize;
use mysql_common::proto::sync_framed::MySyncFramed;

use super::account::Account;

/// No answer to the question has a packet longer than this.
pub const LONGEST_PACKET: u32 = 1 << 20;

/// What we want of the protocol: among the rest, that a proof of another kind may be asked for.
const WANTED: CapabilityFlags = CapabilityFlags::CLIENT_PROTOCOL_41
    .union(CapabilityFlags::CLIENT_LONG_PASSWORD)
    .union(CapabilityFlags::CLIENT_SECURE_CONNECTION)
    .union(CapabilityFlags::CLIENT_TRANSACTIONS)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH);

/// First byte of a packet: done, another proof is asked for or no more columns or rows, refused.
const OK: u8 = 0;
const SWITCH_OR_END: u8 = 0xfe;
const REFUSED: u8 = 0xff;

/// A packet that begins with [`SWITCH_OR_END`] and is longer is a row.
const LONGEST_END: usize = 8;

/// Asks, and reads the whole answer. Each wait ends as the stream's time limits say.
///
/// # Errors
/// When the account or the question is refused, or no answer comes.
pub fn ask(stream: UnixStream, account: &Account, question: &str) -> Result<()> {
    let (received, sent, codec) = Default::default();
    let mut client = Client {
        packets: MySyncFramed::construct(received, sent, codec, stream),
        capabilities: CapabilityFlags::empty(),
    };
    client.log_in(account)?;
    client.query(question)?;
    // Whoever does not hear it has answered all the same.
    drop(client.command(Command::COM_QUIT, ""));
    Ok(())
}

struct Client {
    packets: MySyncFramed<UnixStream>,
    capabilities: CapabilityFlags,
}

impl Client {
    fn log_in(&mut self, account: &Account) -> Result<()> {
        let greeting = self.read()?;
        let greeting: HandshakePacket<'_> = ParseBuf(&greeting).parse(())?;
        self.capabilities = greeting.capabilities() & WANTED;
        let native = AuthPlugin::MysqlNativePassword;
        let response = HandshakeResponse::new(
            Some(proof(&native, account, &greeting.nonce())?),
            greeting.server_version_parsed().unwrap_or_default(),
            Some(account.user.as_bytes()),
            None::<Vec<u8>>,
            Some(native),
            self.capabilities,
            None,
            LONGEST_PACKET,
        );
        let mut packet = Vec::new();
        response.serialize(&mut packet);
        self.send(&packet)?;
        let mut answer = self.read()?;
        if answer.first() == Some(&SWITCH_OR_END) {
            let asked: AuthSwitchRequest<'_> = ParseBuf(&answer).parse(())?;
            self.send(&proof(&asked.auth_plugin(), account, asked.plugin_data())?)?;
            answer = self.read()?;
        }
        match answer.first() {
            Some(&OK) => Ok(()),
            _ => Err(DriverError::UnexpectedPacket.into()),
        }
    }

    /// Columns, an end, rows, and an end; or only that it is done.
    fn query(&mut self, question: &str) -> Result<()> {
        self.command(Command::COM_QUERY, question)?;
        if self.read()?.first() == Some(&OK) {
            return Ok(());
        }
        for _ in ["columns", "rows"] {
            while !is_end(&self.read()?) {}
        }
        Ok(())
    }

    fn command(&mut self, command: Command, words: &str) -> Result<()> {
        self.packets.codec_mut().reset_seq_id();
        self.send(&[&[command as u8], words.as_bytes()].concat())
    }

    fn send(&mut self, mut packet: &[u8]) -> Result<()> {
        Ok(self.packets.send(&mut packet)?)
    }

    fn read(&mut self) -> Result<Vec<u8>> {
        let mut packet = Vec::new();
        if !self.packets.next_packet(&mut packet)? {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        if packet.first() != Some(&REFUSED) {
            return Ok(packet);
        }
        match ParseBuf(&packet).parse(self.capabilities)? {
            ErrPacket::Error(error) => Err(Error::MySqlError(error.into())),
            ErrPacket::Progress(_) => Err(DriverError::UnexpectedPacket.into()), // not asked for
        }
    }
}

fn is_end(packet: &[u8]) -> bool {
    packet.first() == Some(&SWITCH_OR_END) && packet.len() <= LONGEST_END
}

/// That we know the password; nothing when it is empty.
fn proof(plugin: &AuthPlugin<'_>, account: &Account, nonce: &[u8]) -> Result<Vec<u8>> {
    let known = [AuthPlugin::MysqlNativePassword, AuthPlugin::Ed25519];
    if !known.contains(plugin) {
        let name = String::from_utf8_lossy(plugin.as_bytes()).into_owned();
        return Err(DriverError::UnknownAuthPlugin(name).into());
    }
    let proof = plugin.gen_data(Some(account.password.reveal()), nonce);
    Ok(proof.map(|proof| proof.to_vec()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::thread;

    use super::*;
    use crate::galera::silence::{Cause, cause};
    use crate::ocf::Secret;

    const GREETING: &[u8] = b"\x0a10.11.6-MariaDB\0\x01\0\0\0abcdefgh\0\x0d\xa2\x21\x02\0\x0f\0\x15\0\0\0\0\0\0\0\0\0\0\
                              ijklmnopqrst\0mysql_native_password\0";
    const DONE: &[u8] = b"\0\0\0\x02\0\0\0";

    fn told(server: &mut UnixStream, number: u8, words: &[u8]) {
        let length = u8::try_from(words.len()).unwrap();
        let packet = [&[length, 0, 0, number], words].concat();
        server.write_all(&packet).unwrap();
    }

    fn heard(server: &mut UnixStream) -> Option<Vec<u8>> {
        let mut head = [0; 4];
        server.read_exact(&mut head).ok()?;
        let mut words = vec![0; usize::from(head[0])];
        server.read_exact(&mut words).ok()?;
        Some(words)
    }

    /// The end of a question to a server that wants this kind of proof, and the proof.
    fn asked(plugin: &'static str) -> (Result<()>, Vec<u8>) {
        let (ours, mut server) = UnixStream::pair().unwrap();
        let server = thread::spawn(move || {
            told(&mut server, 0, GREETING);
            let login = heard(&mut server).unwrap();
            assert!(login[32..].starts_with(b"check\0\x14"), "{login:?}");
            let nonce = "01234567890123456789012345678901";
            let words = format!("{plugin}\0{nonce}\0");
            told(&mut server, 2, &[b"\xfe", words.as_bytes()].concat());
            let Some(proof) = heard(&mut server) else {
                return Vec::new();
            };
            told(&mut server, 4, DONE);
            assert_eq!(heard(&mut server).unwrap(), b"\x03SELECT 1");
            told(&mut server, 1, DONE);
            assert_eq!(heard(&mut server).unwrap(), b"\x01");
            proof
        });
        let account = Account {
            user: "check".to_owned(),
            password: Secret::new("swordfish".to_owned()),
        };
        let told = ask(ours, &account, "SELECT 1");
        (told, server.join().unwrap())
    }

    #[test]
    fn an_account_proves_itself_as_the_server_wants_it() {
        for (plugin, length) in [("client_ed25519", 64), ("mysql_native_password", 20)] {
            let (told, proof) = asked(plugin);
            told.unwrap();
            assert_eq!(proof.len(), length, "{plugin}");
        }
    }

    #[test]
    fn a_server_that_wants_a_proof_that_we_do_not_know_lives() {
        let (told, _) = asked("auth_gssapi_client");
        assert_eq!(cause(&told.unwrap_err()), Cause::Denied);
    }
}
