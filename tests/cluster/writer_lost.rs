//! One server dies: its role moves, nothing else is touched, and it comes back by itself.

use std::thread;
use std::time::Duration;

use crate::harness::{IN_SERVICE, Lab, MULTI_WRITER, SINGLE_WRITER, STEP, lives};

#[test]
fn another_synced_node_is_promoted_without_a_restart_and_the_killed_one_rejoins_incrementally() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    let victim = lab.promoted()[0];
    let before = lives(&lab);
    let mut promoted = None;
    let fault = || {
        lab.kill_server(victim);
        promoted = Some(lab.wait("another writer", STEP, || {
            lab.promoted().iter().any(|&node| node != victim)
        }));
    };
    let recovery = lab.recovery(IN_SERVICE, fault, || lab.serves());
    recovery.tell("server of the writer killed");
    eprintln!("another node promoted after {promoted:.2?}");
    assert_eq!(recovery.report.lost, Some(0));
    assert!(recovery.took.is_some(), "not in service: {}", lab.crm_mon());
    assert_eq!(
        recovery.full_transfers, 0,
        "the killed server took everything"
    );
    lab.settle();
    let after = lives(&lab);
    for node in lab.nodes() {
        let at = usize::from(node.number()) - 1;
        let restarted = before[at] != after[at];
        assert_eq!(
            restarted,
            node.number() == victim,
            "{before:?}, then {after:?}"
        );
    }
    assert_ne!(lab.promoted(), [victim], "the role came back for no reason");
}

#[test]
fn every_node_is_promoted_without_notifications_and_a_killed_one_comes_back() {
    let Some(lab) = Lab::with_agent() else { return };
    lab.prepare_history(&[]);
    lab.load_crm(MULTI_WRITER);
    lab.crm("resource meta db-clone set notify false");
    lab.wait_in_service("the first start");
    let before = lives(&lab);
    let recovery = lab.recovery(
        IN_SERVICE,
        || lab.kill_server(2),
        || lab.node(2).server_life() != before[1] && lab.serves(),
    );
    recovery.tell("one of three writers killed, no notifications");
    assert_eq!(recovery.report.lost, Some(0));
    assert_eq!(recovery.full_transfers, 0);
    assert!(recovery.took.is_some(), "not in service: {}", lab.crm_mon());
    lab.settle();
    let after = lives(&lab);
    assert_eq!((&after[0], &after[2]), (&before[0], &before[2]));
    all_die_again_and_again(&lab);
}

/// Whatever has been started since dies too, before anybody serves.
fn all_die_again_and_again(lab: &Lab) {
    let fault = || {
        for _ in 0..3 {
            lab.kill_all_servers();
            thread::sleep(Duration::from_millis(700));
        }
    };
    let recovery = lab.recovery(IN_SERVICE, fault, || lab.serves());
    recovery.tell("all of three writers killed three times, no notifications");
    lab.nothing_lost(&recovery);
}
