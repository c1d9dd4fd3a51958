//! What operators do: nothing is stopped, started or lost but what they ask for.

use std::time::Duration;

use crate::harness::{Lab, Node, SINGLE_WRITER, STEP, full_transfers, lives, within};

/// Longer than the cluster takes to recover a server that it manages.
const RECOVERY: Duration = Duration::from_secs(3);

#[test]
fn what_is_restarted_by_hand_in_maintenance_is_adopted_with_its_role_and_not_restarted_again() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    let writer = lab.promoted()[0];
    lab.maintenance(true);
    let servers = servers_restarted(&lab, writer);
    lab.maintenance(false);
    unchanged(&lab, writer, &servers, "a server was restarted by hand");
    lab.insert(writer, 1);

    lab.maintenance(true);
    pacemaker_restarted(&lab, &[writer, lab.unpromoted()[0]]);
    lab.maintenance(false);
    unchanged(&lab, writer, &servers, "Pacemaker was restarted");
    lab.insert(writer, 2);
    // It is attended to as before.
    lab.kill_server(writer);
    lab.wait_in_service("the death of an adopted server");
}

/// The writer's server is killed and started by hand. Returns the lives of all servers.
fn servers_restarted(lab: &Lab, writer: u8) -> Vec<String> {
    let node = lab.node(writer);
    let before = node.server_life();
    node.kill_server();
    let started = within(RECOVERY, || {
        let now = node.server_life(); // the dying one may still be there
        !now.is_empty() && now != before
    });
    assert_eq!(started, None, "started behind the operator's back");
    node.start_server("");
    lab.wait("the server that was started by hand", STEP, || {
        lab.all_synced() && lab.published(writer)["phase"] == "member"
    });
    lives(lab)
}

/// Pacemaker ends on some nodes and starts again, while their servers go on.
fn pacemaker_restarted(lab: &Lab, nodes: &[u8]) {
    for &k in nodes {
        lab.node(k).stop_pacemaker();
    }
    lab.wait("the nodes away", STEP, || {
        nodes.iter().all(|&k| lab.score(k).is_empty())
    });
    lab.insert(nodes[0], 3);
    for &k in nodes {
        lab.node(k).start_pacemaker();
    }
    lab.wait("Pacemaker again", STEP, || lab.ready());
    lab.wait("the memberships published again", STEP, || {
        let back = |&k: &u8| {
            lab.published(k)["phase"] == "member" && ["100", "101"].contains(&&*lab.score(k))
        };
        nodes.iter().all(back)
    });
}

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

impl Node<'_> {
    /// Ends Pacemaker in order, as its service would; Corosync goes on.
    fn stop_pacemaker(&self) {
        self.run_for(
            STEP,
            "pkill -TERM -x pacemakerd; while pgrep -x pacemakerd >/dev/null; do sleep 0.1; done",
        )
        .ok();
    }

    fn start_pacemaker(&self) {
        self.ok(
            "PCMK_logfile=/var/log/pacemaker/pacemaker.log PCMK_logfacility=none setsid pacemakerd -f \
             >/dev/null 2>&1 </dev/null &",
        );
    }
}
