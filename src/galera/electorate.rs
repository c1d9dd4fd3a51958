//! Which nodes may have data, and which of them this one is.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use super::address::{self, HostMap, Member};
use super::ballot::Elector;
use super::params::GaleraParams;
use super::settings::Settings;
use crate::ocf::Failure;
use crate::sys::names;

/// A server in the same network answers within this time or not at all.
const REACH: Duration = Duration::from_millis(500);

/// The configured members, and which of them this node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Electorate {
    /// This node.
    pub own: Elector,
    /// Everybody, as `wsrep_cluster_address` lists them, each with its port.
    pub members: Vec<Member>,
    /// Where this node's server listens for the others.
    pub listen_port: u16,
}

impl Electorate {
    /// The names of all electors.
    pub fn names(&self) -> Vec<Elector> {
        self.members
            .iter()
            .map(|member| member.host.clone())
            .collect()
    }

    /// Whether a server accepts connections at an elector's address for replication.
    pub fn reaches(&self, elector: &Elector) -> bool {
        let member = self.members.iter().find(|member| member.host == *elector);
        let port = member
            .and_then(|member| member.port)
            .unwrap_or(address::PORT);
        names::addresses(elector).into_iter().any(|address| {
            TcpStream::connect_timeout(&SocketAddr::new(address, port), REACH).is_ok()
        })
    }
}

/// Finds out who takes part, and who this node is.
///
/// # Errors
/// When there is no address list, or this node is not in it.
pub fn find(params: &GaleraParams, settings: &Settings, node: &str) -> Result<Electorate, Failure> {
    let text = settings.cluster_address.as_deref().ok_or_else(|| {
        Failure::WrongHere(
            "wsrep_cluster_address is not set: name all nodes, as gcomm://node1,node2,node3, in the server's \
             option files or as a parameter"
                .into(),
        )
    })?;
    let members = address::members(text).map_err(|error| Failure::WrongHere(error.to_string()))?;
    let map = params.cluster_host_map.as_deref().unwrap_or_default();
    let map = HostMap::read(map).map_err(|error| Failure::WrongEverywhere(error.to_string()))?;
    let own = match map.host(node) {
        mapped if mapped == node => own(&members, &known_names(settings, node)),
        mapped => members
            .iter()
            .find(|member| member.host.eq_ignore_ascii_case(mapped)),
    };
    match own {
        Some(own) => Ok(Electorate {
            own: own.host.clone(),
            members: members
                .iter()
                .map(|member| placed(member, settings.port))
                .collect(),
            listen_port: settings.listen_port,
        }),
        None if map.host(node) == node => Err(stranger(node, text, &members, names::addresses)),
        None => Err(unlisted(node, text)),
    }
}

/// No entry has a name or an address of this node. An entry without any address may still be this node, so that is no
/// reason to ban it.
fn stranger(
    node: &str,
    text: &str,
    members: &[Member],
    resolve: impl Fn(&str) -> BTreeSet<IpAddr>,
) -> Failure {
    let hosts = members.iter().map(|member| member.host.as_str());
    let unresolved: Vec<_> = hosts.filter(|host| resolve(host).is_empty()).collect();
    if unresolved.is_empty() {
        return unlisted(node, text);
    }
    let unresolved = unresolved.join(", ");
    Failure::Retry(format!(
        "{node}: cannot resolve {unresolved}, so it is not known which entry of {text} this node is; mend the name \
         service, or set cluster_host_map={node}:ENTRY"
    ))
}

fn unlisted(node: &str, text: &str) -> Failure {
    Failure::WrongHere(format!(
        "{node} is not in wsrep_cluster_address {text}: add it, or say which entry it is with \
         cluster_host_map={node}:ENTRY"
    ))
}

/// The member with its port.
fn placed(member: &Member, port: u16) -> Member {
    Member {
        host: member.host.clone(),
        port: member.port.or(Some(port)),
    }
}

fn known_names(settings: &Settings, node: &str) -> Vec<String> {
    let configured = [settings.node_address.clone(), settings.node_name.clone()];
    let names = [Some(node.to_owned())]
        .into_iter()
        .chain(configured)
        .chain([names::own_name()]);
    names.flatten().collect()
}

fn own<'a>(members: &'a [Member], names: &[String]) -> Option<&'a Member> {
    pick(members, names, &names::own_addresses(), names::addresses)
}

/// The entry that is this node: by one of its names, whole and without case, else by one of its addresses.
fn pick<'a>(
    members: &'a [Member],
    names: &[String],
    addresses: &BTreeSet<IpAddr>,
    resolve: impl Fn(&str) -> BTreeSet<IpAddr>,
) -> Option<&'a Member> {
    let called = |name: &String| members.iter().find(|m| m.host.eq_ignore_ascii_case(name));
    let here = |member: &&Member| !resolve(&member.host).is_disjoint(addresses);
    names
        .iter()
        .find_map(called)
        .or_else(|| members.iter().find(here))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Vec<Member> {
        address::members("gcomm://node10,db2").unwrap()
    }

    fn nobody(_: &str) -> BTreeSet<IpAddr> {
        BTreeSet::new()
    }

    /// `ocf:heartbeat:galera` matches substrings.
    #[test]
    fn node1_is_not_node10() {
        assert_eq!(
            pick(&list(), &["node1".into()], &BTreeSet::new(), nobody),
            None
        );
    }

    #[test]
    fn a_node_is_found_by_its_address_when_its_names_differ() {
        let here = BTreeSet::from(["10.0.0.2".parse().unwrap()]);
        let resolve = |host: &str| {
            let address = if host == "db2" {
                "10.0.0.2"
            } else {
                "10.0.0.1"
            };
            BTreeSet::from([address.parse().unwrap()])
        };
        let list = list();
        assert_eq!(
            pick(&list, &["node2".into()], &here, resolve).unwrap().host,
            "db2"
        );
    }

    /// At boot the name service may be down. A node that is banned for that stays away when it is back.
    #[test]
    fn a_node_is_banned_only_when_every_entry_is_known_to_be_another() {
        let some = |_: &str| BTreeSet::from(["10.0.0.1".parse().unwrap()]);
        let first = |host: &str| match host {
            "node10" => some(host),
            _ => BTreeSet::new(),
        };
        let text = "gcomm://node10,db2";
        assert!(matches!(
            stranger("n2", text, &list(), some),
            Failure::WrongHere(_)
        ));
        let failure = stranger("n2", text, &list(), first);
        assert!(matches!(failure, Failure::Retry(_)), "{failure:?}");
        let told = failure.to_string();
        assert!(
            told.contains("cannot resolve db2,") && told.contains(text),
            "{told}"
        );
    }
}
