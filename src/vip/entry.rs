//! The text of the parameters: lists of addresses, prefixes, lifetimes. Pure.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::ocf::{Kind, Value};

/// One address to hold: `ADDRESS[/PREFIX][@DEVICE]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The address.
    pub ip: IpAddr,
    /// The bits of its network, when given.
    pub prefix: Option<u8>,
    /// The name of its device, when given.
    pub device: Option<String>,
}

impl Entry {
    /// Reads one entry; `None` when it is none.
    fn read(text: &str) -> Option<Self> {
        let (text, device) = match text.split_once('@') {
            Some((_, "")) => return None,
            Some((text, device)) => (text, Some(device.to_owned())),
            None => (text, None),
        };
        let (ip, prefix) = match text.split_once('/') {
            Some((ip, prefix)) => (ip, Some(Prefix::read(prefix).ok()?.0)),
            None => (text, None),
        };
        let ip: IpAddr = ip.parse().ok()?;
        let held = !ip.is_unspecified() && !ip.is_multicast();
        let fits = prefix.is_none_or(|prefix| prefix <= longest_prefix(ip));
        (held && fits).then_some(Self { ip, prefix, device })
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ip)?;
        if let Some(prefix) = self.prefix {
            write!(f, "/{prefix}")?;
        }
        match &self.device {
            Some(device) => write!(f, "@{device}"),
            None => Ok(()),
        }
    }
}

/// The longest prefix of the address's family.
pub fn longest_prefix(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address that is so many further on.
pub fn later(ip: IpAddr, number: u32) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip).wrapping_add(number)).into(),
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip).wrapping_add(number.into())).into(),
    }
}

/// All addresses to hold: at least one, none twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entries(pub Vec<Entry>);

/// The parts of a list that commas or blanks separate.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_ascii_whitespace())
        .filter(|part| !part.is_empty())
}

impl Entries {
    /// The addresses among these words, whatever else is there: for a stop that has to do without good parameters.
    pub fn salvage(text: &str) -> Vec<IpAddr> {
        let ip = |part: &str| part.split(['/', '@']).next()?.parse().ok();
        parts(text).filter_map(ip).collect()
    }
}

impl Value for Entries {
    const KIND: Kind = Kind::String;

    fn read(text: &str) -> Result<Self, String> {
        let (mut entries, mut seen) = (Vec::new(), BTreeSet::new());
        for part in parts(text) {
            let entry = Entry::read(part).ok_or_else(|| {
                format!("a list of ADDRESS[/PREFIX][@DEVICE], which \"{part}\" is not")
            })?;
            if !seen.insert(entry.ip) {
                return Err(format!(
                    "a list without duplicates: {} is there twice",
                    entry.ip
                ));
            }
            entries.push(entry);
        }
        if entries.is_empty() {
            return Err("at least one address".to_owned());
        }
        Ok(Self(entries))
    }
}

/// The bits of a network: a number, or in the old way 255.255.255.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix(pub u8);

impl Value for Prefix {
    const KIND: Kind = Kind::String;

    fn read(text: &str) -> Result<Self, String> {
        let dotted = |text: &str| {
            let mask = u32::from(text.parse::<Ipv4Addr>().ok()?);
            let ones = mask.leading_ones();
            (mask.count_ones() == ones).then(|| u8::try_from(ones).ok())?
        };
        let number = text.parse().ok().filter(|bits| *bits <= 128);
        number.or_else(|| dotted(text)).map(Self).ok_or_else(|| {
            "the bits of the network, as 24 or 255.255.255.0, at most 128".to_owned()
        })
    }
}

/// The broadcast address of an IPv4 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broadcast {
    /// `+`: the last address of the network.
    Last,
    /// `-`: the first address of the network.
    First,
    /// This one.
    Is(Ipv4Addr),
}

impl Value for Broadcast {
    const KIND: Kind = Kind::String;

    fn read(text: &str) -> Result<Self, String> {
        match text {
            "+" => Ok(Self::Last),
            "-" => Ok(Self::First),
            text => text
                .parse()
                .map(Self::Is)
                .map_err(|_| "an IPv4 address, + or -".to_owned()),
        }
    }
}

impl Broadcast {
    /// The broadcast address of this network; `None` where there is no room for one.
    pub fn of(self, ip: Ipv4Addr, prefix: u8) -> Option<Ipv4Addr> {
        let host = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
        let network = u32::from(ip) & !host;
        match self {
            Self::Is(given) => Some(given),
            Self::Last | Self::First if prefix > 30 => None,
            Self::Last => Some((network | host).into()),
            Self::First => Some(network.into()),
        }
    }
}

/// For how long an IPv6 address is preferred as a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Always.
    Forever,
    /// So many seconds; with 0 it is never chosen.
    Seconds(u32),
}

impl Value for Lifetime {
    const KIND: Kind = Kind::String;

    fn read(text: &str) -> Result<Self, String> {
        if text == "forever" {
            return Ok(Self::Forever);
        }
        let number = text.parse().ok().filter(|seconds| *seconds < u32::MAX);
        number
            .map(Self::Seconds)
            .ok_or_else(|| "forever, or a whole number of seconds".to_owned())
    }
}

/// Gateways: addresses that commas or blanks separate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateways(pub Vec<IpAddr>);

impl Value for Gateways {
    const KIND: Kind = Kind::String;

    fn read(text: &str) -> Result<Self, String> {
        let ips = parts(text).map(|part| part.parse().map_err(|_| part));
        ips.collect::<Result<_, _>>()
            .map(Self)
            .map_err(|part| format!("a list of addresses, which \"{part}\" is not"))
    }
}

/// A time in milliseconds unless it has a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Millis(pub Duration);

impl Value for Millis {
    const KIND: Kind = Kind::String;

    fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let number = text.parse().ok().map(Duration::from_millis);
        let short = text
            .strip_suffix("us")
            .and_then(|text| text.trim_end().parse().ok());
        let time = number.or(short.map(Duration::from_micros));
        time.map_or_else(|| Duration::read(text), Ok)
            .map(Self)
            .map_err(|_| {
                "a time in milliseconds, or with a unit, such as 200, 200ms, 500us or 1s".to_owned()
            })
    }
}

/// A parameter of cluster IP addresses: no value of it is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterIp;

impl Value for ClusterIp {
    const KIND: Kind = Kind::String;

    fn read(_: &str) -> Result<Self, String> {
        Err("left out: it configures cluster IP addresses, which several nodes hold at once, and the kernel's \
             CLUSTERIP target for that is gone; give each node an address of its own"
            .to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<String> {
        let read = Entries::read(text).unwrap();
        read.0.iter().map(Entry::to_string).collect()
    }

    #[test]
    fn a_short_time_is_in_milliseconds_unless_it_has_a_unit() {
        let read = |text| Millis::read(text).map(|time| time.0.as_micros());
        assert_eq!(read("2"), Ok(2000));
        assert_eq!(read(" 500us "), Ok(500));
        assert_eq!(read("250 ms"), Ok(250_000));
        assert_eq!(read("1s"), Ok(1_000_000));
        assert!(read("us").is_err() && read("-1us").is_err());
    }

    #[test]
    fn entries_are_separated_by_commas_or_blanks() {
        let text = " 192.0.2.1/24@eth0,\t192.0.2.2 ,2001:db8::1/64\n192.0.2.3@ib0 ";
        let wanted = [
            "192.0.2.1/24@eth0",
            "192.0.2.2",
            "2001:db8::1/64",
            "192.0.2.3@ib0",
        ];
        assert_eq!(entries(text), wanted);
    }

    #[test]
    fn another_spelling_of_an_ipv6_address_is_the_same_address() {
        assert_eq!(entries("2001:0DB8:0:0::1"), ["2001:db8::1"]);
        assert!(Entries::read("2001:db8::1, 2001:0db8:0::1/64").is_err());
    }

    #[test]
    fn what_is_no_address_is_named() {
        for part in [
            "not_ip_address",
            "192.0.2.256",
            "192.0.2.1/33",
            "2001:db8::1/129",
            "192.0.2.1@",
            "0.0.0.0",
            "224.0.0.1",
            "::",
            "192.0.2.1/",
            "192.0.2.1/x",
            "ff02::1",
            "/24",
        ] {
            let error = Entries::read(&format!("192.0.2.9 {part}")).unwrap_err();
            assert!(error.contains(&format!("\"{part}\"")), "{part}: {error}");
        }
        assert!(Entries::read(" , ").is_err());
    }

    #[test]
    fn a_stop_finds_the_addresses_in_a_list_that_is_no_good() {
        let found = Entries::salvage("192.0.2.1/99@, rubbish 2001:db8::1@eth0");
        let found: Vec<_> = found.iter().map(IpAddr::to_string).collect();
        assert_eq!(found, ["192.0.2.1", "2001:db8::1"]);
    }

    #[test]
    fn a_prefix_may_be_written_as_a_mask() {
        assert_eq!(Prefix::read("255.255.255.0"), Ok(Prefix(24)));
        assert_eq!(Prefix::read("255.255.255.255"), Ok(Prefix(32)));
        assert_eq!(Prefix::read("0"), Ok(Prefix(0)));
        for text in ["255.0.255.0", "129", "not_netmask", "-1"] {
            assert!(Prefix::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_broadcast_address_is_given_or_derived() {
        let ip = Ipv4Addr::new(192, 0, 2, 70);
        let of = |text: &str, prefix| Broadcast::read(text).unwrap().of(ip, prefix);
        assert_eq!(of("+", 26), Some(Ipv4Addr::new(192, 0, 2, 127)));
        assert_eq!(of("-", 26), Some(Ipv4Addr::new(192, 0, 2, 64)));
        assert_eq!(of("+", 0), Some(Ipv4Addr::BROADCAST));
        assert_eq!(of("+", 31), None);
        assert_eq!(of("192.0.2.9", 32), Some(Ipv4Addr::new(192, 0, 2, 9)));
        assert!(Broadcast::read("not_broadcast").is_err());
    }

    #[test]
    fn a_lifetime_is_forever_or_seconds() {
        assert_eq!(Lifetime::read("forever"), Ok(Lifetime::Forever));
        assert_eq!(Lifetime::read("0"), Ok(Lifetime::Seconds(0)));
        assert!(Lifetime::read("4294967295").is_err());
        assert!(Lifetime::read("soon").is_err());
    }
}
