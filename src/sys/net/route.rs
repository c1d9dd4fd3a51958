//! The routes that lead straight to a neighbour, and the gateways.

use std::io;
use std::net::IpAddr;

use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::netlink::Netlink;

/// A route of the main table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The network; its bits in `prefix`.
    pub network: IpAddr,
    /// The bits of the network.
    pub prefix: u8,
    /// The device.
    pub device: u32,
    /// The metric; the least is preferred.
    pub metric: u32,
    /// Who made the route (`RTPROT_*`).
    pub protocol: u8,
    /// The gateway; `None` for a network that the device itself is in.
    pub gateway: Option<IpAddr>,
}

impl Route {
    /// Whether it leads to the address.
    pub fn holds(&self, ip: IpAddr) -> bool {
        match (self.network, ip) {
            (IpAddr::V4(network), IpAddr::V4(ip)) => {
                same_bits(&network.octets(), &ip.octets(), self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(ip)) => {
                same_bits(&network.octets(), &ip.octets(), self.prefix)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

fn same_bits(a: &[u8], b: &[u8], bits: u8) -> bool {
    a.iter().zip(b).enumerate().all(|(at, (a, b))| {
        let left = usize::from(bits).saturating_sub(at * 8).min(8);
        let mask = !(0xffu16 >> left) & 0xff;
        u16::from(a ^ b) & mask == 0
    })
}

/// The routes of the main table, of the family of this address.
///
/// # Errors
/// When the kernel does not answer.
pub fn all(netlink: &mut Netlink, family: IpAddr) -> io::Result<Vec<Route>> {
    let mut message = RouteMessage::default();
    message.header.address_family = match family {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    };
    let found = netlink.list(&RouteNetlinkMessage::GetRoute(message))?;
    let read = |message| match message {
        RouteNetlinkMessage::NewRoute(route) => read(&route, family),
        _ => None,
    };
    Ok(found.into_iter().filter_map(read).collect())
}

fn read(message: &RouteMessage, family: IpAddr) -> Option<Route> {
    let header = &message.header;
    let (mut network, mut device, mut metric, mut gateway) = (None, None, 0, None);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(to) => network = ip(to),
            RouteAttribute::Gateway(by) => gateway = ip(by),
            RouteAttribute::Oif(index) => device = Some(*index),
            RouteAttribute::Priority(value) => metric = *value,
            _ => {}
        }
    }
    let everywhere = match family {
        IpAddr::V4(_) => IpAddr::from([0; 4]),
        IpAddr::V6(_) => IpAddr::from([0u8; 16]),
    };
    let usable = header.kind == RouteType::Unicast && header.table == RouteHeader::RT_TABLE_MAIN;
    Some(Route {
        network: network.unwrap_or(everywhere),
        prefix: header.destination_prefix_length,
        device: device.filter(|_| usable)?,
        metric,
        protocol: header.protocol.into(),
        gateway,
    })
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(ip) => Some((*ip).into()),
        RouteAddress::Inet6(ip) => Some((*ip).into()),
        _ => None,
    }
}

/// The number of a routing protocol, by the name that `ip route` has for it, or as a number.
pub fn protocol(name: &str) -> Option<u8> {
    let known = match name {
        "kernel" => RouteProtocol::Kernel,
        "boot" => RouteProtocol::Boot,
        "static" => RouteProtocol::Static,
        "ra" => RouteProtocol::Ra,
        "dhcp" => RouteProtocol::Dhcp,
        "zebra" => RouteProtocol::Zebra,
        "bird" => RouteProtocol::Bird,
        "babel" => RouteProtocol::Babel,
        "bgp" => RouteProtocol::Bgp,
        "isis" => RouteProtocol::Isis,
        "ospf" => RouteProtocol::Ospf,
        "rip" => RouteProtocol::Rip,
        "eigrp" => RouteProtocol::Eigrp,
        "keepalived" => RouteProtocol::KeepAlived,
        number => return number.parse().ok(),
    };
    Some(known.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(network: &str, prefix: u8, ip: &str) -> bool {
        let route = Route {
            network: network.parse().unwrap(),
            prefix,
            device: 1,
            metric: 0,
            protocol: 2,
            gateway: None,
        };
        route.holds(ip.parse().unwrap())
    }

    #[test]
    fn a_network_holds_the_addresses_that_share_its_bits() {
        assert!(holds("192.0.2.0", 24, "192.0.2.255"));
        assert!(!holds("192.0.2.0", 24, "192.0.3.0"));
        assert!(holds("192.0.2.64", 26, "192.0.2.127"));
        assert!(!holds("192.0.2.64", 26, "192.0.2.128"));
        assert!(holds("0.0.0.0", 0, "192.0.2.1"));
        assert!(holds("192.0.2.1", 32, "192.0.2.1"));
        assert!(!holds("192.0.2.1", 32, "192.0.2.0"));
        assert!(holds("2001:db8::", 33, "2001:db8:7fff::1"));
        assert!(!holds("2001:db8::", 33, "2001:db8:8000::1"));
        assert!(!holds("::", 0, "192.0.2.1"));
    }

    #[test]
    fn a_protocol_is_a_name_or_a_number() {
        assert_eq!(protocol("kernel"), Some(2));
        assert_eq!(protocol("186"), Some(186));
        assert_eq!(protocol("nobody"), None);
    }
}
