//! Network devices.

use std::io;

use netlink_packet_core::DefaultNla;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    LinkAttribute, LinkExtentMask, LinkFlags, LinkLayerType, LinkMessage, State,
};

use super::netlink::Netlink;

/// The longest name that is no alternative one (`IFNAMSIZ` less the final 0).
const LONGEST_NAME: usize = 15;

/// `IFLA_ALT_IFNAME` (linux/if_link.h).
const ALTERNATIVE_NAME: u16 = 53;

/// What carries the frames of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// Ethernet, and what looks like it: VLAN, bond, bridge, veth, macvlan.
    Ethernet,
    /// IP over InfiniBand (RFC 4391): hardware addresses of 20 bytes.
    Infiniband,
    /// Nobody is asked who has an address: loopback, tunnels, devices without ARP.
    Silent,
}

/// One device as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its number in this namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Whether it is the loopback device.
    pub loopback: bool,
    /// Whether it is up in every respect: administratively, and by what carries it.
    pub up: bool,
    /// Its operational state in the kernel's word.
    pub state: &'static str,
    /// What carries its frames.
    pub medium: Medium,
    /// Its hardware address.
    pub mac: Vec<u8>,
    /// The hardware address of everybody.
    pub broadcast: Vec<u8>,
}

/// The device of this name, or of this alternative name; `None` when there is none.
///
/// # Errors
/// When the kernel does not answer.
pub fn named(netlink: &mut Netlink, name: &str) -> io::Result<Option<Device>> {
    let name = name.to_owned();
    let attribute = if name.len() > LONGEST_NAME {
        LinkAttribute::Other(DefaultNla::new(
            ALTERNATIVE_NAME,
            [name.as_bytes(), &[0]].concat(),
        ))
    } else {
        LinkAttribute::IfName(name)
    };
    look(netlink, 0, Some(attribute))
}

/// The device of this number; `None` when there is none.
///
/// # Errors
/// When the kernel does not answer.
pub fn numbered(netlink: &mut Netlink, index: u32) -> io::Result<Option<Device>> {
    look(netlink, index, None)
}

/// All devices.
///
/// # Errors
/// When the kernel does not answer.
pub fn all(netlink: &mut Netlink) -> io::Result<Vec<Device>> {
    let found = netlink.list(&RouteNetlinkMessage::GetLink(request(0)))?;
    Ok(found.into_iter().filter_map(read).collect())
}

fn look(
    netlink: &mut Netlink,
    index: u32,
    by: Option<LinkAttribute>,
) -> io::Result<Option<Device>> {
    let mut message = request(index);
    message.attributes.extend(by);
    match netlink.get(RouteNetlinkMessage::GetLink(message)) {
        Ok(found) => Ok(found.into_iter().find_map(read)),
        Err(error) if error.raw_os_error() == Some(nix::libc::ENODEV) => Ok(None),
        Err(error) => Err(error),
    }
}

fn request(index: u32) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index;
    let brief = LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]);
    message.attributes.push(brief);
    message
}

fn read(message: RouteNetlinkMessage) -> Option<Device> {
    let RouteNetlinkMessage::NewLink(link) = message else {
        return None;
    };
    let flags = link.header.flags;
    let loopback = flags.contains(LinkFlags::Loopback);
    let silent = loopback || flags.contains(LinkFlags::Noarp);
    let mut device = Device {
        index: link.header.index,
        name: String::new(),
        loopback,
        up: flags.contains(LinkFlags::Up),
        state: "UNKNOWN",
        medium: match link.header.link_layer_type {
            LinkLayerType::Ether if !silent => Medium::Ethernet,
            LinkLayerType::Infiniband if !silent => Medium::Infiniband,
            _ => Medium::Silent,
        },
        mac: Vec::new(),
        broadcast: Vec::new(),
    };
    for attribute in link.attributes {
        match attribute {
            LinkAttribute::IfName(name) => device.name = name,
            LinkAttribute::Address(mac) => device.mac = mac,
            LinkAttribute::Broadcast(all) => device.broadcast = all,
            LinkAttribute::OperState(state) => {
                let (works, word) = judge(state);
                device.up &= works;
                device.state = word;
            }
            _ => {}
        }
    }
    if !flags.contains(LinkFlags::Up) {
        device.state = "administratively DOWN";
    }
    Some(device)
}

/// Whether a device in this state carries frames, and the kernel's word for the state (RFC 2863, `ifOperStatus`).
/// A device that does not tell is UNKNOWN, and taken to work.
fn judge(state: State) -> (bool, &'static str) {
    match state {
        State::Up => (true, "UP"),
        State::Unknown | State::Other(_) => (true, "UNKNOWN"),
        State::NotPresent => (false, "NOTPRESENT"),
        State::Down => (false, "DOWN"),
        State::LowerLayerDown => (false, "LOWERLAYERDOWN"),
        State::Testing => (false, "TESTING"),
        State::Dormant => (false, "DORMANT"),
        _ => (true, "UNKNOWN"),
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::{NetlinkHeader, NetlinkMessage, NetlinkPayload};
    use netlink_packet_route::link::{InfoKind, LinkInfo};

    use super::*;

    /// What is read of a device of this kind, after the message has been bytes.
    fn device(link: LinkLayerType, kind: InfoKind, state: State, mac: &[u8]) -> Device {
        let mut message = LinkMessage::default();
        message.header.index = 7;
        message.header.link_layer_type = link;
        message.header.flags = LinkFlags::Up | LinkFlags::Broadcast | LinkFlags::Multicast;
        message.attributes = vec![
            LinkAttribute::IfName("dev7".to_owned()),
            LinkAttribute::OperState(state),
            LinkAttribute::Address(mac.to_vec()),
            LinkAttribute::Broadcast(vec![0xff; mac.len()]),
            LinkAttribute::Link(2),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind)]),
        ];
        let payload = NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(message));
        let mut told = NetlinkMessage::new(NetlinkHeader::default(), payload);
        told.finalize();
        let mut bytes = vec![0; told.buffer_len()];
        told.serialize(&mut bytes);
        let heard = NetlinkMessage::deserialize(&bytes).unwrap();
        match heard.payload {
            NetlinkPayload::InnerMessage(message) => read(message).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn vlan_and_bond_are_ethernet_and_tell_what_their_carrier_does() {
        for kind in [InfoKind::Vlan, InfoKind::Bond, InfoKind::Bridge] {
            let mac = [2, 0, 0, 0, 0, 7];
            let up = device(LinkLayerType::Ether, kind.clone(), State::Up, &mac);
            assert_eq!(
                (up.medium, up.up, up.mac),
                (Medium::Ethernet, true, mac.to_vec())
            );
            let down = device(LinkLayerType::Ether, kind, State::LowerLayerDown, &mac);
            assert_eq!((down.up, down.state), (false, "LOWERLAYERDOWN"));
        }
    }

    #[test]
    fn infiniband_has_its_own_medium_and_the_whole_of_its_hardware_address() {
        let mac: Vec<u8> = (0x80..0x94).collect();
        let ib = device(LinkLayerType::Infiniband, InfoKind::Ipoib, State::Up, &mac);
        assert_eq!((ib.medium, ib.up), (Medium::Infiniband, true));
        assert_eq!((ib.mac, ib.broadcast.len()), (mac, 20));
    }
}
