//! The addresses of all devices.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope, CacheInfo,
};
use netlink_packet_route::addrlabel::{AddrLabelAttribute, AddrLabelMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use serde::{Deserialize, Serialize};

use super::netlink::Netlink;

/// One address of one device, with everything that the kernel says of it: added again, it is what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    message: AddressMessage,
}

/// How an address is to be added, besides where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manner {
    /// The label (IPv4), the device's name in front.
    pub label: Option<String>,
    /// The broadcast address (IPv4).
    pub broadcast: Option<Ipv4Addr>,
    /// Make no route to the network.
    pub no_prefix_route: bool,
    /// Let the kernel not look for a duplicate (IPv6).
    pub no_dad: bool,
    /// For how many seconds it is preferred as a source (IPv6); `None`: for ever.
    pub preferred: Option<u32>,
}

impl Address {
    /// An address as it is to become.
    pub fn new(ip: IpAddr, prefix: u8, device: u32, manner: &Manner) -> Self {
        let mut message = AddressMessage::default();
        message.header.prefix_len = prefix;
        message.header.index = device;
        let attributes = &mut message.attributes;
        attributes.extend([AddressAttribute::Local(ip), AddressAttribute::Address(ip)]);
        let mut flags = AddressFlags::empty();
        flags.set(AddressFlags::Noprefixroute, manner.no_prefix_route);
        if ip.is_ipv4() {
            message.header.family = AddressFamily::Inet;
            message.header.scope = scope(ip);
            attributes.extend(manner.label.clone().map(AddressAttribute::Label));
            attributes.extend(manner.broadcast.map(AddressAttribute::Broadcast));
        } else {
            message.header.family = AddressFamily::Inet6;
            flags.set(AddressFlags::Nodad, manner.no_dad);
            attributes.extend(manner.preferred.map(|seconds| {
                let mut times = CacheInfo::default();
                times.ifa_preferred = seconds;
                times.ifa_valid = u32::MAX; // INFINITY_LIFE_TIME
                AddressAttribute::CacheInfo(times)
            }));
        }
        attributes.push(AddressAttribute::Flags(flags));
        Self { ip, message }
    }

    /// What the kernel says. `None` without an address.
    pub fn read(message: AddressMessage) -> Option<Self> {
        let mut found = None;
        for attribute in &message.attributes {
            match attribute {
                AddressAttribute::Local(ip) => found = Some(*ip), // of a point-to-point link, Address is the peer
                AddressAttribute::Address(ip) => found = found.or(Some(*ip)),
                _ => {}
            }
        }
        found.map(|ip| Self { ip, message })
    }

    /// The bits of the network.
    pub fn prefix(&self) -> u8 {
        self.message.header.prefix_len
    }

    /// The number of the device.
    pub fn device(&self) -> u32 {
        self.message.header.index
    }

    /// Whether it hangs on another address of the same network, and goes with it.
    pub fn is_secondary(&self) -> bool {
        self.ip.is_ipv4() && self.flags().contains(AddressFlags::Secondary)
    }

    /// Whether the kernel still looks for a duplicate and does not use it.
    pub fn is_tentative(&self) -> bool {
        let flags = self.flags();
        flags.contains(AddressFlags::Tentative) && !flags.contains(AddressFlags::Optimistic)
    }

    /// Whether the kernel found a duplicate and does not use it.
    pub fn is_duplicate(&self) -> bool {
        self.flags().contains(AddressFlags::Dadfailed)
    }

    fn flags(&self) -> AddressFlags {
        let all = self.message.attributes.iter().find_map(|attribute| {
            if let AddressAttribute::Flags(flags) = attribute {
                Some(*flags)
            } else {
                None
            }
        });
        all.unwrap_or(AddressFlags::from_bits_retain(
            self.message.header.flags.bits().into(),
        ))
    }

    /// The label of an IPv4 address.
    pub fn label(&self) -> Option<&str> {
        self.message.attributes.iter().find_map(|attribute| {
            if let AddressAttribute::Label(label) = attribute {
                Some(label.as_str())
            } else {
                None
            }
        })
    }

    /// Whether this one, held, is what is wanted. A duplicate is not: the kernel does not use it.
    pub fn fulfils(&self, wanted: &Self) -> bool {
        let label = wanted.label();
        self.is_at(wanted)
            && !self.is_duplicate()
            && label.is_none_or(|label| self.label() == Some(label))
    }

    /// Whether both are the same address with the same network on the same device.
    pub fn is_at(&self, other: &Self) -> bool {
        (self.ip, self.prefix(), self.device()) == (other.ip, other.prefix(), other.device())
    }
}

/// `192.0.2.1/24`
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix())
    }
}

/// As `ip address add` has it: what is meant for this machine alone is seen by it alone.
fn scope(ip: IpAddr) -> AddressScope {
    if ip.is_loopback() {
        AddressScope::Host
    } else {
        AddressScope::Universe
    }
}

/// How the removal of an address ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// It was there.
    Removed,
    /// It, or its device, was gone already.
    WasGone,
}

/// All addresses of all devices.
///
/// # Errors
/// When the kernel does not answer.
pub fn all(netlink: &mut Netlink) -> io::Result<Vec<Address>> {
    let found = netlink.list(&RouteNetlinkMessage::GetAddress(AddressMessage::default()))?;
    let read = |message| match message {
        RouteNetlinkMessage::NewAddress(message) => Address::read(message),
        _ => None,
    };
    Ok(found.into_iter().filter_map(read).collect())
}

/// Adds the address; one that is there already is well.
///
/// # Errors
/// When the kernel refuses.
pub fn add(netlink: &mut Netlink, address: &Address) -> io::Result<()> {
    let mut message = address.message.clone();
    // What the kernel found out by itself it will find out again.
    message.header.flags = AddressHeaderFlags::empty();
    match netlink.create(RouteNetlinkMessage::NewAddress(message)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Removes the address.
///
/// # Errors
/// When the kernel refuses.
pub fn remove(netlink: &mut Netlink, address: &Address) -> io::Result<Loss> {
    let message = address.message.clone();
    match netlink.delete(RouteNetlinkMessage::DelAddress(message)) {
        Ok(()) => Ok(Loss::Removed),
        Err(error) if is_gone(&error) => Ok(Loss::WasGone),
        Err(error) => Err(error),
    }
}

fn is_gone(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    code == Some(nix::libc::EADDRNOTAVAIL) || code == Some(nix::libc::ENODEV)
}

/// Gives an IPv6 address a label of the policy table (RFC 6724), so that it is not chosen as a source; one that has
/// a label already keeps it.
///
/// # Errors
/// When the kernel refuses.
pub fn set_label(netlink: &mut Netlink, address: &Address, label: u32) -> io::Result<()> {
    match netlink.create(RouteNetlinkMessage::NewAddrLabel(label_of(address, label))) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Takes the label away; one without is well.
///
/// # Errors
/// When the kernel refuses.
pub fn clear_label(netlink: &mut Netlink, address: &Address, label: u32) -> io::Result<()> {
    match netlink.delete(RouteNetlinkMessage::DelAddrLabel(label_of(address, label))) {
        Err(error) if error.raw_os_error() == Some(nix::libc::ESRCH) => Ok(()),
        other => other,
    }
}

fn label_of(address: &Address, label: u32) -> AddrLabelMessage {
    let mut message = AddrLabelMessage::default();
    message.header.family = AddressFamily::Inet6;
    message.header.prefix_len = 128;
    message.header.index = address.device();
    message.attributes = vec![
        AddrLabelAttribute::Address(address.ip),
        AddrLabelAttribute::Label(label),
    ];
    message
}
