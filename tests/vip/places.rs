//! Where an address goes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use galera_rs::sys::net::frames::Wire;

use crate::net::Net;

const IP: (&str, &str) = ("ip", "192.168.144.2");

fn assert_on(net: &Net, device: &str, address: &str) {
    let there = net.ip("node", &format!("-o address show {device}"));
    assert!(
        there.contains(&format!(" {address} ")),
        "{address} on {device}\n{there}"
    );
}

/// RA #1963, #1976, #2001: an update made running systems fail with "more than one route".
#[test]
fn an_ambiguous_route_is_an_error_that_lists_the_candidates() {
    let Some(net) = Net::new() else { return };
    net.ip("node", "address add 192.168.144.7/24 dev eth1");
    let answer = net.expect("start", &[IP], 1);
    for word in [
        "eth0 (192.168.144.0/24, metric 0)",
        "eth1 (192.168.144.0/24, metric 0)",
        "192.168.144.2@DEVICE",
    ] {
        assert!(answer.reason().contains(word), "{answer:?}");
    }
    net.expect("start", &[("ip", "192.168.144.2@eth1")], 0);
    assert_on(&net, "eth1", "192.168.144.2/24");
    net.expect("stop", &[IP], 0);
    net.ip("node", "address add 192.168.144.8/26 dev eth1");
    net.expect("start", &[IP], 0);
    assert_on(&net, "eth1", "192.168.144.2/26");
}

/// 3.2 no. 2: with an alternative name the peer calls a link that is down healthy.
#[test]
fn an_alternative_name_names_the_device_and_its_link() {
    let Some(net) = Net::new() else { return };
    let long = "an-alternative-name-of-a-device";
    net.ip(
        "node",
        &format!("link property add dev eth0 altname {long}"),
    );
    net.ip("node", "link property add dev eth0 altname alt0");
    for name in [long, "alt0"] {
        let params = [IP, ("nic", name)];
        net.expect_soon("start", &params, 0);
        assert_on(&net, "eth0", "192.168.144.2/24");
        net.expect("monitor", &params, 0);
        net.ip("peer", "link set eth0 down");
        let down = net.expect_soon("monitor", &params, 1);
        assert!(down.reason().ends_with("DOWN"), "{down:?}");
        net.ip("peer", "link set eth0 up");
        net.expect("stop", &params, 0);
    }
}

/// ocft: "set 'OCF_RESKEY_iflabel'", "specify iflabel in 'OCF_RESKEY_nic'"; RA #1982: success without the label.
#[test]
fn a_label_is_set_and_goes_with_the_address() {
    let Some(net) = Net::new() else { return };
    for params in [
        vec![IP, ("nic", "eth0"), ("iflabel", "iflabel")],
        vec![IP, ("iflabel", "iflabel")],
        vec![IP, ("nic", "eth0:iflabel")],
        vec![("ip", "192.168.144.2@eth0:iflabel")],
    ] {
        net.ip("node", "address add 192.168.144.2/24 dev eth0"); // there already, without the label
        net.expect("start", &params, 0);
        let there = net.ip("node", "-o address show eth0");
        assert!(
            there.contains(
                "192.168.144.2/24 brd 192.168.144.255 scope global secondary eth0:iflabel"
            ),
            "{there}"
        );
        net.expect("monitor", &params, 0);
        net.expect("stop", &params, 0);
        assert!(!net.has("node", "192.168.144.2"));
    }
}

/// InfiniBand has hardware addresses of 20 bytes; what stands in for it has 16.
#[test]
fn frames_leave_a_device_whose_hardware_address_has_no_room_in_a_socket_address() {
    let Some(net) = Net::new() else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vip/long_address.py");
    let mut tap = net.inside("node", || {
        let mut python = Command::new("/usr/bin/python3");
        let python = python.args([script, "long0"]).stdout(Stdio::piped());
        python.spawn().unwrap()
    });
    let mut told = BufReader::new(tap.stdout.take().unwrap()).lines();
    assert_eq!(told.next().unwrap().unwrap(), "ready");
    net.ip("node", "link set long0 up");
    let link = net.ip("node", "-o link show long0");
    let index = link.split(':').next().unwrap().parse().unwrap();
    let frame = [0x5a; 60];
    let sent = net.inside("node", || {
        let wire = Wire::open(std::iter::empty()).unwrap();
        wire.send(index, &frame)
            .and_then(|()| wire.send(index, &frame))
    });
    let heard = sent.is_ok().then(|| {
        told.filter(|line| line.as_ref().is_ok_and(|line| *line == "5a".repeat(60)))
            .take(2)
            .count()
    });
    tap.kill().unwrap();
    tap.wait().unwrap();
    sent.unwrap();
    assert_eq!(heard, Some(2));
}

/// A bridge and a macvlan are in every kernel that can run these tests; the other kinds are tried where the kernel has
/// them. What it says of them is in the tests of `src/sys/net/device.rs`.
#[test]
fn stacked_devices_hold_addresses_and_tell_when_what_carries_them_is_down() {
    let Some(net) = Net::new() else { return };
    net.ip("node", "link add br7 type bridge");
    net.ip("node", "link set eth1 master br7");
    let can = |device: &str, how: &str| {
        let made = net.can("node", &format!("link add {how}"));
        if !made {
            eprintln!("SKIPPED: this kernel makes no {device} ({how})");
        }
        made
    };
    if can("bond7", "bond7 type bond mode active-backup miimon 50") {
        net.ip("node", "link add half7 type veth peer name half8");
        for how in ["half8 up", "half7 master bond7", "half7 up"] {
            net.ip("node", &format!("link set {how}"));
        }
    }
    let bond = net.can("node", "link show bond7").then_some("bond7");
    let more = [
        ("eth0.7", "link eth0 name eth0.7 type vlan id 7"),
        ("mv7", "mv7 link eth0 type macvlan"),
        ("dm7", "dm7 type dummy"),
    ];
    let made = more.iter().filter(|(device, how)| can(device, how));
    let made: Vec<_> = bond
        .into_iter()
        .chain(made.map(|(device, _)| *device))
        .collect();
    assert!(made.contains(&"mv7"));
    eprintln!("a bridge and {made:?}");
    for device in [vec!["br7"], made].concat() {
        net.ip("node", &format!("link set {device} up"));
        let params = [("ip", "10.7.0.1/24 2001:db8:7::1/64"), ("nic", device)];
        crate::net::wait("carrier", std::time::Duration::from_secs(10), || {
            net.act(
                "validate-all",
                &[params[0], params[1], ("OCF_CHECK_LEVEL", "10")],
            )
            .code
                == 0
        });
        net.expect("start", &params, 0);
        assert_on(&net, device, "10.7.0.1/24");
        assert_on(&net, device, "2001:db8:7::1/64");
        net.expect("monitor", &params, 0);
        if ["eth0.7", "mv7"].contains(&device) {
            carrier_down(&net, &params, device);
        }
        net.expect("stop", &params, 0);
        assert!(!net.has("node", "10.7.0.1") && !net.has("node", "2001:db8:7::1"));
    }
}

/// The monitor notices that the cable of `eth0` is out, below the device.
fn carrier_down(net: &Net, params: &[(&str, &str)], device: &str) {
    net.ip("peer", "link set eth0 down");
    let said = net.expect_soon("monitor", params, 1).said;
    let named = said.contains(&format!("device {device} of ")) && said.contains("DOWN");
    assert!(named, "{said}");
    net.ip("peer", "link set eth0 up");
}

#[test]
fn flags_and_lifetime_are_as_the_parameters_say() {
    let Some(net) = Net::new() else { return };
    let params = [
        ("ip", "192.168.144.2 2001:db8:1234::2"),
        ("noprefixroute", "true"),
        ("preferred_lft", "0"),
        ("broadcast", "-"),
    ];
    net.expect("start", &params, 0);
    let there = net.ip("node", "-o address show eth0");
    assert!(
        there.contains("192.168.144.2/24 brd 192.168.144.0 scope global secondary noprefixroute"),
        "{there}"
    );
    let v6 = there.lines().find(|line| line.contains("::2/64")).unwrap();
    for word in [
        "deprecated",
        "noprefixroute",
        "valid_lft forever",
        "preferred_lft 0sec",
    ] {
        assert!(v6.contains(word), "{word}: {v6}");
    }
    assert!(
        net.ip("node", "addrlabel list")
            .contains("prefix 2001:db8:1234::2/128 dev eth0 label 99")
    );
    net.expect("stop", &params, 0);
    assert!(!net.ip("node", "addrlabel list").contains("label 99"));
}

/// The agent runs outside, device and address are inside.
#[test]
fn a_named_namespace_is_entered_for_every_action() {
    let Some(net) = Net::new() else { return };
    let namespace = net.namespace("peer");
    let params = [
        ("ip", "192.168.144.9"),
        ("network_namespace", namespace.as_str()),
    ];
    net.expect("start", &params, 0);
    assert!(net.has("peer", "192.168.144.9") && !net.has("node", "192.168.144.9"));
    net.expect("monitor", &params, 0);
    net.expect("stop", &params, 0);
    assert!(!net.has("peer", "192.168.144.9"));
    // A namespace that is gone took everything with it.
    let gone = [
        ("ip", "192.168.144.9"),
        ("network_namespace", "no-such-namespace"),
    ];
    net.expect("stop", &gone, 0);
    net.expect("monitor", &gone, 7);
}

#[test]
fn an_instance_of_a_clone_has_an_address_of_its_own() {
    let Some(net) = Net::new() else { return };
    let params = [
        ("ip", "192.168.144.20 2001:db8:1234::20"),
        ("unique_clone_address", "true"),
        ("CRM_meta_clone", "3"),
    ];
    net.expect("start", &params, 0);
    assert!(net.has("node", "192.168.144.23") && net.has("node", "2001:db8:1234::23"));
    net.expect("stop", &params, 0);
    assert!(!net.has("node", "192.168.144.23"));
}
