//! Everything down at once, by `kill -9` of every server or by power loss of every node: all come back by themselves,
//! from what is on their disks. By hand and under the peer: the same faults, in the same run.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::{hand, peer};
use crate::harness::{IN_SERVICE, Lab, Recovery, SINGLE_WRITER, mean, on_all};

/// Galera finds its members together in one step or in two, which takes twice as long: the times have two
/// peaks, and a mean of several is steadier than the middle one.
pub const ROUNDS: u32 = 5;

/// Losses of power: with the boot of the nodes each takes several times as long.
pub const POWER_ROUNDS: u32 = 3;

/// Servers killed while one joins.
pub const JOINING_ROUNDS: u32 = 3;

/// How much longer than a start by hand an agent may take.
const OF_A_HAND: f64 = 2.0;

/// How much faster than the peer it has to be.
const OF_THE_PEER: f64 = 4.0;

/// From the fault until all servers are Synced again; `None`: they never were.
pub struct Times {
    pub killed: Option<Duration>,
    /// From when the cluster has all its members and quorum: what comes before is the machine's.
    pub power_lost: Option<Duration>,
}

#[test]
fn all_servers_killed_five_times_are_back_without_a_hand_or_a_full_transfer() {
    compare("all killed", |times| times.killed);
}

#[test]
fn power_loss_of_all_nodes_loses_no_row_and_needs_no_hand() {
    compare("power loss of all nodes", |times| times.power_lost);
}

fn compare(what: &str, of: fn(&Times) -> Option<Duration>) {
    let (Some(ours), Some(hand), Some(peer)) = (measured(), hand::measured(), peer::measured())
    else {
        return;
    };
    let ours = of(ours).expect("the cluster came back");
    let hand = of(hand).expect("a start by hand succeeds");
    let of_hand = ours.as_secs_f64() / hand.as_secs_f64();
    eprintln!(
        "RATIO {what}: {ours:.2?}, by hand {hand:.2?}: {of_hand:.2} times a hand (limit {OF_A_HAND})"
    );
    assert!(of_hand <= OF_A_HAND, "{of_hand:.2} times a start by hand");
    let Some(peer) = of(peer) else {
        eprintln!("{what}: heartbeat:galera never came back");
        return;
    };
    let of_peer = peer.as_secs_f64() / ours.as_secs_f64();
    eprintln!(
        "RATIO {what}: {ours:.2?}, heartbeat:galera {peer:.2?}: {of_peer:.1} times faster (at least {OF_THE_PEER})"
    );
    assert!(of_peer >= OF_THE_PEER, "only {of_peer:.1} times faster");
}

/// Measured once in a run.
fn measured() -> Option<&'static Times> {
    static MEASURED: OnceLock<Option<Times>> = OnceLock::new();
    MEASURED.get_or_init(measure).as_ref()
}

fn measure() -> Option<Times> {
    let lab = Lab::in_service(SINGLE_WRITER)?;
    let killed = (1..=ROUNDS).map(|round| {
        let what = format!("all killed, round {round}");
        let recovery = lab.recovery(IN_SERVICE, || lab.kill_all_servers(), || lab.all_synced());
        recovery.tell(&what);
        lab.nothing_lost(&recovery)
    });
    let killed = mean(killed.collect());
    let power_lost = (1..=POWER_ROUNDS).map(|round| {
        let what = format!("power loss of all nodes, round {round}");
        let (recovery, boot) = lose_power(&lab, &what, IN_SERVICE, || {});
        lab.nothing_lost(&recovery).saturating_sub(boot)
    });
    let power_lost = mean(power_lost.collect());
    Some(Times {
        killed: Some(killed),
        power_lost: Some(power_lost),
    })
}

/// All nodes lose their power at once and boot. `then`: what somebody does as soon as the cluster has its members.
/// Returns also how long that took, of the whole.
pub fn lose_power(
    lab: &Lab,
    what: &str,
    limit: Duration,
    then: impl FnOnce(),
) -> (Recovery, Duration) {
    let mut boot = Duration::ZERO;
    let fault = || {
        let start = Instant::now();
        lab.crash_all();
        lab.boot_all();
        lab.wait("the nodes", limit, || lab.ready());
        boot = start.elapsed();
        then();
    };
    let recovery = lab.recovery(limit, fault, || lab.all_synced());
    recovery.tell(&format!("{what}, boot of {boot:.2?} included"));
    (recovery, boot)
}

#[test]
fn members_killed_while_one_joins_are_back_without_a_hand_whether_it_dies_too_or_not() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    let rounds = (0..JOINING_ROUNDS).map(|_| killed_while_node_3_joins(&lab, &[1, 2, 3]));
    let took = mean(rounds.collect());
    killed_while_node_3_joins(&lab, &[1, 2]);
    drop(lab);
    let Some(hand) = hand::killed_while_one_joins() else {
        eprintln!("all killed while node 3 joins: {took:.2?}, by hand never");
        return;
    };
    let of_hand = took.as_secs_f64() / hand.as_secs_f64();
    eprintln!(
        "RATIO all killed while node 3 joins: {took:.2?}, by hand {hand:.2?}: {of_hand:.2} times a hand (limit {OF_A_HAND})"
    );
    assert!(of_hand <= OF_A_HAND, "{of_hand:.2} times a start by hand");
}

fn killed_while_node_3_joins(lab: &Lab, victims: &[u8]) -> Duration {
    let mut joining = Duration::ZERO;
    let fault = || {
        let start = Instant::now();
        lab.wait("node 3 on its way", IN_SERVICE, || has_node_3_join(lab));
        joining = start.elapsed();
        on_all(lab, |node| {
            if victims.contains(&node.number()) {
                node.kill_server();
            }
        });
    };
    let recovery = lab.recovery(IN_SERVICE, fault, || lab.all_synced());
    recovery.tell(&format!(
        "nodes {victims:?} killed while node 3 joins, {joining:.2?} before that included"
    ));
    lab.nothing_lost(&recovery).saturating_sub(joining)
}

/// Kills its server. Whether the next one was seen before it was Synced: it joins fast.
fn has_node_3_join(lab: &Lab) -> bool {
    let before = lab.node(3).server_life();
    lab.kill_server(3);
    lab.wait("node 3 joining", Duration::from_secs(30), || {
        let now = lab.node(3).server_life();
        !now.is_empty() && now != before && lab.published(3)["phase"] == "joining"
    });
    !lab.synced(3)
}
