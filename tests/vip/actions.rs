//! Codes and reasons. The cases of resource-agents' `tools/ocft/IPaddr2*` are quoted by their names.

use std::process::Command;
use std::time::Duration;

use crate::net::{Net, wait};

const V4: (&str, &str) = ("ip", "192.168.144.2");
const V6: (&str, &str) = ("ip", "2001:db8:1234::2");
const PROBE: (&str, &str) = ("OCF_RESKEY_CRM_meta_interval", "0");
const RECURRING: (&str, &str) = ("OCF_RESKEY_CRM_meta_interval", "10000");

const SUCCESS: i32 = 0;
const GENERIC: i32 = 1;
const WRONG_HERE: i32 = 2;
const UNIMPLEMENTED: i32 = 3;
const CONFIGURED: i32 = 6;
const NOT_RUNNING: i32 = 7;

/// "normal start", "normal stop", "double start", "double stop", "monitor with running", "monitor with not running",
/// each of them for IPv4 and for IPv6.
#[test]
fn start_stop_and_monitor_may_be_repeated() {
    let Some(net) = Net::new() else { return };
    for ip in [V4, V6] {
        let before = net.addresses("node");
        net.expect("stop", &[ip], SUCCESS);
        net.expect("monitor", &[ip, PROBE], NOT_RUNNING);
        for _ in 0..2 {
            net.expect("start", &[ip], SUCCESS);
            assert!(net.has("node", ip.1));
            net.expect("monitor", &[ip, PROBE], SUCCESS);
            net.expect("monitor", &[ip, RECURRING], SUCCESS);
            net.expect("status", &[ip], SUCCESS);
        }
        for _ in 0..2 {
            net.expect("stop", &[ip], SUCCESS);
            assert_eq!(net.addresses("node"), before);
        }
        net.expect("monitor", &[ip, RECURRING], NOT_RUNNING);
    }
}

/// "check base env": unset and invalid values. A device that is not on this node may come, or be on another: 1 instead of 6.
#[test]
fn bad_values_are_refused_everywhere_and_a_missing_device_may_come() {
    let Some(net) = Net::new() else { return };
    for (params, code) in [
        (vec![], CONFIGURED),
        (vec![("ip", "not_ip_address")], CONFIGURED),
        (vec![V4, ("cidr_netmask", "not_netmask")], CONFIGURED),
        (vec![V4, ("cidr_netmask", "64")], CONFIGURED),
        (vec![V4, ("broadcast", "not_broadcast")], CONFIGURED),
        (vec![V4, ("nic", "not_nic")], GENERIC),
        (vec![V4, ("proto", "nobody")], CONFIGURED),
        (vec![V4, ("iflabel", "much_too_long_for_it")], WRONG_HERE),
        (
            vec![V4, ("network_namespace", "no-such-namespace")],
            GENERIC,
        ),
        (vec![("ip", "192.168.144.2, 192.168.144.2")], CONFIGURED),
        // "error params with no nic for a link-local IPv6 address"
        (vec![("ip", "fe80::2")], CONFIGURED),
    ] {
        let before = net.addresses("node");
        // Something has to be set, or the program thinks that a person has called it.
        let params = [params, vec![("arp_count", "1")]].concat();
        net.expect("start", &params, code);
        let level = ("OCF_CHECK_LEVEL", "10");
        net.expect(
            "validate-all",
            &[params.clone(), vec![level]].concat(),
            code,
        );
        assert_eq!(net.addresses("node"), before);
        net.expect("stop", &params, SUCCESS);
    }
}

/// "should not verify the local environment in any fashion" (OCF 1.1, `validate-all` at level 0).
#[test]
fn validate_all_without_a_level_does_not_look_at_the_node() {
    let Some(net) = Net::new() else { return };
    net.expect("validate-all", &[V4, ("nic", "not_nic")], SUCCESS);
}

/// "unimplemented command"
#[test]
fn an_unknown_action_is_not_supported() {
    let Some(net) = Net::new() else { return };
    net.expect("no_cmd", &[V4], UNIMPLEMENTED);
}

/// "monitor failure when 'OCF_RESKEY_nic' is vanished"
#[test]
fn a_vanished_device_fails_the_monitor_and_a_probe_finds_nothing() {
    let Some(net) = Net::new() else { return };
    let vanished = ("nic", "ethVanished");
    net.expect("monitor", &[V4, vanished, RECURRING], GENERIC);
    net.expect("monitor", &[V4, vanished, PROBE], NOT_RUNNING);
}

/// "Attachment to loopback interface"
#[test]
fn a_loopback_address_goes_to_the_loopback_device() {
    let Some(net) = Net::new() else { return };
    let lo = [("ip", "127.0.0.3")];
    net.expect("start", &lo, SUCCESS);
    net.expect("monitor", &lo, SUCCESS);
    assert!(
        net.ip("node", "address show lo")
            .contains("inet 127.0.0.3/8 scope host")
    );
    net.expect("stop", &lo, SUCCESS);
    assert!(!net.has("node", "127.0.0.3"));
}

/// One resource, many addresses: all or none.
#[test]
fn several_addresses_are_one_unit() {
    let Some(net) = Net::new() else { return };
    let all = [(
        "ip",
        "192.168.144.2, 192.168.144.4/28 2001:db8:1234::2,10.1.2.3/24@eth1",
    )];
    let before = net.addresses("node");
    net.expect("start", &all, SUCCESS);
    net.expect("monitor", &all, SUCCESS);
    net.ip("node", "address del 192.168.144.4/28 dev eth0");
    let lost = net.expect("monitor", &all, GENERIC);
    assert_eq!(lost.reason(), "192.168.144.4 is not there");
    net.expect("stop", &all, SUCCESS);
    assert_eq!(net.addresses("node"), before);
}

#[test]
fn a_prefix_that_somebody_has_changed_fails_the_monitor() {
    let Some(net) = Net::new() else { return };
    net.expect("start", &[V4], SUCCESS);
    net.ip("node", "address del 192.168.144.2/24 dev eth0");
    net.ip("node", "address add 192.168.144.2/25 dev eth0");
    let failed = net.expect("monitor", &[V4, RECURRING], GENERIC);
    let wanted = "192.168.144.2/25 is on eth0, its prefix should be 24";
    assert_eq!(failed.reason(), wanted);
    net.expect("stop", &[V4], SUCCESS);
    assert!(!net.has("node", V4.1));
}

/// The second address cannot be added, as the kernel has none of its family on this device.
#[test]
fn a_failed_start_leaves_everything_as_it_was() {
    let Some(net) = Net::new() else { return };
    net.inside("node", || {
        std::fs::write("/proc/sys/net/ipv6/conf/eth1/disable_ipv6", "1").unwrap();
    });
    net.ip("node", "address add 192.168.144.2/32 dev eth1");
    let before = net.addresses("node");
    let both = [("ip", "192.168.144.2/24@eth0, 2001:db8:1::2/64@eth1")];
    let failed = net.expect("start", &both, GENERIC);
    assert!(failed.reason().contains("2001:db8:1::2/64"), "{failed:?}");
    assert_eq!(net.addresses("node"), before);
    net.expect("monitor", &[("ip", "192.168.144.4"), PROBE], NOT_RUNNING);
}

/// What the kernel tells of the node's addresses while an action runs: those that come and go, see ip-monitor(8).
fn changes(net: &Net, act: impl FnOnce()) -> String {
    let told = tempfile::NamedTempFile::new().unwrap();
    let mut monitor = Command::new("/usr/sbin/ip");
    monitor.args(["-n", &net.namespace("node"), "-o", "monitor", "address"]);
    let mut monitor = monitor.stdout(told.reopen().unwrap()).spawn().unwrap();
    // Once it has told of the first of these it listens, and what came before the second it has told by then.
    let mark = |ip: &str| {
        wait(ip, Duration::from_secs(10), || {
            net.can("node", &format!("address del {ip}/32 dev lo"));
            net.ip("node", &format!("address add {ip}/32 dev lo"));
            std::fs::read_to_string(told.path()).unwrap().contains(ip)
        });
    };
    mark("10.255.0.1");
    act();
    mark("10.255.0.2");
    monitor.kill().unwrap();
    monitor.wait().unwrap();
    std::fs::read_to_string(told.path()).unwrap()
}

/// The first entry could be had each time.
#[test]
fn nothing_is_touched_before_every_entry_is_known_to_have_a_place() {
    let Some(net) = Net::new() else { return };
    net.ip("peer", "link set eth1 down");
    for (second, code) in [
        ("192.168.144.4@not_nic", GENERIC),
        ("10.1.2.3", GENERIC),
        ("192.168.144.4/24@eth1", GENERIC),
        ("192.168.144.4/24@eth0:much_too_long_for_it", WRONG_HERE),
        ("fe80::2", CONFIGURED),
    ] {
        let list = format!("192.168.144.2/24@eth0, {second}");
        let seen = changes(&net, || {
            net.expect("start", &[("ip", &list)], code);
        });
        assert!(!seen.contains("192.168.144.2/"), "{second}: {seen}");
    }
    // One that is taken and given back is seen.
    net.inside("node", || {
        std::fs::write("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", "1").unwrap();
    });
    let seen = changes(&net, || {
        let list = ("ip", "192.168.144.2/24@eth0, 2001:db8:1::2/64@eth0");
        net.expect("start", &[list], GENERIC);
    });
    assert!(seen.contains("192.168.144.2/"), "{seen}");
}

/// A link that is down is soft at start and monitor: neither 5 nor 2 bans the node.
#[test]
fn a_link_that_is_down_is_a_soft_failure_and_named() {
    let Some(net) = Net::new() else { return };
    net.expect("start", &[V4], SUCCESS);
    net.ip("peer", "link set eth0 down");
    let failed = net.expect_soon("monitor", &[V4, RECURRING], GENERIC);
    let state = failed
        .reason()
        .strip_prefix("device eth0 of 192.168.144.2/24 is ");
    assert!(
        matches!(state, Some("DOWN" | "LOWERLAYERDOWN")),
        "{failed:?}"
    );
    net.expect("monitor", &[V4, ("check_link_status", "false")], SUCCESS);
    net.expect("stop", &[V4], SUCCESS);
    let failed = net.expect("start", &[V4], GENERIC);
    assert!(
        failed.reason().starts_with("device eth0 is ") && failed.reason().contains("DOWN;"),
        "{failed:?}"
    );
    net.expect("start", &[V4, ("check_link_status", "false")], SUCCESS);
    assert!(net.has("node", V4.1));
}

/// Parameters of the peer that no other test uses.
#[test]
fn start_announces_in_the_foreground_and_labels_as_the_parameters_say() {
    let Some(net) = Net::new() else { return };
    let both = ("ip", "192.168.144.2 2001:db8:1234::2");
    let params = [
        both,
        ("arp_sender", "iputils_arping"),
        ("send_arp_opts", "-x"),
        ("arp_bg", "false"),
        ("arp_count", "3"),
        ("arp_interval", "100"),
        ("lvs_ipv6_addrlabel_value", "77"),
    ];
    let started = net.expect("start", &params, SUCCESS);
    assert!(started.took.as_millis() >= 200, "{started:?}");
    let record = std::fs::read_to_string(net.record("node")).unwrap();
    assert!(record.contains("\"job\": null"), "{record}");
    assert!(net.ip("node", "addrlabel list").contains("label 77"));
    net.expect("stop", &params, SUCCESS);
    assert!(!net.ip("node", "addrlabel list").contains("label 77"));
    net.expect("start", &[both, ("lvs_ipv6_addrlabel", "false")], SUCCESS);
    assert!(
        !net.ip("node", "addrlabel list")
            .contains("2001:db8:1234::2")
    );
}

/// What the kernel has learnt of a route, here that it is narrow, and not the routes themselves. With an IPv4 address it
/// would forget that anyhow.
#[test]
fn stop_has_the_kernel_forget_learnt_routes_when_flush_routes_says_so() {
    let Some(net) = Net::new() else { return };
    net.ip("peer", "link set eth1 mtu 1000");
    net.ip("peer", "route add 10.99.0.0/24 dev eth1");
    net.inside("peer", || {
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
    });
    net.ip("node", "route add 10.99.0.0/24 via 192.168.144.3");
    let send = || {
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        let _ = socket.send_to(&[0; 1400], "10.99.0.1:9"); // too long, once that is known
    };
    let narrow = || net.ip("node", "route get 10.99.0.1").contains("mtu 1000");
    wait("a narrow route", Duration::from_secs(10), || {
        net.inside("node", send);
        narrow()
    });
    let routes = net.ip("node", "route show table all");
    net.expect("start", &[V6], SUCCESS);
    net.expect("stop", &[V6], SUCCESS);
    assert!(narrow());
    net.expect("start", &[V6], SUCCESS);
    net.expect("stop", &[V6, ("flush_routes", "true")], SUCCESS);
    assert!(!narrow());
    assert_eq!(net.ip("node", "route show table all"), routes);
}

/// A reload touches nothing, and the next action has the new values; bad ones are refused, and never for ever (6).
#[test]
fn a_reload_takes_new_values_and_touches_nothing() {
    let Some(net) = Net::new() else { return };
    net.expect("start", &[V4], SUCCESS);
    let (before, record) = (net.addresses("node"), std::fs::read(net.record("node")));
    let restore = ("restore", "true");
    net.expect("reload-agent", &[V4, restore], SUCCESS);
    assert_eq!(net.addresses("node"), before);
    assert_eq!(std::fs::read(net.record("node")).unwrap(), record.unwrap());
    net.ip("node", "address del 192.168.144.2/24 dev eth0");
    net.expect("monitor", &[V4, restore, RECURRING], SUCCESS);
    assert_eq!(net.addresses("node"), before);
    let many = ("arp_count_refresh", "many");
    let refused = net.expect("reload-agent", &[V4, many], GENERIC);
    assert!(
        refused.reason().contains("arp_count_refresh"),
        "{refused:?}"
    );
    assert_eq!(net.addresses("node"), before);
    net.expect("stop", &[V4], SUCCESS);
}

/// networkd and wicked remove what they do not know.
#[test]
fn an_address_that_others_removed_is_put_back_when_that_is_wanted() {
    let Some(net) = Net::new() else { return };
    let both = ("ip", "192.168.144.2 2001:db8:1234::2");
    net.expect("start", &[both], SUCCESS);
    let whole = net.addresses("node");
    let flush = || {
        net.ip("node", "address del 192.168.144.2/24 dev eth0");
        net.ip("node", "address del 2001:db8:1234::2/64 dev eth0");
    };
    flush();
    let lost = net.expect("monitor", &[both, RECURRING], NOT_RUNNING);
    assert_eq!(
        lost.reason(),
        "192.168.144.2 is not there; 2001:db8:1234::2 is not there"
    );
    let restore = ("restore", "true");
    net.expect("monitor", &[both, restore, PROBE], NOT_RUNNING);
    let back = net.expect("monitor", &[both, restore, RECURRING], SUCCESS);
    assert!(
        back.said
            .contains("another program has removed 192.168.144.2/24 from eth0"),
        "{back:?}"
    );
    let there = "another program has removed 2001:db8:1234::2/64 from eth0";
    assert!(back.said.contains(there), "{back:?}");
    assert_eq!(net.addresses("node"), whole);
    net.expect("stop", &[both, restore], SUCCESS);
    net.expect("monitor", &[both, restore, RECURRING], NOT_RUNNING);
    assert!(!net.has("node", "192.168.144.2"), "stopped, and put back");
}
