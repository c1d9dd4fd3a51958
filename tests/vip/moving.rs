//! Coming from the peer: its parameters, and its cluster IP addresses, which are refused.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::net::{AGENT, IPADDR2, Net};

const V4: (&str, &str) = ("ip", "192.168.144.2");
const V6: (&str, &str) = ("ip", "2001:db8:1234::2");
const PROBE: (&str, &str) = ("OCF_RESKEY_CRM_meta_interval", "0");

const SUCCESS: i32 = 0;
const CONFIGURED: i32 = 6;
const NOT_RUNNING: i32 = 7;

#[test]
fn each_parameter_of_cluster_ip_addresses_is_refused_with_the_reason() {
    let Some(net) = Net::new() else { return };
    for name in [
        "mac",
        "clusterip_hash",
        "clusterip_hash_seed",
        "clusterip_firewall",
        "clusterip_table",
        "clusterip_chain",
        "clusterip_mac_mangle",
    ] {
        let answer = net.expect("start", &[V4, (name, "x")], CONFIGURED);
        assert!(
            answer.reason().contains(&format!("parameter {name} ")),
            "{answer:?}"
        );
        assert!(
            answer
                .reason()
                .contains("CLUSTERIP target for that is gone"),
            "{answer:?}"
        );
    }
}

/// How the peer enters cluster IP mode: by being a clone. A probe and a stop of what an older agent started work.
#[test]
fn a_clone_whose_instances_would_share_an_address_is_refused() {
    let Some(net) = Net::new() else { return };
    let clone = [("CRM_meta_clone", "1"), ("CRM_meta_clone_max", "2")];
    let with = |more: &[(&'static str, &'static str)]| [&clone[..], more].concat();
    for ip in [V4, V6] {
        let before = net.addresses("node");
        let refused = net.expect("start", &with(&[ip]), CONFIGURED);
        let wanted = "2 instances of a clone would have the same address on eth0, as the kernel's CLUSTERIP target";
        assert!(refused.reason().starts_with(wanted), "{refused:?}");
        assert_eq!(net.addresses("node"), before);
        net.expect("monitor", &with(&[ip, PROBE]), NOT_RUNNING);
        net.expect("start", &[ip], SUCCESS);
        net.expect("monitor", &with(&[ip, PROBE]), SUCCESS);
        net.expect("stop", &with(&[ip]), SUCCESS);
        assert_eq!(net.addresses("node"), before);
    }
    for allowed in [
        [("ip", "192.168.144.20"), ("unique_clone_address", "true")],
        [("ip", "192.168.144.2/32@lo"), ("lvs_support", "true")],
        [V4, ("CRM_meta_clone_max", "1")],
    ] {
        net.expect("start", &with(&allowed), SUCCESS);
        net.expect("stop", &with(&allowed), SUCCESS);
    }
}

/// What each agent says of its parameters.
fn names(program: &str) -> BTreeSet<String> {
    let mut agent = Command::new(program);
    let told = agent.arg("meta-data").env("OCF_ROOT", "/usr/lib/ocf");
    let told = String::from_utf8(told.output().unwrap().stdout).unwrap();
    let names = told.split("<parameter name=\"").skip(1);
    let names = names.map(|rest| rest.split('"').next().unwrap().to_owned());
    names.collect()
}

/// Those that are refused have a test of their own.
#[test]
fn each_parameter_of_the_installed_peer_is_one_of_ours() {
    if !Path::new(IPADDR2).exists() {
        let required = std::env::var("REQUIRE_REAL").is_ok_and(|value| value == "1");
        assert!(!required, "{IPADDR2} is missing, and REQUIRE_REAL=1");
        eprintln!("SKIPPED: {IPADDR2} is missing");
        return;
    }
    let (peers, ours) = (names(IPADDR2), names(AGENT));
    assert!(peers.contains("ip") && peers.len() > 20, "{peers:?}");
    let lacking: Vec<_> = peers.difference(&ours).collect();
    assert!(lacking.is_empty(), "{lacking:?}");
}
