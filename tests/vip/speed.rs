//! Beside the peer, on the same machine in the same run; many addresses; many rounds.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::net::{IPADDR2, Net, runs};

const ONE: (&str, &str) = ("ip", "192.168.144.2");

#[test]
fn a_thousand_rounds_leave_the_address_list_as_it_was() {
    let Some(net) = Net::new() else { return };
    let both = ("ip", "192.168.144.2 2001:db8:1234::2");
    // Without jobs, whose end each stop would have to wait for.
    let quick = [
        both,
        ("arp_count", "1"),
        ("conflict_check", "false"),
        ("nodad", "true"),
    ];
    let before = net.addresses("node");
    for _ in 0..1000 {
        net.expect("start", &quick, 0);
        net.expect("stop", &quick, 0);
    }
    assert_eq!(net.addresses("node"), before);
    for _ in 0..50 {
        net.expect("start", &[both], 0);
        net.expect("stop", &[both], 0);
    }
    assert_eq!(net.addresses("node"), before);
}

/// The static program, as it is installed: a debug build is no measure. `None`, after a word about it, without one.
fn ours() -> Option<String> {
    let folder = std::env::var("GALERA_RS_STATIC_DIR").unwrap_or_default();
    let built = format!("{folder}/vip-rs");
    let there = Path::new(&built).exists();
    let required = std::env::var("REQUIRE_REAL").is_ok_and(|value| value == "1");
    let missing = "GALERA_RS_STATIC_DIR (target/<triple>/release after make build) holds no vip-rs";
    assert!(there || !required, "{missing}, and REQUIRE_REAL=1");
    if !there {
        eprintln!("SKIPPED: {missing}");
    }
    there.then_some(built)
}

const ROUNDS: usize = 15;

/// So often at most, on a machine where something else is always going on.
const MOST: usize = 60;

/// A monitor is so short that its first call after another program mostly shows what that has left of the caches.
const MONITORS: usize = 5;

const ACTIONS: [&str; 3] = ["start", "monitor", "stop"];

/// An agent and how it is called.
type Call<'a> = (&'a str, &'a [(&'a str, &'a str)]);

/// The quickest start, monitor and stop of each, called in turns: what they cost when nothing else is going on. After so many
/// rounds more of them until it is enough: the quickest can only come nearer to that.
fn times<const N: usize>(
    net: &Net,
    calls: [Call<'_>; N],
    rounds: usize,
    enough: impl Fn(&[[Duration; 3]; N]) -> bool,
) -> [[Duration; 3]; N] {
    let mut quickest = [[Duration::MAX; 3]; N];
    for round in 1..=MOST {
        for (call, quickest) in calls.iter().zip(&mut quickest) {
            round_of(net, *call, quickest);
        }
        if round >= rounds && enough(&quickest) {
            break;
        }
    }
    quickest
}

fn round_of(net: &Net, (agent, params): Call<'_>, quickest: &mut [Duration; 3]) {
    for (action, quickest) in ACTIONS.iter().zip(quickest) {
        if *action == "stop" {
            net.await_job();
        }
        let calls = if *action == "monitor" { MONITORS } else { 1 };
        for _ in 0..calls {
            let answer = net.act_by(agent, action, params);
            assert_eq!(answer.code, 0, "{agent} {action}: {}", answer.said);
            *quickest = answer.took.min(*quickest);
        }
    }
}

/// The quickest of each action.
fn least(all: &[[Duration; 3]]) -> [Duration; 3] {
    [0, 1, 2].map(|action| {
        let times = all.iter().map(|times| times[action]);
        times.min().unwrap_or(Duration::MAX)
    })
}

fn is_twentieth(ours: [Duration; 3], theirs: [Duration; 3]) -> bool {
    let mut both = ours.iter().zip(theirs);
    both.all(|(ours, theirs)| *ours * 20 <= theirs)
}

fn assert_twentieth(what: &str, ours: [Duration; 3], theirs: [Duration; 3]) {
    let mut told = String::new();
    for ((action, ours), theirs) in ACTIONS.iter().zip(ours).zip(theirs) {
        let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
        writeln!(
            told,
            "{what} {action}: {ours:?} against {theirs:?}, {ratio:.1} times"
        )
        .unwrap();
    }
    eprint!("{told}");
    assert!(is_twentieth(ours, theirs), "{told}");
}

/// A stop that has to wait for the end of the background job takes no longer than the peer's, either.
fn assert_stop_at_once(net: &Net, (ours, params): Call<'_>, theirs: Duration) {
    let mut quickest = Duration::MAX;
    for round in 1..=MOST {
        assert_eq!(net.act_by(ours, "start", params).code, 0);
        assert!(net.job().is_some_and(runs), "nothing to wait for");
        let stopped = net.act_by(ours, "stop", params);
        assert_eq!(stopped.code, 0, "{}", stopped.said);
        quickest = stopped.took.min(quickest);
        if round >= ROUNDS && quickest <= theirs {
            break;
        }
    }
    eprintln!("stop at once after start: {quickest:?} against {theirs:?}");
    assert!(quickest <= theirs, "{quickest:?} against {theirs:?}");
}

#[test]
fn each_action_takes_at_most_a_twentieth_of_the_peers_time() {
    let (Some(net), Some(ours)) = (Net::alone(), ours()) else {
        return;
    };
    let required = std::env::var("REQUIRE_REAL").is_ok_and(|value| value == "1");
    if !Path::new(IPADDR2).exists() {
        assert!(!required, "{IPADDR2} is missing, and REQUIRE_REAL=1");
        eprintln!("SKIPPED: {IPADDR2} is missing");
        return;
    }
    // The peer looks for a conflict only when it is told to, and then for seconds: ours is as quick with a look.
    let place = [ONE, ("nic", "eth0"), ("cidr_netmask", "24")];
    let without = [&place[..], &[("conflict_check", "false")]].concat();
    let calls: [Call<'_>; 3] = [(IPADDR2, &place), (&ours, &place), (&ours, &without)];
    let [theirs, with, without] = times(&net, calls, ROUNDS, |[theirs, with, without]| {
        is_twentieth(*with, *theirs) && is_twentieth(*without, *theirs)
    });
    assert_twentieth("IPv4", with, theirs);
    assert_twentieth("IPv4 without a look for conflicts", without, theirs);
    assert_stop_at_once(&net, (&ours, &place), theirs[2]);
    let v6 = [
        ("ip", "2001:db8:1234::2"),
        ("nic", "eth0"),
        ("cidr_netmask", "64"),
    ];
    // The peer takes seconds for each: ours is called more often, as the first after it finds nothing of its own in the caches.
    let one: Call<'_> = (&ours, &v6);
    let calls = [(IPADDR2, &v6[..]), one, one, one];
    let [theirs, ours @ ..] = times(&net, calls, 3, |[theirs, ours @ ..]| {
        is_twentieth(least(ours), *theirs)
    });
    assert_twentieth("IPv6", least(&ours), theirs);
}

/// The one process that start leaves is a copy of the agent: the announcements that are to come.
#[test]
fn no_action_starts_a_program_and_only_start_leaves_a_process() {
    let Some(net) = Net::new() else { return };
    let both = ("ip", "192.168.144.2 2001:db8:1234::2");
    let trace = tempfile::NamedTempFile::new().unwrap();
    for (action, level, started) in [
        ("validate-all", "10", 0),
        ("start", "0", 1),
        ("monitor", "0", 0),
        ("monitor", "20", 0),
        ("reload-agent", "0", 0),
        ("stop", "0", 0),
    ] {
        let level = ("OCF_CHECK_LEVEL", level);
        let answer = net.act_traced(action, &[both, level], trace.path());
        assert_eq!(answer.code, 0, "{answer:?}");
        let calls = std::fs::read_to_string(trace.path()).unwrap();
        let run = calls.lines().filter(|call| call.contains("execve("));
        let programs: Vec<_> = run.collect();
        let own = programs.iter().filter(|call| call.contains("/vip-rs\""));
        assert_eq!(own.count(), programs.len(), "{action}: {calls}");
        assert_eq!(programs.len(), 1 + started, "{action}: {calls}");
        let forks = calls.lines().filter(|call| {
            ["clone(", "clone3(", "fork("]
                .iter()
                .any(|fork| call.contains(fork))
                && !call.contains("CLONE_THREAD")
                && !call.contains("resumed")
        });
        assert_eq!(forks.count(), started, "{action}: {calls}");
    }
}

/// 500 addresses, IPv4 and IPv6, in one resource.
#[test]
fn many_addresses_cost_little_more_than_one() {
    let (Some(net), Some(ours)) = (Net::alone(), ours()) else {
        return;
    };
    let list = |count: usize| {
        let mut list = String::new();
        for k in 0..count {
            let (high, low) = (k / 500, k / 2 % 250);
            match k % 2 {
                0 => write!(list, "10.9.{high}.{low}/16@eth0 "),
                _ => write!(list, "2001:db8:9::{high}:{low:x}/64@eth0 "),
            }
            .unwrap();
        }
        list
    };
    let lists = [list(1), list(125), list(500)];
    let params = lists.each_ref().map(|list| [("ip", list.as_str())]);
    let calls = params.each_ref().map(|list| (ours.as_str(), &list[..]));
    // Four times as many take four times as long; with the square it would be sixteen.
    let few = |monitor: Duration, one: Duration| monitor < one * 10;
    let linear = |all: Duration, quarter: Duration| all < quarter * 8;
    let [one, quarter, all] = times(&net, calls, 5, |[one, quarter, all]| {
        few(all[1], one[1]) && linear(all[0], quarter[0]) && linear(all[2], quarter[2])
    });
    let ([_, one, _], [start, monitor, stop]) = (one, all);
    let [quarter_start, _, quarter_stop] = quarter;
    eprintln!(
        "monitor: 1 address {one:?}, 500 {monitor:?}; start {quarter_start:?} {start:?}; stop {quarter_stop:?} {stop:?}"
    );
    assert!(few(monitor, one), "{monitor:?} for 500, {one:?} for 1");
    assert!(
        linear(start, quarter_start),
        "{quarter_start:?}, then {start:?}"
    );
    assert!(
        linear(stop, quarter_stop),
        "{quarter_stop:?}, then {stop:?}"
    );
}
