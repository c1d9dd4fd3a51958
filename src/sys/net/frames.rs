//! Frames as they are on the wire, sent and received through `AF_PACKET` (packet(7)), and received ICMPv6.
//!
//! Binding such a socket, and its last close, wait for every processor of the machine to pass by
//! (`synchronize_net`, net/packet/af_packet.c): ten milliseconds and more. So there is one for all devices, it is not
//! bound, and a process in a hurry leaves the last close to another one.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::sockopt::BindToDevice;
use nix::sys::socket::{LinkAddr, MsgFlags, bind, recv, recvfrom, send, sendto, setsockopt};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, Protocol, SocketFlags, SocketType, eth, ipproto, socket_with};

/// The longest frame that is of any interest: ARP, or a neighbour advertisement with its options.
const LONGEST: usize = 512;

/// Sends frames through any device, and hears ARP on all and ICMPv6 on some.
#[derive(Debug)]
pub struct Wire {
    packets: OwnedFd,
    ports: BTreeMap<u32, Port>,
    icmp: Vec<(u32, OwnedFd)>,
}

/// The way out through one device.
#[derive(Debug)]
struct Port {
    /// The kernel's own address of the device.
    address: LinkAddr,
    /// For a device that cannot be addressed: see [`ROOM`].
    bound: OnceCell<OwnedFd>,
}

/// The hardware address that has room in a socket address. Where it is longer, as with InfiniBand, the kernel takes no
/// such address (`packet_snd`, net/packet/af_packet.c), and the socket itself has to know the device.
const ROOM: usize = 8;

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A whole frame of ARP.
    Arp(Vec<u8>),
    /// An ICMPv6 message without its IPv6 header.
    Icmp(Vec<u8>),
}

impl Wire {
    /// Opens all devices; hears ICMPv6 on those given by number and name.
    ///
    /// # Errors
    /// When the system forbids it.
    pub fn open<'a>(neighbours: impl Iterator<Item = (u32, &'a str)>) -> io::Result<Self> {
        let packets = raw(AddressFamily::PACKET, Some(eth::ARP))?;
        let mut ports = BTreeMap::new();
        for found in getifaddrs()? {
            if let Some(port) = found.address.as_ref().and_then(|a| a.as_link_addr())
                && let Ok(index) = u32::try_from(port.ifindex())
            {
                let (address, bound) = (*port, OnceCell::new());
                ports.insert(index, Port { address, bound });
            }
        }
        let icmp = neighbours.map(|(index, name)| Ok((index, icmp(name)?)));
        Ok(Self {
            packets,
            ports,
            icmp: icmp.collect::<io::Result<_>>()?,
        })
    }

    /// Sends one frame through the device of this number.
    ///
    /// # Errors
    /// When the device does not take it: it is down or gone.
    pub fn send(&self, device: u32, frame: &[u8]) -> io::Result<()> {
        let port = self.ports.get(&device).ok_or(io::ErrorKind::NotFound)?;
        if port.address.halen() <= ROOM {
            let packets = self.packets.as_raw_fd();
            sendto(packets, frame, &port.address, MsgFlags::empty())?;
        } else {
            send(port.socket()?.as_raw_fd(), frame, MsgFlags::empty())?;
        }
        Ok(())
    }

    /// The next thing heard that waits to be read, and the number of its device.
    pub fn heard(&self) -> Option<(u32, Heard)> {
        let mut bytes = [0; LONGEST];
        if let Ok((length, Some(port))) = recvfrom::<LinkAddr>(self.packets.as_raw_fd(), &mut bytes)
        {
            let device = u32::try_from(port.ifindex()).ok()?;
            return Some((device, Heard::Arp(bytes[..length].to_vec())));
        }
        self.icmp.iter().find_map(|(device, socket)| {
            let length = recv(socket.as_raw_fd(), &mut bytes, MsgFlags::empty()).ok()?;
            Some((*device, Heard::Icmp(bytes[..length].to_vec())))
        })
    }

    /// Waits at most so long for something to be heard.
    pub fn wait(&self, limit: Duration) {
        let icmp = self.icmp.iter().map(|(_, socket)| socket);
        let sockets = std::iter::once(&self.packets).chain(icmp);
        let mut fds: Vec<_> = sockets
            .map(|socket| PollFd::new(socket, PollFlags::IN))
            .collect();
        let limit = Timespec::try_from(limit).ok();
        let _ = poll(&mut fds, limit.as_ref()); // interrupted: the caller looks and waits again
    }

    /// Another hold on the socket: while somebody has it, nobody's close is the last.
    ///
    /// # Errors
    /// When there are too many files open.
    pub fn hold(&self) -> io::Result<OwnedFd> {
        self.packets.as_fd().try_clone_to_owned()
    }
}

impl Port {
    /// A socket that sends through this device, and hears nothing.
    fn socket(&self) -> io::Result<&OwnedFd> {
        if let Some(socket) = self.bound.get() {
            return Ok(socket);
        }
        let socket = raw(AddressFamily::PACKET, None)?;
        bind(socket.as_raw_fd(), &self.address)?;
        Ok(self.bound.get_or_init(|| socket))
    }
}

fn raw(family: AddressFamily, protocol: Option<Protocol>) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socket_with(family, SocketType::RAW, flags, protocol)?)
}

fn icmp(device: &str) -> io::Result<OwnedFd> {
    let socket = raw(AddressFamily::INET6, Some(ipproto::ICMPV6))?;
    setsockopt(&socket, BindToDevice, &device.into())?;
    Ok(socket)
}
