//! What operators do: nothing is stopped, started or lost but what they ask for.

use std::time::Duration;

use crate::harness::{Lab, SINGLE_WRITER, full_transfers, lives};

const STEP: Duration = Duration::from_secs(60);

/// The same servers serve, the same one is promoted, and nothing has failed.
#[track_caller]
fn unchanged(lab: &Lab, writer: u8, servers: &[String], after: &str) {
    lab.wait_in_service(after);
    assert_eq!(lives(lab), servers, "a server was restarted after {after}");
    assert_eq!(lab.promoted(), [writer], "after {after}");
    let seen = lab.crm_mon();
    assert!(!seen.contains("fail-count"), "{seen}");
}

#[test]
fn operators_commands_lose_no_row_and_restart_nothing_that_they_do_not_name() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    let marks = lab.error_logs();
    let client = lab.writer(&["node1", "node2", "node3"], 50);
    standby(&lab, lab.unpromoted()[0]);
    standby(&lab, lab.promoted()[0]);
    let (writer, servers) = (lab.promoted()[0], lives(&lab));
    for command in ["cleanup", "refresh"] {
        lab.crm(&format!("resource {command} db-clone"));
        unchanged(&lab, writer, &servers, command);
    }
    banned(&lab, writer);
    lab.any()
        .run_for(2 * STEP, "crm resource restart db-clone")
        .ok();
    lab.wait_in_service("a restart of the resource");
    assert!(
        lives(&lab)
            .iter()
            .zip(&servers)
            .all(|(now, before)| now != before)
    );
    let report = client.finish();
    assert_eq!(report.lost, Some(0), "{report:?}");
    assert_eq!(full_transfers(&marks), 0);
}

/// The node leaves and comes back; the others' servers go on, and somebody is promoted meanwhile.
fn standby(lab: &Lab, k: u8) {
    let before = lives(lab);
    lab.crm(&format!("node standby node{k}"));
    away(lab, k, &before, "standby");
    lab.crm(&format!("node online node{k}"));
    back(lab, k, &before, "standby");
}

/// The same by a ban of the resource.
fn banned(lab: &Lab, k: u8) {
    let before = lives(lab);
    lab.crm(&format!("resource ban db-clone node{k}"));
    away(lab, k, &before, "ban");
    lab.crm("resource clear db-clone");
    back(lab, k, &before, "clear");
}

#[track_caller]
fn away(lab: &Lab, k: u8, before: &[String], by: &str) {
    lab.wait(&format!("node {k} away by {by}"), STEP, || {
        let promoted = lab.promoted();
        lab.node(k).database_processes().is_empty() && promoted.len() == 1 && promoted[0] != k
    });
    lab.settle();
    only(lab, k, before, by);
}

#[track_caller]
fn back(lab: &Lab, k: u8, before: &[String], by: &str) {
    lab.wait_in_service(by);
    only(lab, k, before, by);
}

/// No other server than that of node `k` was touched.
#[track_caller]
fn only(lab: &Lab, k: u8, before: &[String], by: &str) {
    for (number, (now, then)) in (1..).zip(lives(lab).iter().zip(before)) {
        assert_eq!(now == then, number != k, "node {number} after {by} of {k}");
    }
}
