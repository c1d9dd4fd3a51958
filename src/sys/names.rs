//! Host names and this node's own addresses. Local files first, then `getent`.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use super::command::{program, run};

/// A name server may take this long.
const LIMIT: Duration = Duration::from_secs(5);

/// The addresses that a host name stands for: an address stands for itself.
pub fn addresses(host: &str) -> BTreeSet<IpAddr> {
    if let Ok(address) = host.parse() {
        return BTreeSet::from([address]);
    }
    let local = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let found = find(&local, host);
    if !found.is_empty() {
        return found;
    }
    let mut command = program("getent");
    command.args(["ahosts", host]);
    let output = run(command, LIMIT)
        .map(|output| output.stdout)
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&output);
    let first_words = text
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    first_words.filter_map(|word| word.parse().ok()).collect()
}

/// `address name name.. # comment` (hosts(5)); names are compared without case.
fn find(hosts: &str, host: &str) -> BTreeSet<IpAddr> {
    let rows = hosts.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?.parse().ok()?;
        words
            .any(|name| name.eq_ignore_ascii_case(host))
            .then_some(address)
    });
    rows.collect()
}

/// The addresses of this node's interfaces, loopback excepted.
pub fn own_addresses() -> BTreeSet<IpAddr> {
    let Ok(interfaces) = nix::ifaddrs::getifaddrs() else {
        return BTreeSet::new();
    };
    let found = interfaces.filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|a| IpAddr::V4(a.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|a| IpAddr::V6(a.ip())))
    });
    found.filter(|address| !address.is_loopback()).collect()
}

/// This node's host name.
pub fn own_name() -> Option<String> {
    nix::unistd::gethostname().ok()?.into_string().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_matched_whole_and_comments_do_not_count() {
        let hosts = "10.0.0.1 node1 db1\n10.0.0.10 node10 # node1\n";
        assert_eq!(
            find(hosts, "NODE1"),
            BTreeSet::from(["10.0.0.1".parse().unwrap()])
        );
        assert_eq!(find(hosts, "node"), BTreeSet::new());
    }
}
