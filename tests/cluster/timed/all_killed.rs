//! `kill -9` of every server at once: all come back by themselves, from what is on their disks.

use std::time::Duration;

use super::{hand, peer};
use crate::harness::{IN_SERVICE, Lab, SINGLE_WRITER, full_transfers, mean, median, on_all};

/// Galera finds its members together in one step or in two, which takes twice as long: the times have two
/// peaks, and a mean of several is steadier than the middle one.
pub const ROUNDS: u32 = 5;

/// How much longer than a start by hand an agent may take.
const OF_A_HAND: f64 = 2.0;

/// How much faster than the peer it has to be.
const OF_THE_PEER: f64 = 4.0;

#[test]
fn all_servers_killed_five_times_are_back_without_a_hand_or_a_full_transfer() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    let rounds = (1..=ROUNDS).map(|round| kill_all(&lab, &format!("all killed, round {round}")));
    let ours = mean(rounds.collect());
    drop(lab);
    let (Some(hand), Some(peer)) = (hand::measured(), peer::measured()) else {
        return;
    };
    let of_hand = ours.as_secs_f64() / hand.as_secs_f64();
    eprintln!(
        "RATIO all killed: {ours:.2?}, by hand {hand:.2?}: {of_hand:.2} times a hand (limit {OF_A_HAND})"
    );
    assert!(of_hand <= OF_A_HAND, "{of_hand:.2} times a start by hand");
    faster_than_the_peer(ours, peer);
}

/// A round in which the peer never came back counts as long as it was waited for, and is its last.
fn faster_than_the_peer(ours: Duration, peer: &[Option<Duration>]) {
    let theirs = peer.iter().map(|took| took.unwrap_or(peer::NEVER));
    let theirs = median(theirs.collect());
    let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
    eprintln!(
        "RATIO all killed: {ours:.2?}, heartbeat:galera {theirs:.2?}: {ratio:.1} times faster (at least {OF_THE_PEER})"
    );
    assert!(ratio >= OF_THE_PEER, "only {ratio:.1} times faster");
}

#[test]
fn members_killed_while_one_joins_are_back_without_a_hand_whether_it_dies_too_or_not() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    for victims in [&[1, 2, 3][..], &[1, 2]] {
        have_node_3_join(&lab);
        let marks = lab.error_logs();
        on_all(&lab, |node| {
            if victims.contains(&node.number()) {
                node.kill_server();
            }
        });
        let what = format!("nodes {victims:?} killed while node 3 joins");
        let took = lab.wait_in_service(&what);
        eprintln!("{what}: in service after {:.2} s", took.as_secs_f64());
        assert_eq!(full_transfers(&marks), 0);
    }
}

/// Returns when its server runs and is not Synced yet.
fn have_node_3_join(lab: &Lab) {
    let before = lab.node(3).server_life();
    lab.kill_server(3);
    lab.wait("node 3 joining", Duration::from_secs(30), || {
        let now = lab.node(3).server_life();
        !now.is_empty() && now != before && lab.published(3)["phase"] == "joining"
    });
    assert!(!lab.synced(3), "node 3 joined too fast to be killed in it");
}

/// Under load, with everything that has to hold afterwards.
fn kill_all(lab: &Lab, what: &str) -> Duration {
    let recovery = lab.recovery(IN_SERVICE, || lab.kill_all_servers(), || lab.all_synced());
    recovery.tell(what);
    lab.nothing_lost(&recovery)
}
