//! What there is of what should be. Pure, and the sentences for it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::sys::net::{Address, Device};

/// What one address should be: where the record or the parameters say so, else anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The address.
    pub ip: IpAddr,
    /// The bits of its network.
    pub prefix: Option<u8>,
    /// The number of its device.
    pub device: Option<u32>,
}

/// What is wrong with one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is nowhere.
    Missing(IpAddr),
    /// It is somewhere else; a sentence.
    Misplaced(String),
    /// It is in its place and of no use; a sentence.
    Useless(String),
}

impl Fault {
    /// A sentence.
    pub fn sentence(&self) -> String {
        match self {
            Fault::Missing(ip) => format!("{ip} is not there"),
            Fault::Misplaced(sentence) | Fault::Useless(sentence) => sentence.clone(),
        }
    }
}

/// The devices that hold addresses, by number.
pub type Devices = BTreeMap<u32, Device>;

/// What is wrong. `parked`: an address on the loopback device does not count; it is kept there for an LVS.
/// `link`: a device that is not up is a fault.
pub fn faults(
    expected: &[Expected],
    held: &[Address],
    devices: &Devices,
    parked: bool,
    link: bool,
) -> Vec<Fault> {
    let counts = |held: &&Address| {
        let lo = devices
            .get(&held.device())
            .is_some_and(|device| device.loopback);
        !(parked && lo && held.ip.is_ipv4())
    };
    let held: Vec<_> = held.iter().filter(counts).collect();
    let mut by_ip: BTreeMap<IpAddr, Vec<&Address>> = BTreeMap::new();
    for address in held {
        by_ip.entry(address.ip).or_default().push(address);
    }
    let none = Vec::new();
    let fault = |expected: &Expected| {
        let found = by_ip.get(&expected.ip).unwrap_or(&none);
        fault(expected, found, devices, link)
    };
    expected.iter().filter_map(fault).collect()
}

fn fault(expected: &Expected, found: &[&Address], devices: &Devices, link: bool) -> Option<Fault> {
    let [first, ..] = found else {
        return Some(Fault::Missing(expected.ip));
    };
    let right = found.iter().find(|held| {
        expected.prefix.is_none_or(|prefix| prefix == held.prefix())
            && expected.device.is_none_or(|device| device == held.device())
            // Nobody asks for an address of the loopback device without saying so.
            && (expected.device.is_some() || expected.ip.is_loopback() || !is_loopback(held, devices))
    });
    let Some(right) = right else {
        return Some(Fault::Misplaced(misplaced(expected, first, devices)));
    };
    let device = devices.get(&right.device());
    if right.is_duplicate() {
        let sentence =
            format!("{right} is not in use: the kernel found a duplicate on the network");
        return Some(Fault::Useless(sentence));
    }
    let down = device.filter(|device| link && !device.up)?;
    Some(Fault::Useless(format!(
        "device {} of {right} is {}",
        down.name, down.state
    )))
}

fn is_loopback(held: &Address, devices: &Devices) -> bool {
    devices
        .get(&held.device())
        .is_some_and(|device| device.loopback)
}

fn misplaced(expected: &Expected, held: &Address, devices: &Devices) -> String {
    let name = |index| {
        devices
            .get(&index)
            .map_or("a device that is gone", |d| &d.name)
    };
    let mut sentence = format!("{held} is on {}", name(held.device()));
    if let Some(prefix) = expected.prefix.filter(|prefix| *prefix != held.prefix()) {
        sentence += &format!(", its prefix should be {prefix}");
    }
    if let Some(device) = expected.device.filter(|device| *device != held.device()) {
        sentence += &format!(", and should be on {}", name(device));
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::net::{Manner, Medium};

    fn device(index: u32, name: &str, up: bool) -> (u32, Device) {
        let device = Device {
            index,
            name: name.to_owned(),
            loopback: name == "lo",
            up,
            state: if up { "UP" } else { "LOWERLAYERDOWN" },
            medium: Medium::Ethernet,
            mac: Vec::new(),
            broadcast: Vec::new(),
        };
        (index, device)
    }

    fn devices() -> Devices {
        [
            device(1, "lo", true),
            device(2, "eth0", true),
            device(3, "eth1", false),
        ]
        .into()
    }

    fn at(ip: &str, prefix: u8, device: u32) -> Address {
        Address::new(ip.parse().unwrap(), prefix, device, &Manner::default())
    }

    fn expected(ip: &str, prefix: Option<u8>, device: Option<u32>) -> Expected {
        let ip = ip.parse().unwrap();
        Expected { ip, prefix, device }
    }

    fn sentences(expected: &[Expected], held: &[Address]) -> Vec<String> {
        let faults = faults(expected, held, &devices(), false, true);
        faults.iter().map(Fault::sentence).collect()
    }

    #[test]
    fn an_address_in_its_place_has_no_fault() {
        let wanted = [expected("192.0.2.1", Some(24), Some(2))];
        assert!(sentences(&wanted, &[at("192.0.2.1", 24, 2)]).is_empty());
        let anywhere = [expected("192.0.2.1", None, None)];
        assert!(sentences(&anywhere, &[at("192.0.2.1", 25, 2)]).is_empty());
    }

    #[test]
    fn the_lost_ones_are_named() {
        let wanted = ["192.0.2.1", "2001:db8::1"].map(|ip| expected(ip, None, None));
        let said = sentences(&wanted, &[at("192.0.2.1", 24, 2)]);
        assert_eq!(said, ["2001:db8::1 is not there"]);
    }

    #[test]
    fn another_prefix_or_device_is_named_with_what_should_be() {
        let wanted = [expected("192.0.2.1", Some(24), Some(2))];
        let said = sentences(&wanted, &[at("192.0.2.1", 25, 2)]);
        assert_eq!(said, ["192.0.2.1/25 is on eth0, its prefix should be 24"]);
        let said = sentences(&wanted, &[at("192.0.2.1", 24, 3)]);
        assert_eq!(said, ["192.0.2.1/24 is on eth1, and should be on eth0"]);
    }

    #[test]
    fn a_device_that_is_down_is_named_with_its_state() {
        let wanted = [expected("192.0.2.1", None, None)];
        let held = [at("192.0.2.1", 24, 3)];
        let said = sentences(&wanted, &held);
        assert_eq!(said, ["device eth1 of 192.0.2.1/24 is LOWERLAYERDOWN"]);
        assert!(faults(&wanted, &held, &devices(), false, false).is_empty());
    }

    #[test]
    fn an_address_on_the_loopback_device_is_not_mistaken_for_ours() {
        let wanted = [expected("192.0.2.1", None, None)];
        let held = [at("192.0.2.1", 32, 1)];
        assert_eq!(sentences(&wanted, &held), ["192.0.2.1/32 is on lo"]);
        let parked = faults(&wanted, &held, &devices(), true, true);
        assert_eq!(parked, [Fault::Missing("192.0.2.1".parse().unwrap())]);
        let local = [expected("127.0.0.3", None, None)];
        assert!(sentences(&local, &[at("127.0.0.3", 8, 1)]).is_empty());
    }
}
