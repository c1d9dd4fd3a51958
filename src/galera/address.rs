//! `wsrep_cluster_address` and `cluster_host_map`: who the members are, and their names in Pacemaker. Pure.
//!
//! Everything here is an error of text, the same on all nodes. Galera takes many of these texts silently and fails later, on
//! the joiner.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv6Addr;

use thiserror::Error;

/// One member of the list, as Galera names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member {
    /// A name or an address; IPv6 without the brackets. Lower case.
    pub host: String,
    /// `None`: Galera's own, 4567.
    pub port: Option<u16>,
}

/// Galera's port for the group when none is given.
pub const PORT: u16 = 4567;

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]", self.host)?,
            false => write!(f, "{}", self.host)?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// Text that is no list of members.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Another scheme, or none.
    #[error(
        "wsrep_cluster_address `{0}` does not start with gcomm://; write gcomm://node1,node2,node3"
    )]
    Scheme(String),
    /// `gcomm://` alone would start a cluster of its own on every node.
    #[error("wsrep_cluster_address `{0}` names no member; write gcomm://node1,node2,node3")]
    Empty(String),
    /// A blank anywhere.
    #[error("wsrep_cluster_address `{0}` contains a blank; remove it")]
    Blank(String),
    /// Neither `host`, `host:port` nor `[IPv6]:port`.
    #[error(
        "`{member}` in wsrep_cluster_address `{address}` is no host or host:port; an IPv6 address needs brackets"
    )]
    Member {
        /// The part.
        member: String,
        /// The whole.
        address: String,
    },
    /// The same host and port twice.
    #[error("`{member}` stands more than once in wsrep_cluster_address `{address}`")]
    Twice {
        /// The part.
        member: String,
        /// The whole.
        address: String,
    },
}

/// Reads `gcomm://a,b:4567,[::1]:4567?options` in the order given; the options are Galera's business.
pub fn members(address: &str) -> Result<Vec<Member>, AddressError> {
    let whole = || address.to_owned();
    let list = address
        .strip_prefix("gcomm://")
        .ok_or_else(|| AddressError::Scheme(whole()))?;
    if address.contains(char::is_whitespace) {
        return Err(AddressError::Blank(whole()));
    }
    let list = list.split_once('?').map_or(list, |(list, _)| list);
    if list.is_empty() {
        return Err(AddressError::Empty(whole()));
    }
    let mut seen = BTreeSet::new();
    let read = |part: &str| {
        let odd = || AddressError::Member {
            member: part.to_owned(),
            address: whole(),
        };
        let member = member(part).ok_or_else(odd)?;
        match seen.insert((member.host.clone(), member.port.unwrap_or(PORT))) {
            true => Ok(member),
            false => Err(AddressError::Twice {
                member: part.to_owned(),
                address: whole(),
            }),
        }
    };
    list.split(',').map(read).collect()
}

/// `wsrep_node_address` without and with its port. What is neither a host nor `host:port` is left as it is.
pub fn split(text: &str) -> (Option<String>, Option<u16>) {
    match member(text) {
        Some(member) => (Some(member.host), member.port),
        None => (Some(text.to_owned()), None),
    }
}

fn member(text: &str) -> Option<Member> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(inner) => {
            let (address, rest) = inner.split_once(']')?;
            (address.parse::<Ipv6Addr>().ok()?.to_string(), rest)
        }
        None => {
            let (host, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
            (name(host)?, rest)
        }
    };
    let port = match rest {
        "" => None,
        rest => Some(number(rest.strip_prefix(':')?)?),
    };
    Some(Member { host, port })
}

fn name(text: &str) -> Option<String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (!text.is_empty() && text.bytes().all(fits)).then(|| text.to_ascii_lowercase())
}

fn number(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok()?;
    (digits && port != 0).then_some(port)
}

/// The parameter `cluster_host_map`: `pcmk1:galera1;pcmk2:galera2`. Names are compared whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostMap(BTreeMap<String, String>);

/// Text that is no map.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MapError {
    /// Not `node:host`.
    #[error(
        "`{part}` in cluster_host_map `{map}` is not PACEMAKER-NODE:GALERA-HOST; separate pairs with `;`"
    )]
    Pair {
        /// The part.
        part: String,
        /// The whole.
        map: String,
    },
    /// One node or host in two pairs.
    #[error("`{name}` stands in two pairs of cluster_host_map `{map}`")]
    Twice {
        /// The node or host.
        name: String,
        /// The whole.
        map: String,
    },
}

impl HostMap {
    /// Reads the parameter; an empty text is an empty map. A `;` at the end and blanks around it are allowed.
    pub fn read(text: &str) -> Result<Self, MapError> {
        let (mut map, mut hosts) = (BTreeMap::new(), BTreeSet::new());
        for part in text
            .split(';')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let odd = || MapError::Pair {
                part: part.to_owned(),
                map: text.to_owned(),
            };
            let (node, host) = pair(part).ok_or_else(odd)?;
            let twice = |name: &str| MapError::Twice {
                name: name.to_owned(),
                map: text.to_owned(),
            };
            if !hosts.insert(host.clone()) {
                return Err(twice(&host));
            }
            if map.insert(node.clone(), host).is_some() {
                return Err(twice(&node));
            }
        }
        Ok(Self(map))
    }

    /// The Galera host of a Pacemaker node: the mapped one, or the node's own name.
    pub fn host<'a>(&'a self, node: &'a str) -> &'a str {
        self.0.get(node).map_or(node, String::as_str)
    }

    /// The Pacemaker node of a Galera host: the one mapped to it, or the host's own name.
    pub fn node<'a>(&'a self, host: &'a str) -> &'a str {
        let mut pairs = self.0.iter();
        let pair = pairs.find(|(_, mapped)| mapped.eq_ignore_ascii_case(host));
        pair.map_or(host, |(node, _)| node.as_str())
    }
}

/// The host may be an IPv6 address, with or without brackets. Node names keep their case: Pacemaker's differ by it.
fn pair(text: &str) -> Option<(String, String)> {
    let (node, host) = text.split_once(':')?;
    name(node)?;
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    let address = || Some(bare.parse::<Ipv6Addr>().ok()?.to_string());
    Some((node.to_owned(), name(host).or_else(address)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(address: &str) -> Vec<String> {
        members(address)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn refusal(address: &str) -> String {
        members(address).unwrap_err().to_string()
    }

    #[test]
    fn members_are_read_in_order_with_their_ports() {
        let address = "gcomm://node1,node2:4568,10.0.0.3,[::1],[fe80::A]:4567?pc.wait_prim=no&a,b";
        assert_eq!(
            shown(address),
            ["node1", "node2:4568", "10.0.0.3", "[::1]", "[fe80::a]:4567"]
        );
    }

    #[test]
    fn an_address_of_a_node_is_split_from_its_port() {
        let host = |text: &str| (Some(text.to_owned()), None);
        let with = |text: &str, port| (Some(text.to_owned()), Some(port));
        assert_eq!(split("10.0.0.1"), host("10.0.0.1"));
        assert_eq!(split("10.0.0.1:5567"), with("10.0.0.1", 5567));
        assert_eq!(split("[fe80::A]:5567"), with("fe80::a", 5567));
        assert_eq!(split("fe80::a"), host("fe80::a"));
    }

    #[test]
    fn an_address_needs_its_scheme_and_a_member() {
        assert_eq!(
            refusal("node1,node2"),
            "wsrep_cluster_address `node1,node2` does not start with gcomm://; write gcomm://node1,node2,node3"
        );
        assert!(refusal("GCOMM://a").contains("start with gcomm://"));
        assert!(refusal("").contains("start with"));
        assert!(refusal("gcomm://").contains("names no member"));
        assert!(refusal("gcomm://?pc.weight=1").contains("names no member"));
        assert!(refusal("gcomm://a, b").contains("contains a blank"));
    }

    #[test]
    fn a_part_that_is_no_host_is_named() {
        assert_eq!(
            refusal("gcomm://a,,b"),
            "`` in wsrep_cluster_address `gcomm://a,,b` is no host or host:port; an IPv6 address needs brackets"
        );
        for part in [
            "a:",
            "a:0",
            "a:65536",
            "a:+1",
            "a:b",
            "::1",
            "fe80::1:4567",
            "[::1",
            "[::1]4567",
            "[a]:1",
            ":4567",
            "a/b",
            "gcomm://b",
            "a;b",
        ] {
            assert!(
                refusal(&format!("gcomm://x,{part}")).starts_with(&format!("`{part}` in ")),
                "{part}"
            );
        }
    }

    #[test]
    fn a_host_and_port_may_stand_once() {
        assert!(refusal("gcomm://a,b,A").starts_with("`A` stands more than once"));
        assert!(refusal("gcomm://a,a:4567").starts_with("`a:4567` stands more than once"));
        assert!(refusal("gcomm://[::1],[0::1]").starts_with("`[0::1]` stands"));
        assert_eq!(shown("gcomm://a:1,a:2,node1,node10").len(), 4);
    }

    #[test]
    fn mapped_names_are_compared_whole() {
        let map = HostMap::read("pcmk1:node1;pcmk10:node10; Pcmk2:[::2];").unwrap();
        assert_eq!(
            (map.host("pcmk1"), map.host("pcmk10"), map.host("pcmk")),
            ("node1", "node10", "pcmk")
        );
        assert_eq!(
            (map.node("node1"), map.node("NODE10"), map.node("node")),
            ("pcmk1", "pcmk10", "node")
        );
        assert_eq!((map.node("::2"), map.host("pcmk2")), ("Pcmk2", "pcmk2"));
        assert_eq!(HostMap::read(""), Ok(HostMap::default()));
    }

    /// `ocf:heartbeat:galera` finds the first one in the name of the tenth.
    #[test]
    fn the_first_replica_of_a_bundle_is_not_the_tenth() {
        let map = "galera-bundle-10:c10;galera-bundle-1:c1;galera-bundle-0:c0";
        let map = HostMap::read(map).unwrap();
        let host = |replica| map.host(replica);
        assert_eq!(host("galera-bundle-1"), "c1");
        assert_eq!(host("galera-bundle-10"), "c10");
        assert_eq!(
            (map.node("c1"), map.node("c10")),
            ("galera-bundle-1", "galera-bundle-10")
        );
    }

    #[test]
    fn a_bad_map_names_the_value() {
        let refusal = |text| HostMap::read(text).unwrap_err().to_string();
        assert_eq!(
            refusal("a:b,c:d"),
            "`a:b,c:d` in cluster_host_map `a:b,c:d` is not PACEMAKER-NODE:GALERA-HOST; separate pairs with `;`"
        );
        for text in ["a", "a:", ":b", "a b:c", "a:b c", "a:b:c"] {
            assert!(refusal(text).starts_with(&format!("`{text}` in")), "{text}");
        }
        assert!(refusal("a:x;a:y").starts_with("`a` stands in two pairs"));
        assert!(refusal("a:x;b:X").starts_with("`x` stands in two pairs"));
    }

    proptest! {
        #[test]
        fn members_shown_are_read_again(hosts in prop::collection::btree_set(r"[a-z][a-z0-9.-]{0,9}(:[1-9][0-9]{0,3})?|\[fe80::[1-9a-f]\]", 1..6)) {
            let hosts: Vec<_> = hosts.into_iter().collect();
            prop_assert_eq!(shown(&format!("gcomm://{}", hosts.join(","))), hosts);
        }

        #[test]
        fn no_text_makes_it_panic(text in r"(gcomm://)?([a-f0-9:.,;?]|\[|\]|\PC){0,40}") {
            let _ = members(&text);
            let _ = HostMap::read(&text);
        }
    }
}
