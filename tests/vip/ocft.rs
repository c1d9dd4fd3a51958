//! The cases of resource-agents' `tools/ocft/IPaddr2v4` and `IPaddr2v6` on where an address goes: "params with ..",
//! "force to use ..", "error params with ..", "not exist base_ip". Those on other matters are in `actions`.

use crate::net::{NODE, Net};

/// Parameters, and the place where the address is then; `None`: start fails with 1.
type Case = (
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
    (&[ETH0], Some(("eth0", "24"))),
    (&[ETH0, bits("24")], Some(("eth0", "24"))),
    (&[ETH1], None),
    (&[bits("16")], None),
    (&[ETH1, bits("16")], Some(("eth1", "16"))),
    (&[bits("24")], Some(("eth0", "24"))),
    (&[bits("28")], Some(("eth0", "28"))),
    (&[ETH1, bits("28")], Some(("eth1", "28"))),
    (&[("netmask", "255.255.255.0")], Some(("eth0", "24"))),
    (&[BROADCAST], Some(("eth0", "24"))),
    (&[ETH1, bits("16"), BROADCAST], Some(("eth1", "16"))),
];

const IPV4_WITHOUT_BASE: &[Case] = &[
    (&[ETH0], None),
    (&[bits("24")], None),
    (&[BROADCAST], None),
    (&[ETH1, bits("28")], Some(("eth1", "28"))),
    (&[ETH1, bits("28"), BROADCAST], Some(("eth1", "28"))),
];

/// One case is decided the other way: more bits than the route has are accepted without nic, as they are for IPv4,
/// against the peer's own case; /128 is usual for virtual addresses.
const IPV6: &[Case] = &[
    (&[ETH0], Some(("eth0", "64"))),
    (&[ETH1], None),
    (&[bits("64")], Some(("eth0", "64"))),
    (&[bits("80")], Some(("eth0", "80"))),
    (&[bits("48")], None),
    (&[ETH0, bits("64")], Some(("eth0", "64"))),
    (&[ETH1, bits("80")], Some(("eth1", "80"))),
    (&[ETH1, bits("48")], Some(("eth1", "48"))),
];

const IPV6_LINK_LOCAL: &[Case] = &[(&[ETH0, bits("64")], Some(("eth0", "64")))];

const IPV6_WITHOUT_BASE: &[Case] = &[
    (&[ETH0], None),
    (&[bits("64")], None),
    (&[ETH1, bits("48")], Some(("eth1", "48"))),
];

fn run(net: &Net, ip: (&str, &str), cases: &[Case]) {
    for (params, place) in cases {
        let params = [&[ip], *params].concat();
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
    run(&net, ("ip", "192.168.120.1"), &[(&[], None)]);
    run(&net, V4, IPV4);
    net.ip("node", &format!("address del {} dev eth0", NODE[0]));
    run(&net, V4, IPV4_WITHOUT_BASE);
}

#[test]
fn every_case_of_ipv6() {
    let Some(net) = Net::new() else { return };
    run(&net, ("ip", "2001:db8:5678::2"), &[(&[], None)]);
    run(&net, V6, IPV6);
    run(&net, ("ip", "fe80::2"), IPV6_LINK_LOCAL);
    net.ip("node", &format!("address del {} dev eth0", NODE[1]));
    run(&net, V6, IPV6_WITHOUT_BASE);
}
