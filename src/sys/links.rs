//! The TCP connections of this machine, as the kernel lists them (`/proc/net/tcp`, Documentation/networking/proc_net_tcp.rst).

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// `TCP_ESTABLISHED` (include/net/tcp_states.h).
const ESTABLISHED: &str = "01";

/// So many retransmissions without an answer, and the other end is not there, or nothing reaches it.
const UNANSWERED: u64 = 2;

/// How long the other end may take to refuse a connection: longer than any round trip within a site.
const REFUSAL: Duration = Duration::from_millis(100);

/// One connection that is established.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The port on this machine.
    pub port: u16,
    /// The other end's address.
    pub peer: IpAddr,
    /// The other end's port.
    pub peer_port: u16,
    /// How often the kernel has sent the oldest data again, without an answer.
    pub retransmissions: u64,
}

impl Link {
    /// Whether the other end answers, as far as the kernel knows.
    pub fn answers(&self) -> bool {
        self.retransmissions < UNANSWERED
    }
}

/// All established connections, of both address families.
pub fn all() -> Vec<Link> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let texts = tables.map(|table| fs::read_to_string(table).unwrap_or_default());
    texts.iter().flat_map(|text| read(text)).collect()
}

/// Whether the kernel of the machine with these addresses says that nobody listens on the port. False when somebody
/// does at one of them, also a process that is stopped, and when no answer comes in time from one of them.
pub fn refuses(addresses: &BTreeSet<IpAddr>, port: u16) -> bool {
    let attempts = addresses.iter().map(|address| {
        let attempt = TcpStream::connect_timeout(&SocketAddr::new(*address, port), REFUSAL);
        attempt.map(drop).map_err(|error| error.kind())
    });
    is_refusal(attempts)
}

/// What the attempts to connect to all addresses of a machine mean. An address to which there is no route says nothing.
fn is_refusal(attempts: impl Iterator<Item = Result<(), ErrorKind>>) -> bool {
    let mut refused = false;
    for attempt in attempts {
        match attempt {
            Ok(()) | Err(ErrorKind::TimedOut) => return false,
            Err(kind) => refused |= kind == ErrorKind::ConnectionRefused,
        }
    }
    refused
}

fn read(table: &str) -> impl Iterator<Item = Link> + use<'_> {
    table.lines().skip(1).filter_map(link)
}

fn link(line: &str) -> Option<Link> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (_, port) = end(fields.next()?)?;
    let (peer, peer_port) = end(fields.next()?)?;
    if fields.next()? != ESTABLISHED {
        return None;
    }
    let retransmissions = u64::from_str_radix(fields.nth(2)?, 16).ok()?;
    Some(Link {
        port,
        peer,
        peer_port,
        retransmissions,
    })
}

/// `ADDRESS:PORT` in hexadecimal; the address in words of 32 bits in the machine's own byte order.
fn end(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let words = address.as_bytes().chunks(8).map(|word| {
        let word = u32::from_str_radix(str::from_utf8(word).ok()?, 16).ok()?;
        Some(word.to_ne_bytes())
    });
    let bytes: Vec<u8> = words.collect::<Option<Vec<_>>>()?.concat();
    if let Ok(four) = <[u8; 4]>::try_from(bytes.as_slice()) {
        return Some((Ipv4Addr::from(four).into(), port));
    }
    let sixteen = <[u8; 16]>::try_from(bytes).ok()?;
    Some((Ipv6Addr::from(sixteen).to_canonical(), port))
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0B974D0A:11D7 00000000:0000 0A 00000000:00000000 00:00000000 00000000   105        0 1 1 0 100 0 0 10 0
   1: 0B974D0A:11D7 0C974D0A:A2B4 01 00000000:00000000 02:0000040A 00000000   105        0 2 2 0 20 4 30 10 -1
   2: 0B974D0A:8B1C 0D974D0A:11D7 01 00000040:00000000 01:00000014 00000003   105        0 3 2 0 20 4 30 10 -1
";
    const TABLE6: &str = "\
  sl  local_address                         remote_address                        st
   0: 0000000000000000FFFF00000B974D0A:11D7 0000000000000000FFFF00000C974D0A:A2B4 01 00000000:00000000 02:000005A2 00000000
   1: B80D0120000000000000000001000000:11D7 B80D0120000000000000000002000000:A2B5 01 00000000:00000000 02:000005A2 00000000
";

    #[test]
    #[cfg(target_endian = "little")]
    fn established_connections_are_read_with_their_retransmissions() {
        let links: Vec<_> = read(TABLE).collect();
        let ends: Vec<_> = links
            .iter()
            .map(|link| (link.port, link.peer.to_string(), link.peer_port))
            .collect();
        assert_eq!(
            ends,
            [
                (4567, "10.77.151.12".to_owned(), 41652),
                (35612, "10.77.151.13".to_owned(), 4567)
            ]
        );
        assert!(links[0].answers() && !links[1].answers());
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn mapped_addresses_are_those_of_the_older_family() {
        let peers: Vec<_> = read(TABLE6).map(|link| link.peer.to_string()).collect();
        assert_eq!(peers, ["10.77.151.12", "2001:db8::2"]);
    }

    /// A port of this machine that nobody else gets, and on which nobody listens yet.
    fn held_port() -> (OwnedFd, u16) {
        let held = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&held, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let place = SocketAddr::try_from(getsockname(&held).unwrap()).unwrap();
        (held, place.port())
    }

    /// The kernel takes connections for a process that never accepts one, as a stopped one.
    #[test]
    fn a_port_is_refused_only_where_nobody_listens() {
        let here = BTreeSet::from([IpAddr::from(Ipv4Addr::LOCALHOST)]);
        let (held, port) = held_port();
        assert!(refuses(&here, port));
        listen(&held, 1).unwrap();
        assert!(!refuses(&here, port));
        assert!(!refuses(&BTreeSet::new(), port), "nobody was asked");
    }

    #[test]
    fn a_machine_that_refuses_at_one_address_and_is_silent_at_another_has_not_refused() {
        let means = |all: &[Result<(), ErrorKind>]| is_refusal(all.iter().copied());
        let (refused, silent) = (Err(ErrorKind::ConnectionRefused), Err(ErrorKind::TimedOut));
        assert!(!means(&[refused, silent]) && !means(&[silent, refused]));
        assert!(!means(&[refused, Ok(())]) && !means(&[Ok(()), refused]));
        let no_route = Err(ErrorKind::NetworkUnreachable);
        assert!(means(&[no_route, refused]) && means(&[refused]));
        assert!(!means(&[no_route]));
    }

    #[test]
    fn lines_that_make_no_sense_are_passed_over() {
        assert_eq!(read("head\n 0: x y 01\n\n 1: 0B974D0A:1\n").count(), 0);
    }
}
