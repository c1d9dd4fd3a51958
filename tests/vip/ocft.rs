//! The cases of resource-agents' `tools/ocft/IPaddr2v4` and `IPaddr2v6` on where an address goes: "params with ..",
//! "force to use ..", "error params with ..", "not exist base_ip". Those on other matters are in `actions`.

use crate::net::{NODE, Net};

/// The peer's name of the case; parameters, and the place where the address is then; `None`: start fails with 1.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    Option<(&'static str, &'static str)>,
);

const V4: (&str, &str) = ("ip", "192.168.144.2");
const V6: (&str, &str) = ("ip", "2001:db8:1234::2");
const ETH0: (&str, &str) = ("nic", "eth0");
const ETH1: (&str, &str) = ("nic", "eth1");
const BROADCAST: (&str, &str) = ("broadcast", "192.168.255.255");

const fn bits(bits: &'static str) -> (&'static str, &'static str) {
    ("cidr_netmask", bits)
}

const IPV4: &[Case] = &[
    (
        "params with nic, no cidr_netmask",
        &[ETH0],
        Some(("eth0", "24")),
    ),
    (
        "params with nic, cidr_netmask",
        &[ETH0, bits("24")],
        Some(("eth0", "24")),
    ),
    ("params with force nic", &[ETH1], None),
    (
        "params with force cidr_netmask (base netmask > assigned netmask)",
        &[bits("16")],
        None,
    ),
    (
        "force to use the specified nic and cidr_netmask",
        &[ETH1, bits("16")],
        Some(("eth1", "16")),
    ),
    (
        "params with cidr_netmask",
        &[bits("24")],
        Some(("eth0", "24")),
    ),
    (
        "params with force cidr_netmask (base netmask < assigned netmask)",
        &[bits("28")],
        Some(("eth0", "28")),
    ),
    (
        "force to use the specified nic and cidr_netmask",
        &[ETH1, bits("28")],
        Some(("eth1", "28")),
    ),
    (
        "the old name of cidr_netmask",
        &[("netmask", "255.255.255.0")],
        Some(("eth0", "24")),
    ),
    (
        "params with broadcast, no nic, no cidr_netmask",
        &[BROADCAST],
        Some(("eth0", "24")),
    ),
    (
        "force to use the specified nic, cidr_netmask and broadcast",
        &[ETH1, bits("16"), BROADCAST],
        Some(("eth1", "16")),
    ),
];

const IPV4_WITHOUT_BASE: &[Case] = &[
    (
        "error params with wrong ip and nic (not exist base_ip)",
        &[ETH0],
        None,
    ),
    (
        "error params with wrong ip and cidr_netmask (not exist base_ip)",
        &[bits("24")],
        None,
    ),
    (
        "params with broadcast, no nic, no cidr_netmask",
        &[BROADCAST],
        None,
    ),
    (
        "force to use the specified nic and cidr_netmask (not exist base_ip)",
        &[ETH1, bits("28")],
        Some(("eth1", "28")),
    ),
    (
        "force to use the specified nic, cidr_netmask and broadcast",
        &[ETH1, bits("28"), BROADCAST],
        Some(("eth1", "28")),
    ),
    (
        "force to use the specified nic and cidr_netmask, with the broadcast address of the base",
        &[ETH1, bits("28"), ("broadcast", "192.168.144.255")],
        Some(("eth1", "28")),
    ),
];

/// One case is decided the other way: more bits than the route has are accepted without nic, as they are for IPv4,
/// against the peer's own case; /128 is usual for virtual addresses.
const IPV6: &[Case] = &[
    (
        "params with nic, no cidr_netmask",
        &[ETH0],
        Some(("eth0", "64")),
    ),
    ("params with force nic", &[ETH1], None),
    (
        "params with force cidr_netmask",
        &[bits("64")],
        Some(("eth0", "64")),
    ),
    (
        "params with force cidr_netmask (base netmask < assigned netmask)",
        &[bits("80")],
        Some(("eth0", "80")),
    ),
    (
        "params with force cidr_netmask (base netmask > assigned netmask)",
        &[bits("48")],
        None,
    ),
    (
        "params with nic, cidr_netmask",
        &[ETH0, bits("64")],
        Some(("eth0", "64")),
    ),
    (
        "force to use the specified nic and cidr_netmask (base netmask < assigned netmask)",
        &[ETH1, bits("80")],
        Some(("eth1", "80")),
    ),
    (
        "force to use the specified nic and cidr_netmask (base netmask > assigned netmask)",
        &[ETH1, bits("48")],
        Some(("eth1", "48")),
    ),
];

const IPV6_LINK_LOCAL: &[Case] = &[
    (
        "normal usage for a link-local IPv6 address, params with nic",
        &[ETH0],
        Some(("eth0", "64")),
    ),
    (
        "the same, with cidr_netmask",
        &[ETH0, bits("64")],
        Some(("eth0", "64")),
    ),
];

const IPV6_WITHOUT_BASE: &[Case] = &[
    (
        "error params with wrong ip and nic (not exist base_ip)",
        &[ETH0],
        None,
    ),
    ("params with cidr_netmask", &[bits("64")], None),
    (
        "force to use the specified nic and cidr_netmask (not exist base_ip)",
        &[ETH1, bits("48")],
        Some(("eth1", "48")),
    ),
];

fn run(net: &Net, ip: (&str, &str), cases: &[Case]) {
    for (case, params, place) in cases {
        let params = [&[ip], *params].concat();
        eprintln!("{case}: {params:?}"); // shown when it fails
        net.expect("start", &params, i32::from(place.is_none()));
        if let Some((device, bits)) = place {
            let there = net.ip("node", &format!("-o address show {device}"));
            let wanted = format!(" {}/{bits} ", ip.1);
            assert!(there.contains(&wanted), "{params:?}\n{there}");
            net.expect("monitor", &params, 0);
            net.expect("stop", &params, 0);
        }
        assert!(!net.has("node", ip.1), "{params:?}");
    }
}

#[test]
fn every_case_of_ipv4() {
    let Some(net) = Net::new() else { return };
    run(
        &net,
        ("ip", "192.168.120.1"),
        &[("error params with wrong ip", &[], None)],
    );
    run(&net, V4, IPV4);
    net.ip("node", &format!("address del {} dev eth0", NODE[0]));
    run(&net, V4, IPV4_WITHOUT_BASE);
}

#[test]
fn every_case_of_ipv6() {
    let Some(net) = Net::new() else { return };
    run(
        &net,
        ("ip", "2001:db8:5678::2"),
        &[("error params with wrong ip", &[], None)],
    );
    run(&net, V6, IPV6);
    net.ip("node", "address add fe80::1/64 dev eth0 nodad"); // as every device has one
    run(&net, ("ip", "fe80::2"), IPV6_LINK_LOCAL);
    net.ip("node", &format!("address del {} dev eth0", NODE[1]));
    run(&net, V6, IPV6_WITHOUT_BASE);
}
