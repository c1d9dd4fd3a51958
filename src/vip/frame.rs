//! ARP and neighbour discovery as bytes; pure.
//!
//! ARP: RFC 826, RFC 5227, RFC 4391 for InfiniBand. Neighbour discovery: RFC 4861, RFC 4862.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::sys::net::frames::Heard;
use crate::sys::net::{Device, Medium};

const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;
const REQUEST: u16 = 1;
const REPLY: u16 = 2;
const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
const SOURCE_LINK_ADDRESS: u8 = 1;
const TARGET_LINK_ADDRESS: u8 = 2;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const NO_MAC: [u8; 20] = [0; 20];

/// Tells everybody at the device that it has the address now: ARP request and reply, or an unsolicited neighbour
/// advertisement. Nothing where nobody asks for addresses.
pub fn announcements(device: &Device, ip: IpAddr) -> Vec<Vec<u8>> {
    match (device.medium, ip) {
        (Medium::Silent, _) => Vec::new(),
        (_, IpAddr::V4(ip)) => vec![
            // "The target hardware address [..] SHOULD be set to all zeroes" (RFC 5227, 2.1.1 and 3)
            arp(device, &device.broadcast, REQUEST, ip, ip, &NO_MAC),
            arp(device, &device.broadcast, REPLY, ip, ip, &device.mac),
        ],
        (_, IpAddr::V6(ip)) => {
            let to = multicast(device, ALL_NODES);
            vec![advertisement(device, &to, ip, ALL_NODES)]
        }
    }
}

/// Asks whether anybody has the address, without claiming it: an ARP probe (RFC 5227, 2.1.1), or the solicitation of
/// duplicate address detection (RFC 4862, 5.4.2).
pub fn probe(device: &Device, ip: IpAddr) -> Option<Vec<u8>> {
    match (device.medium, ip) {
        (Medium::Silent, _) => None,
        (_, IpAddr::V4(ip)) => {
            let nobody = Ipv4Addr::UNSPECIFIED;
            Some(arp(device, &device.broadcast, REQUEST, nobody, ip, &NO_MAC))
        }
        (_, IpAddr::V6(ip)) => Some(solicitation(device, Ipv6Addr::UNSPECIFIED, ip)),
    }
}

/// Asks the gateway for its hardware address, on behalf of `ip`: it hears whose that is, and answers.
pub fn question(device: &Device, ip: IpAddr, gateway: IpAddr) -> Option<Vec<u8>> {
    match (device.medium, ip, gateway) {
        (Medium::Silent, ..) => None,
        (_, IpAddr::V4(ip), IpAddr::V4(gateway)) => Some(arp(
            device,
            &device.broadcast,
            REQUEST,
            ip,
            gateway,
            &NO_MAC,
        )),
        (_, IpAddr::V6(ip), IpAddr::V6(gateway)) => Some(solicitation(device, ip, gateway)),
        (_, IpAddr::V4(_), IpAddr::V6(_)) | (_, IpAddr::V6(_), IpAddr::V4(_)) => None,
    }
}

/// Tells one neighbour alone, whose hardware address is known, that the device has the address. `None` for a
/// neighbour of the other family.
pub fn to_neighbour(device: &Device, mac: &[u8], ip: IpAddr, neighbour: IpAddr) -> Option<Vec<u8>> {
    match (ip, neighbour) {
        (IpAddr::V4(ip), IpAddr::V4(neighbour)) => {
            Some(arp(device, mac, REPLY, ip, neighbour, mac))
        }
        (IpAddr::V6(ip), IpAddr::V6(neighbour)) => Some(advertisement(device, mac, ip, neighbour)),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => None,
    }
}

fn arp(
    device: &Device,
    to: &[u8],
    operation: u16,
    sender: Ipv4Addr,
    target: Ipv4Addr,
    target_mac: &[u8],
) -> Vec<u8> {
    let hardware: u16 = match device.medium {
        Medium::Infiniband => 32, // ARPHRD_INFINIBAND (RFC 4391, 7)
        Medium::Ethernet | Medium::Silent => 1,
    };
    let length = device.mac.len();
    let mut frame = header(device, to, ARP);
    frame.extend(hardware.to_be_bytes());
    frame.extend(0x0800u16.to_be_bytes());
    frame.extend([length_byte(length), 4]);
    frame.extend(operation.to_be_bytes());
    frame.extend(&device.mac);
    frame.extend(sender.octets());
    frame.extend(target_mac.iter().take(length));
    frame.extend(target.octets());
    frame
}

/// What stands before the payload: with InfiniBand the receiver and then the encapsulation (`ipoib_hard_header`,
/// drivers/infiniband/ulp/ipoib/ipoib_main.c).
fn header(device: &Device, to: &[u8], kind: u16) -> Vec<u8> {
    let mut frame = to.to_vec();
    match device.medium {
        Medium::Infiniband => {
            frame.extend(kind.to_be_bytes());
            frame.extend([0, 0]);
        }
        Medium::Ethernet | Medium::Silent => {
            frame.extend(&device.mac);
            frame.extend(kind.to_be_bytes());
        }
    }
    frame
}

fn solicitation(device: &Device, from: Ipv6Addr, target: Ipv6Addr) -> Vec<u8> {
    let to = solicited_node(target);
    let mut message = vec![SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
    message.extend(target.octets());
    // "MUST NOT be included when the source IP address is the unspecified address" (RFC 4861, 4.3)
    if !from.is_unspecified() {
        message.extend(link_option(device, SOURCE_LINK_ADDRESS));
    }
    ipv6(device, &multicast(device, to), from, to, message)
}

/// Overrides what the neighbours remember, and answers no solicitation (RFC 4861, 4.4 and 7.2.6).
fn advertisement(device: &Device, mac: &[u8], ip: Ipv6Addr, to: Ipv6Addr) -> Vec<u8> {
    const OVERRIDE: u8 = 0x20;
    let mut message = vec![ADVERTISEMENT, 0, 0, 0, OVERRIDE, 0, 0, 0];
    message.extend(ip.octets());
    message.extend(link_option(device, TARGET_LINK_ADDRESS));
    ipv6(device, mac, ip, to, message)
}

/// The device's hardware address as an option; its length counts in units of 8 bytes. That of InfiniBand stands
/// behind two bytes of nothing (RFC 4391, 9.3).
fn link_option(device: &Device, kind: u8) -> Vec<u8> {
    let padding = match device.medium {
        Medium::Infiniband => 2,
        Medium::Ethernet | Medium::Silent => 0,
    };
    let mut option = vec![kind, 0];
    option.extend(vec![0; padding]);
    option.extend(&device.mac);
    option.resize(option.len().next_multiple_of(8), 0);
    option[1] = length_byte(option.len() / 8);
    option
}

fn ipv6(
    device: &Device,
    mac: &[u8],
    from: Ipv6Addr,
    to: Ipv6Addr,
    mut message: Vec<u8>,
) -> Vec<u8> {
    let sum = checksum(from, to, &message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let mut frame = header(device, mac, IPV6);
    frame.extend([0x60, 0, 0, 0]);
    frame.extend([0, length_byte(message.len()), ICMPV6, 255]);
    frame.extend(from.octets());
    frame.extend(to.octets());
    frame.extend(message);
    frame
}

/// None of the lengths here comes near 256.
fn length_byte(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(u8::MAX)
}

/// The checksum over the message and the pseudo-header (RFC 8200, 8.1).
fn checksum(from: Ipv6Addr, to: Ipv6Addr, message: &[u8]) -> u16 {
    let mut bytes = [from.octets(), to.octets()].concat();
    bytes.extend([0, 0, 0, length_byte(message.len()), 0, 0, 0, ICMPV6]);
    bytes.extend(message);
    let words = bytes.chunks(2).map(|pair| {
        let low = pair.get(1).copied().unwrap_or(0);
        u32::from(u16::from_be_bytes([pair[0], low]))
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let [_, _, high, low] = (!sum).to_be_bytes();
    u16::from_be_bytes([high, low])
}

fn solicited_node(ip: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = ip.octets();
    let [a, b, c] = [a, b, c].map(u16::from);
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | a, b << 8 | c)
}

/// The hardware address of a multicast group: RFC 2464, 7; RFC 4391, 4.
fn multicast(device: &Device, group: Ipv6Addr) -> Vec<u8> {
    let octets = group.octets();
    match device.medium {
        Medium::Infiniband => {
            // Scope and partition key are those of the broadcast group (`ipv6_ib_mc_map`, include/net/if_inet6.h).
            let all = &device.broadcast;
            let of_all = |at| all.get(at).copied().unwrap_or(0);
            let mut mac = vec![0, 0xff, 0xff, 0xff, 0xff, 0x10 | of_all(5) & 0x0f];
            mac.extend([0x60, 0x1b, of_all(8), of_all(9)]);
            mac.extend(&octets[6..]);
            mac
        }
        Medium::Ethernet | Medium::Silent => [&[0x33, 0x33], &octets[12..]].concat(),
    }
}

/// Somebody who speaks of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speaker {
    /// The address.
    pub ip: IpAddr,
    /// The hardware address of who speaks.
    pub mac: Vec<u8>,
    /// Whether that one has the address; otherwise it asks whether anybody has (a probe).
    pub owns: bool,
}

/// Who speaks of which address in this message; `None` when it is about something else.
pub fn speaker(heard: &Heard, medium: Medium) -> Option<Speaker> {
    match heard {
        Heard::Arp(frame) => arp_speaker(frame, medium),
        Heard::Icmp(message) => icmp_speaker(message, medium),
    }
}

fn arp_speaker(frame: &[u8], medium: Medium) -> Option<Speaker> {
    let start = match medium {
        Medium::Infiniband => 4, // what is received begins with the encapsulation
        Medium::Ethernet | Medium::Silent => 14,
    };
    let arp = frame.get(start..)?;
    let [_, _, 0x08, 0x00, length, 4, _, _, rest @ ..] = arp else {
        return None;
    };
    let length = usize::from(*length);
    let mac = rest.get(..length)?.to_vec();
    let read = |at: usize| {
        Some(Ipv4Addr::from(
            <[u8; 4]>::try_from(rest.get(at..at + 4)?).ok()?,
        ))
    };
    let (sender, target) = (read(length)?, read(length * 2 + 4)?);
    let owns = !sender.is_unspecified();
    let ip = if owns { sender } else { target };
    Some(Speaker {
        ip: ip.into(),
        mac,
        owns,
    })
}

/// Only an owner can be told apart by an ICMPv6 message: who probes gives no hardware address.
fn icmp_speaker(message: &[u8], medium: Medium) -> Option<Speaker> {
    let [ADVERTISEMENT, 0, rest @ ..] = message else {
        return None;
    };
    let ip = Ipv6Addr::from(<[u8; 16]>::try_from(rest.get(6..22)?).ok()?);
    let skip = match medium {
        Medium::Infiniband => 4,
        Medium::Ethernet | Medium::Silent => 2,
    };
    let length = match medium {
        Medium::Infiniband => 20,
        Medium::Ethernet | Medium::Silent => 6,
    };
    let option = rest.get(22..)?;
    let mac = option.get(skip..skip + length).unwrap_or_default();
    Some(Speaker {
        ip: ip.into(),
        mac: mac.to_vec(),
        owns: true,
    })
}

/// A hardware address as people write it.
pub fn mac(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "an unknown hardware address".to_owned();
    }
    let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(":")
}

#[cfg(test)]
mod tests;
