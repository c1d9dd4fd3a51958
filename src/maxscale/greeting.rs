//! Whether a listener serves: it binds its port, accepts, and greets as a server does.
//!
//! MaxScale calls a listener `Running` even when its port is taken, and one that is stopped still accepts
//! connections: only the greeting proves it.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::answers::{Endpoint, Listener, Object};
use crate::ocf::Deadline;

/// The first byte of the payload: protocol version 10, or an error packet instead ("too many connections" greets
/// nobody, and the listener works); MariaDB's documentation of the initial handshake packet.
const FIRST: [u8; 2] = [10, 255];

/// Three bytes of length, one of sequence, and the first of the payload.
const HEAD: usize = 5;

/// Why a listener does not serve.
///
/// # Errors
/// A sentence that names it.
pub fn await_greeting(listener: &Object<Listener>, limit: Duration) -> Result<(), String> {
    let Object { id, attributes, .. } = listener;
    let place = place(&attributes.parameters);
    let name = || match &place {
        Some(place) => format!("listener {id} at {}", place.shown()),
        None => format!("listener {id}"),
    };
    let Some(place) = &place else {
        return Err(format!("listener {id} has neither port nor socket"));
    };
    let greeted = place
        .open(limit)
        .and_then(|mut stream| match greets(&attributes.parameters) {
            true => read(&mut stream),
            false => Ok(()), // the client speaks first in other protocols
        });
    let late = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut];
    greeted.map_err(|error| match late.contains(&error.kind()) {
        true => format!("{} does not greet within {limit:?}", name()),
        false => format!("{} does not serve: {error}", name()),
    })
}

/// Where a client would connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Host and port.
    Tcp(String, u16),
    /// Path, or `@` and an abstract name.
    Unix(String),
}

/// Where this listener is reached from its own host.
pub fn place(endpoint: &Endpoint) -> Option<Place> {
    if let Some(socket) = endpoint.socket.as_ref().filter(|path| !path.is_empty()) {
        return Some(Place::Unix(socket.clone()));
    }
    let port = endpoint.port.filter(|port| *port != 0)?;
    let host = endpoint.address.as_deref().unwrap_or("::");
    let host = match host.parse() {
        Ok(IpAddr::V4(ip)) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        // A listener on :: serves IPv4 as well.
        Ok(IpAddr::V6(ip)) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        Ok(IpAddr::V4(_) | IpAddr::V6(_)) | Err(_) => host.to_owned(),
    };
    Some(Place::Tcp(host, port))
}

/// A name, or that of the module: `MariaDBProtocol`, `mariadbclient`.
fn greets(endpoint: &Endpoint) -> bool {
    let protocol = endpoint.protocol.as_deref().unwrap_or("mariadb");
    protocol.to_ascii_lowercase().starts_with("mariadb")
}

impl Place {
    fn shown(&self) -> String {
        match self {
            Place::Tcp(host, port) => format!("{host}:{port}"),
            Place::Unix(path) => path.clone(),
        }
    }

    fn open(&self, limit: Duration) -> io::Result<Box<dyn Read>> {
        let limit = Deadline::bound(limit).max(Duration::from_millis(1));
        match self {
            Place::Tcp(host, port) => {
                let stream = connect(host, *port, limit)?;
                stream.set_read_timeout(Some(limit))?;
                Ok(Box::new(stream))
            }
            Place::Unix(path) => Ok(Box::new(connect_unix(path, limit)?)),
        }
    }
}

/// A connection to this path, or `@` and an abstract name, on which every wait ends after the limit. So does the first one, for
/// a place in the queue: Linux ends connect(2) to a unix socket after `SO_SNDTIMEO`.
///
/// # Errors
/// When nobody listens, and when the queue stays full.
pub fn connect_unix(path: &str, limit: Duration) -> io::Result<UnixStream> {
    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddrUnix::new_abstract_name(name.as_bytes())?,
        None => SocketAddrUnix::new(path)?,
    };
    let (family, kind) = (AddressFamily::UNIX, SocketType::STREAM);
    let socket = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    let stream = UnixStream::from(socket);
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    rustix::net::connect(&stream, &address)?;
    Ok(stream)
}

fn connect(host: &str, port: u16, limit: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::other("the host name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, limit) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn read(stream: &mut dyn Read) -> io::Result<()> {
    let mut head = [0; HEAD];
    stream.read_exact(&mut head)?;
    match FIRST.contains(&head[HEAD - 1]) {
        true => Ok(()),
        false => Err(io::Error::other(
            "its first packet is no greeting of a server",
        )),
    }
}

#[cfg(test)]
pub mod played {
    use std::path::Path;
    use std::sync::mpsc;
    use std::thread;

    use rustix::net::{bind, listen, socket};

    use super::*;

    /// Calls with a unix socket whose queue is full; whoever still waits after some seconds is refused.
    pub fn with_a_full_queue<T>(call: impl FnOnce(&Path) -> T) -> T {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let listener = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        listen(&listener, 0).unwrap();
        let _queued = UnixStream::connect(&path).unwrap();
        let (done, waiting) = mpsc::channel::<()>();
        let end = thread::spawn(move || {
            let _ = waiting.recv_timeout(Duration::from_secs(5));
            drop(listener);
        });
        let told = call(&path);
        drop(done);
        end.join().unwrap();
        told
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;
    use std::thread;

    use super::super::answers::captured;
    use super::*;

    const LIMIT: Duration = Duration::from_millis(300);

    /// For what comes: a busy machine may take its time.
    const PATIENCE: Duration = Duration::from_secs(10);

    /// A listener of this kind, whose server says this to whoever connects and then holds the connection.
    fn told(words: &'static [u8], protocol: &str) -> Result<(), String> {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut listener = captured::listeners().remove(0);
        listener.attributes.parameters.port = Some(server.local_addr().unwrap().port());
        listener.attributes.parameters.protocol = Some(protocol.to_owned());
        thread::spawn(move || {
            let (mut client, _) = server.accept().unwrap();
            client.write_all(words).unwrap();
            let _ = client.read(&mut [0; 16]);
        });
        let limit = if words.is_empty() { LIMIT } else { PATIENCE };
        await_greeting(&listener, limit)
    }

    #[test]
    fn a_greeting_or_an_error_packet_is_a_sign_of_service_and_silence_is_none() {
        assert_eq!(told(b"\x4a\0\0\0\x0a5.5.5", "MariaDBProtocol"), Ok(()));
        assert_eq!(told(b"\x17\0\0\0\xff\x10\x04Too many", "mariadb"), Ok(()));
        let silent = told(b"", "mariadbclient").unwrap_err();
        assert!(silent.contains("does not greet within 300ms"), "{silent}");
        assert_eq!(told(b"", "nosqlprotocol"), Ok(()));
        let odd = told(b"HTTP/1.1 400", "MariaDBProtocol").unwrap_err();
        assert!(odd.contains("no greeting of a server"), "{odd}");
    }

    #[test]
    fn a_port_that_nobody_has_bound_is_named() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut listener = captured::listeners().remove(0);
        listener.attributes.parameters.port = Some(port);
        let refused = await_greeting(&listener, LIMIT).unwrap_err();
        let start = format!("listener Replication-Listener at 127.0.0.1:{port} does not serve: ");
        assert!(refused.starts_with(&start), "{refused}");
    }

    #[test]
    fn a_unix_socket_whose_queue_is_full_does_not_greet_in_time() {
        let mut listener = captured::listeners().remove(0);
        let late = played::with_a_full_queue(|path| {
            listener.attributes.parameters.socket = Some(path.to_str().unwrap().to_owned());
            await_greeting(&listener, LIMIT).unwrap_err()
        });
        assert!(late.contains("does not greet within 300ms"), "{late}");
    }

    #[test]
    fn a_socket_goes_before_the_port_and_an_unspecified_address_is_the_loopback() {
        let endpoint = |text: &str| -> Endpoint { serde_json::from_str(text).unwrap() };
        let v6 = endpoint(r#"{"address":"::","port":4006}"#);
        assert_eq!(place(&v6), Some(Place::Tcp("127.0.0.1".to_owned(), 4006)));
        let own = endpoint(r#"{"address":"192.0.2.1","port":4006}"#);
        assert_eq!(place(&own), Some(Place::Tcp("192.0.2.1".to_owned(), 4006)));
        let socket = endpoint(r#"{"address":"::","port":null,"socket":"/run/x"}"#);
        assert_eq!(place(&socket), Some(Place::Unix("/run/x".to_owned())));
        assert_eq!(place(&endpoint("{}")), None);
    }
}
