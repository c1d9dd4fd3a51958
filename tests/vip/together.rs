//! Several resources on one node: none takes what another has, and none adds what another has stopped.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use crate::net::{Answer, Net, runs};

const FIRST: &str = "192.168.144.2";
const SECOND: &str = "192.168.144.5";
const ETH0: (&str, &str) = ("nic", "eth0");
const BITS: (&str, &str) = ("cidr_netmask", "24");
/// Without a job, whose end a stop would have to wait for.
const QUICK: [(&str, &str); 2] = [("arp_count", "1"), ("conflict_check", "false")];

/// Whether the kernel keeps what hangs on a primary address.
fn promote(net: &Net, device: &str, value: &str) {
    net.inside("node", || {
        for device in ["all", device] {
            let setting = format!("/proc/sys/net/ipv4/conf/{device}/promote_secondaries");
            fs::write(setting, value).unwrap();
        }
    });
}

fn stop(net: &Net, read_only: bool, params: &[(&str, &str)]) -> Answer {
    if read_only {
        net.act_in_a_container("stop", params)
    } else {
        net.act("stop", params)
    }
}

/// The second's address hangs on the first's, and both stop at the same moment: again and again.
fn both_stop_at_once(setting: &str, read_only: bool) {
    let Some(net) = Net::bare() else { return };
    let other = format!("{}-b", net.namespace("node"));
    let first = [&[("ip", FIRST), ETH0, BITS][..], &QUICK].concat();
    let name = ("OCF_RESOURCE_INSTANCE", other.as_str());
    let second = [&[("ip", SECOND), ETH0, BITS, name][..], &QUICK].concat();
    for round in 0..60 {
        promote(&net, "eth0", setting);
        net.expect("start", &first, 0);
        net.expect("start", &second, 0);
        let ready = Barrier::new(2);
        thread::scope(|scope| {
            for params in [&first, &second] {
                scope.spawn(|| {
                    ready.wait();
                    let stopped = stop(&net, read_only, params);
                    assert_eq!(stopped.code, 0, "{stopped:?}");
                });
            }
        });
        for ip in [FIRST, SECOND] {
            assert!(!net.has("node", ip), "{ip} is left in round {round}");
        }
    }
}

#[test]
fn two_that_stop_at_once_are_both_gone_where_the_kernel_removes_what_hangs_on_an_address() {
    both_stop_at_once("0", false);
}

#[test]
fn two_that_stop_at_once_are_both_gone_where_the_kernel_keeps_what_hangs_on_an_address() {
    both_stop_at_once("1", false);
}

#[test]
fn two_that_stop_at_once_are_both_gone_where_the_kernel_cannot_be_told_to_keep_anything() {
    both_stop_at_once("0", true);
}

/// The second address hangs on the first, and the kernel would remove both.
#[test]
fn stop_leaves_the_addresses_of_others_that_hang_on_ours() {
    for read_only in [false, true] {
        let Some(net) = Net::bare() else { return };
        promote(&net, "eth0", "0");
        net.expect("start", &[("ip", FIRST), ETH0, BITS], 0);
        net.ip(
            "node",
            "address add 192.168.144.5/24 brd + dev eth0 label eth0:other",
        );
        let stopped = stop(&net, read_only, &[("ip", FIRST)]);
        assert_eq!(stopped.code, 0, "{stopped:?}");
        let there = net.ip("node", "-o -4 address show eth0");
        assert!(
            there.contains("192.168.144.5/24 brd 192.168.144.255 scope global eth0:other"),
            "{there}"
        );
        assert!(!net.has("node", FIRST));
    }
}

/// What hung on ours went with the device: that it cannot be added again is no reason for fencing.
#[test]
fn stop_succeeds_when_the_device_vanishes_together_with_addresses_of_others() {
    let Some(net) = Net::bare() else { return };
    let params = [&[("ip", FIRST), ("nic", "gone0"), BITS][..], &QUICK].concat();
    for round in 0..40 {
        net.ip("node", "link add gone0 type veth peer name gone1");
        net.ip("node", "link set gone0 up");
        net.ip("node", "link set gone1 up");
        promote(&net, "gone0", "0");
        let up = [&params[..], &[("check_link_status", "false")]].concat();
        net.expect("start", &up, 0);
        net.ip("node", "address add 192.168.144.5/24 dev gone0");
        thread::scope(|scope| {
            scope.spawn(|| {
                let stopped = stop(&net, round % 2 == 1, &params);
                assert_eq!(stopped.code, 0, "{stopped:?}");
            });
            thread::sleep(Duration::from_micros(500 * round)); // each round at another moment
            net.ip("node", "link del gone0");
        });
    }
}

/// In a globally unique clone both instances may be on one node.
#[test]
fn two_instances_of_a_unique_clone_on_one_node_do_not_touch_each_other() {
    let Some(net) = Net::new() else { return };
    let names = [0, 1].map(|number| format!("{}:{number}", net.namespace("node")));
    let params = |number: usize| {
        [
            ("ip", "192.168.144.20"),
            ("unique_clone_address", "true"),
            ("OCF_RESOURCE_INSTANCE", names[number].as_str()),
            ("CRM_meta_clone", ["0", "1"][number]),
            ("arp_interval", "20s"),
        ]
    };
    let record = |number: usize| format!("/run/galera-rs/{}.vip.json", names[number]);
    net.expect("start", &params(0), 0);
    let text = fs::read_to_string(record(0)).unwrap();
    let noted: serde_json::Value = serde_json::from_str(&text).unwrap();
    let job = noted["job"]["pid"].as_u64().unwrap();
    net.expect("start", &params(1), 0);
    assert!(runs(job), "the start of one ended the job of the other");
    for number in [0, 1] {
        assert!(fs::exists(record(number)).unwrap(), "{number}");
        net.expect("monitor", &params(number), 0);
    }
    net.expect("stop", &params(0), 0);
    assert!(!net.has("node", "192.168.144.20") && net.has("node", "192.168.144.21"));
    net.expect("monitor", &params(1), 0);
    net.expect("stop", &params(1), 0);
    assert!(!net.has("node", "192.168.144.21"));
}

/// Every removal succeeds, and the address is there: who is to blame is said.
#[test]
fn stop_says_so_when_another_program_adds_the_address_again() {
    let Some(net) = Net::bare() else { return };
    let again = format!("address add {FIRST}/24 dev eth0");
    let mut yes = Command::new("yes");
    let mut yes = yes.arg(again).stdout(Stdio::piped()).spawn().unwrap();
    let mut adds = Command::new("ip");
    adds.args(["-n", &net.namespace("node"), "-force", "-batch", "-"]);
    adds.stdin(yes.stdout.take().unwrap()).stderr(Stdio::null());
    let mut adds = adds.spawn().unwrap();
    let mut answers = (0..300).map(|_| net.act("stop", &[("ip", FIRST)]));
    let failed = answers.find(|answer| answer.code == 1);
    for child in [&mut adds, &mut yes] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let failed = failed.expect("a stop that is undone");
    let told = format!("still on this node: {FIRST}/24; each was removed, and another program");
    assert!(failed.reason().starts_with(&told), "{failed:?}");
}
