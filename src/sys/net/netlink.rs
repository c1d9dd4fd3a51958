//! A conversation with the kernel over `NETLINK_ROUTE` (rtnetlink(7)).

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader,
    NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};

/// The kernel puts at most 32 KiB into one datagram (`netlink_dump`, net/netlink/af_netlink.c).
const DATAGRAM: usize = 64 * 1024;

/// A list that was changed while it was read is read again, so many times.
const READS: u32 = 10;

/// A socket to the kernel, in the namespace where it was opened.
#[derive(Debug)]
pub struct Netlink {
    socket: Socket,
    sequence: u32,
}

/// What one request brought.
struct Received {
    messages: Vec<RouteNetlinkMessage>,
    interrupted: bool,
}

impl Netlink {
    /// Opens a socket in the namespace of this process.
    ///
    /// # Errors
    /// When the kernel gives none.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self {
            socket,
            sequence: 0,
        })
    }

    /// Reads one object.
    ///
    /// # Errors
    /// The kernel's; `NotFound` or `ENODEV` when there is no such object.
    pub fn get(&mut self, message: RouteNetlinkMessage) -> io::Result<Vec<RouteNetlinkMessage>> {
        Ok(self.exchange(message, NLM_F_ACK)?.messages)
    }

    /// Reads all objects, as they were at one moment.
    ///
    /// # Errors
    /// The kernel's, and when the list never stood still.
    pub fn list(&mut self, message: &RouteNetlinkMessage) -> io::Result<Vec<RouteNetlinkMessage>> {
        for _ in 0..READS {
            let received = self.exchange(message.clone(), NLM_F_DUMP)?;
            if !received.interrupted {
                return Ok(received.messages);
            }
        }
        Err(io::Error::other("the list changed while it was read"))
    }

    /// Makes an object that must not be there yet.
    ///
    /// # Errors
    /// The kernel's; `AlreadyExists` when it is there.
    pub fn create(&mut self, message: RouteNetlinkMessage) -> io::Result<()> {
        self.exchange(message, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL)
            .map(drop)
    }

    /// Removes an object.
    ///
    /// # Errors
    /// The kernel's; `AddrNotAvailable` when an address is not there.
    pub fn delete(&mut self, message: RouteNetlinkMessage) -> io::Result<()> {
        self.exchange(message, NLM_F_ACK).map(drop)
    }

    fn exchange(&mut self, message: RouteNetlinkMessage, flags: u16) -> io::Result<Received> {
        self.sequence += 1;
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut request = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.socket.send(&bytes, 0)?;
        self.receive()
    }

    /// Everything up to the kernel's last word on this request.
    fn receive(&self) -> io::Result<Received> {
        let mut received = Received {
            messages: Vec::new(),
            interrupted: false,
        };
        let mut datagram = Vec::with_capacity(DATAGRAM);
        loop {
            datagram.clear();
            self.socket.recv(&mut datagram, 0)?;
            let mut rest = datagram.as_slice();
            while !rest.is_empty() {
                let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                let length = (message.header.length as usize).next_multiple_of(4);
                rest = rest.get(length..).unwrap_or_default();
                if message.header.sequence_number != self.sequence {
                    continue; // belongs to a request that failed half-way
                }
                received.interrupted |= message.header.flags & NLM_F_DUMP_INTR != 0;
                if let Some(ended) = take(message.payload, &mut received.messages) {
                    return ended.map(|()| received);
                }
            }
        }
    }
}

/// Keeps an object; the kernel's last word, if this is it.
fn take(
    payload: NetlinkPayload<RouteNetlinkMessage>,
    messages: &mut Vec<RouteNetlinkMessage>,
) -> Option<io::Result<()>> {
    let code = match payload {
        NetlinkPayload::InnerMessage(message) => {
            messages.push(message);
            return None;
        }
        NetlinkPayload::Done(done) => done.code,
        NetlinkPayload::Error(answer) => answer.raw_code(),
        _ => return None,
    };
    Some(match code {
        0 => Ok(()),
        negative => Err(io::Error::from_raw_os_error(negative.abs())),
    })
}
