//! What a second host sees and says.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::libc;

use crate::net::{AGENT, Answer, Net, runs, wait};

const BOTH: (&str, &str) = ("ip", "192.168.144.2 2001:db8:1234::2");
const IPS: [&str; 2] = ["192.168.144.2", "2001:db8:1234::2"];
const LEVEL_10: (&str, &str) = ("OCF_CHECK_LEVEL", "10");
const LEVEL_20: (&str, &str) = ("OCF_CHECK_LEVEL", "20");
const NO_CHECK: (&str, &str) = ("conflict_check", "false");

/// The peer remembers another host as the owner, as it does after a node has died.
fn remember_the_dead(net: &Net) {
    for ip in IPS {
        net.ip(
            "peer",
            &format!("neighbour replace {ip} lladdr 02:00:00:00:de:ad dev eth0 nud reachable"),
        );
    }
}

fn remembered(net: &Net, ip: &str) -> String {
    let known = net.ip("peer", &format!("neighbour show {ip} dev eth0"));
    let mac = known.split("lladdr ").nth(1).unwrap_or_default();
    mac.split_ascii_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_second_host_knows_the_new_node_within_50_ms_of_start() {
    let Some(net) = Net::alone() else { return };
    let mac = net.mac("node", "eth0");
    let known = || IPS.iter().all(|ip| remembered(&net, ip) == mac);
    remember_the_dead(&net);
    net.expect("start", &[BOTH], 0);
    wait("both addresses", Duration::from_millis(50), known);
    // No announcement was lost that a later one had to make good for: the job is not needed for this.
    net.expect("stop", &[BOTH], 0);
    remember_the_dead(&net);
    net.expect("start", &[BOTH, ("arp_count", "1"), NO_CHECK], 0);
    wait("both, told once", Duration::from_millis(50), known);
}

/// RA #977: some switches accept only one of the two forms.
#[test]
fn announcements_are_repeated_as_often_as_configured_and_then_end() {
    let Some(net) = Net::new() else { return };
    net.expect(
        "start",
        &[BOTH, ("arp_count", "10"), ("arp_interval", "300")],
        0,
    );
    let mac = net.mac("node", "eth0");
    for round in 0..2 {
        remember_the_dead(&net);
        for ip in IPS {
            let what = format!("{ip}, announced again ({round})");
            wait(&what, Duration::from_secs(5), || {
                remembered(&net, ip) == mac
            });
        }
    }
    net.await_job();
    remember_the_dead(&net);
    // A monitor announces when it is told to.
    net.expect("monitor", &[BOTH], 0);
    assert_eq!(remembered(&net, IPS[0]), "02:00:00:00:de:ad");
    net.expect("monitor", &[BOTH, ("arp_count_refresh", "1")], 0);
    for ip in IPS {
        wait(ip, Duration::from_secs(1), || remembered(&net, ip) == mac);
    }
}

/// The old owner must not speak after it has stopped: its job would turn the neighbours back. Stop ends it, and it looks
/// for itself too whether the addresses are still there.
#[test]
fn stop_ends_the_announcements() {
    let Some(net) = Net::new() else { return };
    net.expect(
        "start",
        &[BOTH, ("arp_count", "1000"), ("arp_interval", "1")],
        0,
    );
    net.expect("stop", &[BOTH], 0);
    remember_the_dead(&net);
    net.expect("start", &[("ip", "192.168.144.77")], 0); // time passes, and frames with it
    for ip in IPS {
        assert_eq!(remembered(&net, ip), "02:00:00:00:de:ad");
    }
    let rare = ("arp_interval", "20s");
    net.expect("start", &[BOTH, ("arp_count", "3"), rare], 0);
    let job = net.job().unwrap();
    assert!(runs(job));
    net.expect("stop", &[BOTH], 0);
    assert!(!runs(job), "it would look for itself after 20 s only");
}

#[test]
fn start_names_the_machine_that_has_the_address_and_takes_nothing() {
    let Some(net) = Net::alone() else { return };
    for (ip, mask) in [(IPS[0], 24), (IPS[1], 64)] {
        net.ip("peer", &format!("address add {ip}/{mask} dev eth0"));
        if ip.contains(':') {
            let tentative = || net.ip("peer", "address show eth0").contains("tentative");
            wait("the peer's own detection", Duration::from_secs(5), || {
                !tentative()
            });
        }
        let before = net.addresses("node");
        // Longer than by default: what a busy machine takes to answer.
        let refused = net.expect("start", &[BOTH, ("conflict_window", "200")], 1);
        let wanted = format!("{} has {ip} too, on eth0", net.mac("peer", "eth0"));
        assert!(refused.reason().starts_with(&wanted), "{refused:?}");
        assert_eq!(net.addresses("node"), before);
        assert!(!fs::exists(net.record("node")).unwrap());
        // However short the window is, an answer counts until everybody has been told.
        net.expect("start", &[BOTH, ("conflict_window", "0")], 1);
        assert_eq!(net.addresses("node"), before);
        net.ip("peer", &format!("address del {ip}/{mask} dev eth0"));
    }
    net.ip("peer", "address add 192.168.144.2/24 dev eth0");
    net.expect("start", &[("ip", IPS[0]), NO_CHECK], 0);
    // RA #913: the old name of the parameter.
    net.expect("stop", &[("ip", IPS[0])], 0);
    net.expect(
        "start",
        &[("ip", IPS[0]), NO_CHECK, ("run_arping", "true")],
        1,
    );
}

/// Without the agent's own question the kernel asks, and start waits for what it finds.
#[test]
fn the_kernels_detection_is_waited_for_where_the_agent_does_not_ask() {
    let Some(net) = Net::new() else { return };
    net.expect("start", &[("ip", IPS[1]), NO_CHECK], 0);
    let there = net.ip("node", "address show eth0");
    assert!(
        there.contains("::2/64") && !there.contains("tentative"),
        "{there}"
    );
    net.expect("stop", &[("ip", IPS[1])], 0);
    net.ip("peer", "address add 2001:db8:1234::2/64 dev eth0 nodad");
    let before = net.addresses("node");
    let refused = net.expect("start", &[("ip", IPS[1]), NO_CHECK], 1);
    assert!(
        refused
            .reason()
            .contains("duplicate address detection found"),
        "{refused:?}"
    );
    assert_eq!(net.addresses("node"), before);
    net.expect("start", &[("ip", IPS[1]), ("nodad", "true")], 0);
}

/// An address that the kernel does not use, as another machine has it, is not here.
#[test]
fn a_duplicate_that_the_kernel_found_is_not_taken_over() {
    let Some(net) = Net::new() else { return };
    let one = ("ip", IPS[1]);
    let here = |what: &str| net.ip("node", "address show eth0").contains(what);
    let await_failure = || {
        wait("dadfailed", Duration::from_secs(10), || here("dadfailed"));
    };
    net.ip("peer", "address add 2001:db8:1234::2/64 dev eth0 nodad");
    net.ip("node", "address add 2001:db8:1234::2/64 dev eth0");
    net.expect("start", &[one], 1); // while the kernel looks, or has found
    await_failure();
    let refused = net.expect("start", &[one, ("conflict_window", "200")], 1);
    let wanted = format!("{} has {} too, on eth0", net.mac("peer", "eth0"), IPS[1]);
    assert!(refused.reason().starts_with(&wanted), "{refused:?}");
    let refused = net.expect("start", &[one, NO_CHECK], 1);
    let wanted = "duplicate address detection found";
    assert!(refused.reason().contains(wanted), "{refused:?}");
    await_failure(); // put back, and looked for again
    net.ip("peer", "address del 2001:db8:1234::2/64 dev eth0");
    net.expect("start", &[one], 0);
    assert!(here("::2/64") && !here("dadfailed") && !here("tentative"));
    net.expect("monitor", &[one], 0);
}

/// Two nodes claim one address; the second does not ask. The first hears of it and its monitor says so.
#[test]
fn a_second_claim_is_heard_and_fails_the_next_monitor() {
    let Some(net) = Net::new() else { return };
    for (ip, no) in [(IPS[0], ("arp_count", "3")), (IPS[1], ("nodad", "true"))] {
        let one = ("ip", ip);
        // The job listens for nearly three seconds.
        let long = [("arp_count", "10"), ("arp_interval", "300")];
        net.expect("start", &[one, long[0], long[1]], 0);
        assert_eq!(net.act_on("peer", "start", &[one, NO_CHECK, no]).code, 0);
        net.await_job();
        let failed = net.expect("monitor", &[one], 1);
        let wanted = format!("{} has {ip} too, on eth0", net.mac("peer", "eth0"));
        assert_eq!(failed.reason(), wanted);
        assert_eq!(net.act_on("peer", "stop", &[one]).code, 0);
        net.expect("stop", &[one], 0);
        net.expect("start", &[one], 0);
        net.expect("monitor", &[one], 0);
        net.expect("stop", &[one], 0);
    }
}

#[test]
fn level_10_asks_whether_anybody_else_answers() {
    let Some(net) = Net::new() else { return };
    net.expect("start", &[BOTH], 0);
    net.await_job();
    net.expect("monitor", &[BOTH, LEVEL_10], 0);
    for (ip, mask) in [(IPS[0], "24"), (IPS[1], "64 nodad")] {
        net.ip(
            "peer",
            &format!("address add {ip}/{} dev eth0{}", &mask[..2], &mask[2..]),
        );
        net.expect("monitor", &[BOTH], 0);
        let failed = net.expect("monitor", &[BOTH, LEVEL_10], 1);
        assert!(
            failed.reason().contains(&format!("has {ip} too")),
            "{failed:?}"
        );
        net.ip("peer", &format!("address del {ip}/{} dev eth0", &mask[..2]));
    }
}

#[test]
fn level_20_asks_the_gateway() {
    let Some(net) = Net::new() else { return };
    net.expect("start", &[BOTH], 0);
    net.expect("monitor", &[BOTH, LEVEL_20], 0); // there is no gateway to ask
    net.ip("node", "route add default via 192.168.144.3");
    net.expect("monitor", &[BOTH, LEVEL_20], 0);
    let both = ("gateway", "192.168.144.3, 2001:db8:1234::3");
    net.expect("monitor", &[BOTH, LEVEL_20, both], 0);
    let silent = net.expect(
        "monitor",
        &[BOTH, LEVEL_20, ("gateway", "192.168.144.3 192.168.144.99")],
        1,
    );
    assert_eq!(
        silent.reason(),
        "the gateway 192.168.144.99 does not answer"
    );
    net.ip("peer", "address del 192.168.144.3/24 dev eth0");
    let silent = net.expect("monitor", &[BOTH, LEVEL_20], 1);
    assert_eq!(silent.reason(), "the gateway 192.168.144.3 does not answer");
    // That of the other family's default route.
    net.ip("node", "route del default");
    net.ip("node", "-6 route add default via 2001:db8:1234::3");
    net.expect("monitor", &[BOTH, LEVEL_20], 0);
    net.ip("peer", "address del 2001:db8:1234::3/64 dev eth0");
    let silent = net.expect("monitor", &[BOTH, LEVEL_20], 1);
    let wanted = "the gateway 2001:db8:1234::3 does not answer";
    assert_eq!(silent.reason(), wanted);
}

/// RA #1117: a firewall that ignores announcements to everybody, and learns only from what is meant for itself.
#[test]
fn a_gateway_that_ignores_announcements_is_told_alone() {
    let Some(net) = Net::new() else { return };
    net.inside("peer", || {
        fs::write("/proc/sys/net/ipv4/conf/eth0/drop_gratuitous_arp", "1").unwrap();
        fs::write("/proc/sys/net/ipv6/conf/eth0/drop_unsolicited_na", "1").unwrap();
    });
    remember_the_dead(&net);
    let brief = ("arp_interval", "10");
    net.expect("start", &[BOTH, brief], 0);
    net.await_job();
    for ip in IPS {
        assert_eq!(remembered(&net, ip), "02:00:00:00:de:ad", "told by others");
    }
    net.expect("stop", &[BOTH], 0);
    let gateways = ("gateway", "192.168.144.3 2001:db8:1234::3");
    net.expect("start", &[BOTH, gateways, ("arp_count", "30")], 0);
    let mac = net.mac("node", "eth0");
    for ip in IPS {
        wait(ip, Duration::from_secs(5), || remembered(&net, ip) == mac);
    }
}

/// Lets something happen while start, which knows each place by then, waits: it reads its record, and there waits for
/// whoever writes it.
fn while_it_waits(
    net: &Net,
    start: impl FnOnce() -> Answer + Send,
    happens: impl FnOnce(),
) -> Answer {
    let record = net.record("node");
    fs::create_dir_all(Path::new(&record).parent().unwrap()).unwrap();
    let made = Command::new("mkfifo").arg(&record).status().unwrap();
    assert!(made.success());
    thread::scope(|scope| {
        let start = scope.spawn(start);
        let mut writer = OpenOptions::new();
        writer.write(true).custom_flags(libc::O_NONBLOCK);
        let mut open = None;
        wait("start to read its record", Duration::from_secs(10), || {
            open = writer.open(&record).ok();
            open.is_some()
        });
        happens();
        drop(open);
        start.join().unwrap()
    })
}

/// The file of the agent is replaced while start runs: the job is started from its successor.
#[test]
fn an_upgrade_during_start_does_not_keep_it_from_announcing() {
    let Some(net) = Net::new() else { return };
    let folder = Path::new(AGENT).parent().unwrap();
    let folder = tempfile::tempdir_in(folder).unwrap();
    let program = folder.path().join("vip-rs");
    fs::hard_link(AGENT, &program).unwrap();
    let start = || net.act_by(program.to_str().unwrap(), "start", &[BOTH]);
    let started = while_it_waits(&net, start, || {
        fs::remove_file(&program).unwrap();
        fs::hard_link(AGENT, &program).unwrap();
    });
    assert_eq!(started.code, 0, "{started:?}");
    assert!(net.job().is_some(), "{started:?}");
    net.expect("stop", &[BOTH], 0);
}

/// What the background job could not send, the next monitors send; until then the resource is degraded.
#[test]
fn an_announcement_that_fails_later_is_told_and_made_good() {
    let Some(net) = Net::new() else { return };
    let one = ("ip", IPS[0]);
    let params = [one, ("check_link_status", "false"), ("arp_count", "2")];
    net.expect(
        "start",
        &[&params[..], &[("arp_interval", "2000")]].concat(),
        0,
    );
    net.ip("node", "link set eth0 down");
    net.await_job();
    let told = net.expect("monitor", &params, 190);
    assert!(told.reason().starts_with("not announced: "), "{told:?}");
    net.ip("node", "link set eth0 up");
    remember_the_dead(&net);
    net.expect("monitor", &params, 0);
    assert_eq!(remembered(&net, IPS[0]), net.mac("node", "eth0"));
    remember_the_dead(&net);
    net.expect("monitor", &params, 0);
    assert_eq!(
        remembered(&net, IPS[0]),
        "02:00:00:00:de:ad",
        "told for ever"
    );
}

/// 3.2 no. 4: the peer's start succeeds when nothing was sent.
#[test]
fn start_fails_when_the_announcement_cannot_be_sent() {
    let Some(net) = Net::new() else { return };
    // A device whose queue drops everything reports no error; one that is down does.
    let dead = [("ip", "10.7.0.1/24@eth1")];
    net.ip("node", "link set eth1 down");
    net.expect("start", &dead, 1);
    assert!(!net.has("node", "10.7.0.1"));
    let told = net.expect("start", &[dead[0], ("check_link_status", "false")], 0);
    assert!(
        told.said.contains("not announced: 10.7.0.1 on eth1"),
        "{told:?}"
    );
}

/// The link goes after start has looked at it: what was taken is given back.
#[test]
fn addresses_that_cannot_be_announced_are_given_back() {
    let Some(net) = Net::new() else { return };
    let params = [("ip", "192.168.144.2, 10.7.0.1/24@eth1"), NO_CHECK];
    let mut before = String::new();
    let failed = while_it_waits(
        &net,
        || net.act("start", &params),
        || {
            net.ip("node", "link set eth1 down");
            before = net.addresses("node");
        },
    );
    assert_eq!(failed.code, 1, "{failed:?}");
    let wanted = "the addresses could not be announced: 10.7.0.1 on eth1: ";
    assert!(failed.reason().starts_with(wanted), "{failed:?}");
    assert_eq!(net.addresses("node"), before);
    assert!(!fs::exists(net.record("node")).unwrap());
}
