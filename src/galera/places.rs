//! Where the servers of the other nodes listen for the group. Names are resolved by a thread of their own: a name service
//! that dies with the network answers late, and meanwhile somebody has to be evicted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::address::{self, Member};
use super::ballot::Elector;
use crate::ocf::Deadline;
use crate::sys::links::{self, Link};
use crate::sys::names;

/// How often a name is tried again that could not be resolved.
const UNRESOLVED: Duration = Duration::from_secs(60);

/// How a host's addresses are found; none while its name cannot be resolved.
type Resolve = fn(&str) -> BTreeSet<IpAddr>;

/// What a thread has found.
type Found = BTreeMap<Elector, BTreeSet<IpAddr>>;

/// Where a server listens for the others.
#[derive(Debug)]
struct Place {
    addresses: BTreeSet<IpAddr>,
    port: u16,
}

impl Place {
    /// Whether none of these connections to it is answered. Either of the two has connected to the other. `own`: the
    /// port where this node's server listens. Where it is must be known for that.
    fn is_unreachable(&self, own: u16, links: &[Link]) -> bool {
        let here = |link: &&Link| {
            let ports = link.peer_port == self.port || link.port == own;
            self.addresses.contains(&link.peer) && ports
        };
        !self.addresses.is_empty() && !links.iter().filter(here).any(Link::answers)
    }
}

/// The places of the other nodes' servers, as far as they are known.
#[derive(Debug)]
pub struct Places {
    places: BTreeMap<Elector, Place>,
    resolve: Resolve,
    /// The thread that resolves names now.
    asked: Option<JoinHandle<Found>>,
    /// When the names are tried again that could not be resolved.
    again: Deadline,
}

impl Places {
    /// Begins to find out where these members are.
    pub fn of<'a>(members: impl IntoIterator<Item = &'a Member>) -> Self {
        Self::with(members, names::addresses)
    }

    fn with<'a>(members: impl IntoIterator<Item = &'a Member>, resolve: Resolve) -> Self {
        let place = |member: &Member| Place {
            addresses: BTreeSet::new(),
            port: member.port.unwrap_or(address::PORT),
        };
        let members = members.into_iter();
        let places = members.map(|member| (member.host.clone(), place(member)));
        let mut begun = Self {
            places: places.collect(),
            resolve,
            asked: None,
            again: Deadline::after(UNRESOLVED),
        };
        begun.ask();
        begun
    }

    /// Takes what has been found, and has the rest tried again now and then. Waits for nothing.
    pub fn look(&mut self) {
        if let Some(asked) = self.asked.take_if(|asked| asked.is_finished()) {
            self.learn(asked.join().unwrap_or_default());
        }
        if self.asked.is_none() && self.again.passed() {
            self.ask();
        }
    }

    fn ask(&mut self) {
        self.again = Deadline::after(UNRESOLVED);
        let unknown = self.places.iter();
        let unknown = unknown.filter(|(_, place)| place.addresses.is_empty());
        let hosts: Vec<Elector> = unknown.map(|(host, _)| host.clone()).collect();
        if hosts.is_empty() {
            return;
        }
        let resolve = self.resolve;
        let asked = thread::Builder::new().spawn(move || {
            let found = hosts.into_iter().map(|host| {
                let addresses = resolve(&host);
                (host, addresses)
            });
            found.collect()
        });
        self.asked = asked
            .inspect_err(|error| log::warn!("no names are resolved: {error}"))
            .ok();
    }

    fn learn(&mut self, found: Found) {
        for (host, addresses) in found {
            if addresses.is_empty() {
                log::warn!(
                    "{host} of wsrep_cluster_address cannot be resolved: its server counts as reachable and is not \
                     evicted; tried again every {} s",
                    UNRESOLVED.as_secs()
                );
            }
            if let Some(place) = self.places.get_mut(&host) {
                place.addresses = addresses;
            }
        }
    }

    /// Whether the kernel has no connection to this server that is answered. `own`: the port of this node's server.
    pub fn is_unreachable(&self, elector: &str, own: u16, links: &[Link]) -> bool {
        let place = self.places.get(elector);
        place.is_some_and(|place| place.is_unreachable(own, links))
    }

    /// Whether the kernel of that server's machine says that nobody listens there.
    pub fn refuses(&self, elector: &str) -> bool {
        let place = self.places.get(elector);
        place.is_some_and(|place| links::refuses(&place.addresses, place.port))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::ocf::{Failure, wait_until};

    fn link(peer: &str, port: u16, peer_port: u16, retransmissions: u64) -> Link {
        let peer = peer.parse().unwrap();
        Link {
            port,
            peer,
            peer_port,
            retransmissions,
        }
    }

    #[test]
    fn a_member_is_unreachable_without_an_answered_connection_and_never_when_its_address_is_not_known()
     {
        let place = |addresses: &[&str]| Place {
            addresses: addresses.iter().map(|one| one.parse().unwrap()).collect(),
            port: 4567,
        };
        let known = place(&["10.0.0.2"]);
        assert!(known.is_unreachable(4567, &[]));
        assert!(known.is_unreachable(4567, &[link("10.0.0.3", 4567, 4567, 0)]));
        assert!(known.is_unreachable(4567, &[link("10.0.0.2", 40000, 4567, 2)]));
        assert!(!known.is_unreachable(4567, &[link("10.0.0.2", 40000, 4567, 0)]));
        assert!(!known.is_unreachable(4567, &[link("10.0.0.2", 4567, 40000, 0)]));
        assert!(
            !place(&[]).is_unreachable(4567, &[]),
            "nobody knows where it is"
        );
    }

    const LATE: Duration = Duration::from_millis(500);

    fn pass(time: Duration) {
        let never = || Ok::<Option<()>, Failure>(None);
        wait_until(&Deadline::after(time), time, "the time to pass", never).unwrap_err();
    }

    fn late(_: &str) -> BTreeSet<IpAddr> {
        pass(LATE);
        ["10.0.0.2".parse().unwrap()].into()
    }

    #[test]
    fn a_name_service_that_does_not_answer_delays_no_eviction() {
        let member = Member {
            host: "node2".to_owned(),
            port: None,
        };
        let began = Instant::now();
        let mut places = Places::with([&member], late);
        places.look();
        assert!(!places.is_unreachable("node2", 4567, &[]), "not known yet");
        assert!(began.elapsed() < LATE, "{:?}", began.elapsed());
        let limit = Deadline::after(Duration::from_secs(20));
        while !places.is_unreachable("node2", 4567, &[]) {
            assert!(!limit.passed(), "the answer is taken when it comes");
            places.look();
            pass(Duration::from_millis(10));
        }
    }
}
