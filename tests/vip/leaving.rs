//! Stop: the address is nowhere, whatever has happened to it, and nothing of others takes harm.

use crate::net::Net;

const V4: (&str, &str) = ("ip", "192.168.144.2");
const BOTH: (&str, &str) = ("ip", "192.168.144.2 2001:db8:1234::2");
const ETH0: (&str, &str) = ("nic", "eth0");

/// Starts both addresses on `eth0`, lets something happen, stops, and looks.
fn stop_after(what: &str, happens: impl FnOnce(&Net), stopped_with: &[(&str, &str)]) {
    let Some(net) = Net::new() else { return };
    net.expect("start", &[BOTH, ETH0], 0);
    happens(&net);
    net.expect("stop", stopped_with, 0);
    assert!(
        !net.has("node", "192.168.144.2"),
        "{what}\n{}",
        net.addresses("node")
    );
    assert!(
        !net.has("node", "2001:db8:1234::2"),
        "{what}\n{}",
        net.addresses("node")
    );
    net.expect("monitor", &[BOTH, ("OCF_RESKEY_CRM_meta_interval", "0")], 7);
}

/// 3.2 no. 1: the peer answers 0 and leaves the address when the configured nic changed, vanished, or the prefix
/// changed.
#[test]
fn stop_finds_the_address_when_the_configuration_has_changed() {
    stop_after("another nic", |_| {}, &[BOTH, ("nic", "eth1")]);
    stop_after("a nic that is not there", |_| {}, &[BOTH, ("nic", "eth7")]);
    stop_after(
        "another prefix",
        |_| {},
        &[BOTH, ETH0, ("cidr_netmask", "32")],
    );
}

#[test]
fn stop_finds_the_address_when_its_device_was_renamed() {
    let rename = |net: &Net| {
        net.ip("node", "link set eth0 down");
        net.ip("node", "link set eth0 name lan0");
        net.ip("node", "link set lan0 up");
    };
    stop_after("renamed", rename, &[BOTH, ETH0]);
}

#[test]
fn stop_succeeds_when_the_device_is_gone() {
    let remove = |net: &Net| {
        net.ip("node", "link del eth0");
    };
    stop_after("removed", remove, &[BOTH, ETH0]);
}

#[test]
fn stop_finds_the_address_when_its_device_was_enslaved() {
    let enslave = |net: &Net| {
        net.ip("node", "link add br0 type bridge");
        net.ip("node", "link set eth0 master br0");
    };
    stop_after("enslaved", enslave, &[BOTH, ETH0]);
}

#[test]
fn stop_finds_the_address_with_another_prefix_and_on_another_device() {
    let change = |net: &Net| {
        net.ip("node", "address del 192.168.144.2/24 dev eth0");
        net.ip("node", "address add 192.168.144.2/16 dev eth1");
        net.ip("node", "address add 192.168.144.2/32 dev lo");
        net.ip("node", "address del 2001:db8:1234::2/64 dev eth0");
        net.ip("node", "address add 2001:db8:1234::2/128 dev eth1");
    };
    stop_after("moved", change, &[BOTH, ETH0]);
}

#[test]
fn stop_removes_what_was_started_when_the_parameters_are_unreadable() {
    stop_after("no parameter", |_| {}, &[("arp_count", "1")]);
    stop_after("another address", |_| {}, &[("ip", "rubbish")]);
    stop_after("a bad value", |_| {}, &[BOTH, ("arp_count", "many")]);
    // Nothing is recorded, and the good part of a bad list is all there is.
    let Some(net) = Net::new() else { return };
    net.ip("node", "address add 192.168.144.2/24 dev eth0");
    net.expect("stop", &[("ip", "rubbish, 192.168.144.2/99")], 0);
    assert!(!net.has("node", "192.168.144.2"));
}

/// It is where start put it, whatever the parameters say now.
#[test]
fn stop_finds_the_address_in_the_namespace_where_it_was_started() {
    let Some(net) = Net::new() else { return };
    let (started, other) = (net.namespace("peer"), net.namespace("node"));
    for namespace in [Some(other.as_str()), Some("no-such-namespace"), None] {
        net.expect("start", &[BOTH, ("network_namespace", started.as_str())], 0);
        assert!(net.has("peer", "192.168.144.2"));
        let now = namespace.map(|name| ("network_namespace", name));
        let now: Vec<_> = [BOTH].into_iter().chain(now).collect();
        net.expect("stop", &now, 0);
        for ip in ["192.168.144.2", "2001:db8:1234::2"] {
            assert!(!net.has("peer", ip), "{ip}, stopped with {now:?}");
        }
    }
    net.expect("start", &[BOTH], 0);
    let gone = ("network_namespace", "no-such-namespace");
    net.expect("stop", &[BOTH, gone], 0);
    assert!(!net.has("node", "192.168.144.2"), "it was in none");
}

/// `ip netns` leaves a plain file behind when the name was unmounted and not deleted.
#[test]
fn stop_succeeds_when_the_name_of_the_namespace_is_a_plain_file() {
    let Some(net) = Net::new() else { return };
    let name = format!("{}-stale", net.namespace("node"));
    let path = format!("/run/netns/{name}");
    std::fs::write(&path, "").unwrap();
    let params = [BOTH, ("network_namespace", name.as_str())];
    let answers = ["stop", "monitor", "start"].map(|action| net.act(action, &params));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(answers.each_ref().map(|answer| answer.code), [0, 7, 1]);
    let reason = answers[2].reason();
    assert!(reason.contains("there is no network namespace"), "{reason}");
}

/// The primary address of the network and many that hang on it are all ours.
#[test]
fn stop_removes_addresses_that_hang_on_each_other() {
    let Some(net) = Net::bare() else { return };
    let before = net.addresses("node");
    let list = "192.168.144.2/24@eth0 192.168.144.4/24@eth0 192.168.144.5/24@eth0";
    net.expect("start", &[("ip", list)], 0);
    net.expect("stop", &[("ip", list)], 0);
    assert_eq!(net.addresses("node"), before);
}

/// An LVS real server goes on to serve the address, and does not count as the one that has it.
#[test]
fn with_lvs_support_the_address_stays_on_the_loopback_device() {
    let Some(net) = Net::new() else { return };
    let params = [V4, ("lvs_support", "true")];
    net.ip("node", "address add 192.168.144.2/32 dev lo");
    net.expect("monitor", &params, 7);
    net.expect("start", &params, 0);
    assert!(!net.ip("node", "address show lo").contains("192.168.144.2"));
    net.expect("monitor", &params, 0);
    for _ in 0..2 {
        net.expect("stop", &params, 0);
        assert!(
            net.ip("node", "address show lo")
                .contains("192.168.144.2/32")
        );
        assert!(
            !net.ip("node", "address show eth0")
                .contains("192.168.144.2/")
        );
        net.expect("monitor", &params, 7);
    }
    // What is kept there is not had: another machine may serve the address.
    net.ip("peer", "address add 192.168.144.2/24 dev eth0");
    let refused = net.expect("start", &params, 1);
    assert!(
        refused.reason().contains("has 192.168.144.2 too"),
        "{refused:?}"
    );
    net.expect("stop", &params, 0);
    // RA #323: without it, an address there is not mistaken for one that runs.
    let answer = net.expect("monitor", &[V4], 1);
    assert_eq!(answer.reason(), "192.168.144.2/32 is on lo");
}
