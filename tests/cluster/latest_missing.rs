//! The node with the latest writes is down: the others wait for it, and say so.

use std::time::Duration;

use galera_rs::galera::ballot::Force;
use galera_rs::galera::position::read_position;

use crate::harness::{IN_SERVICE, Lab, SINGLE_WRITER, STEP, full_transfers, within};

/// The row that only node 3 has.
const LATEST: i64 = 4242;

/// How long a void order is given to do harm: the electors look at least every 2 s.
const HARM: Duration = Duration::from_secs(6);

/// Nodes 1 and 2 leave in order, node 3 goes on, writes, and is powered off; then 1 and 2 are back.
fn latest_is_down() -> Option<Lab> {
    let lab = Lab::in_service(SINGLE_WRITER)?;
    for k in [1, 2] {
        lab.crm(&format!("node standby node{k}"));
        lab.wait(&format!("node {k} in standby"), STEP, || {
            lab.node(k).server_life().is_empty()
        });
    }
    lab.wait("node 3 alone", STEP, || lab.promoted() == [3]);
    lab.insert(3, LATEST);
    lab.script(&["stop", "3"]).ok();
    let state = "/var/lib/mysql/grastate.dat";
    let claim = format!(
        "sed -i 's/^safe_to_bootstrap: 0/safe_to_bootstrap: 1/' {state} && grep -q 'bootstrap: 1' {state}"
    );
    lab.node(2).ok(&claim); // which is not true
    for k in [1, 2] {
        lab.crm(&format!("node online node{k}"));
    }
    lab.shows("waiting for node3, which may have later writes");
    Some(lab)
}

#[test]
fn nobody_bootstraps_without_the_latest_node_and_its_return_starts_the_cluster() {
    let Some(lab) = latest_is_down() else { return };
    assert_eq!(lab.epoch().0, 1, "somebody has bootstrapped");
    assert!([1, 2].iter().all(|&k| lab.node(k).server_life().is_empty()));
    let seen = lab.crm_mon().to_lowercase();
    assert!(seen.contains("degraded"), "{seen}");
    let status = lab.node(1).ok("galeractl status");
    let verdict = status.split("Verdict").nth(1).unwrap_or_default();
    assert!(verdict.contains("node3"), "{status}");
    monitors_of_a_waiting_node_log_nothing(&lab);

    let marks = lab.error_logs();
    lab.boot(3);
    lab.wait_in_service("the return of node 3");
    assert_eq!(lab.epoch(), (2, "node3".to_owned()));
    assert!((1..=3).all(|k| lab.has(k, LATEST)));
    assert_eq!(full_transfers(&marks), 0);
    who_left_earlier_is_not_waited_for(&lab);
}

/// Node 3 leaves in order and is silent from then on, node 2 leaves, and the last server dies: its view proves that the
/// silent one has nothing more.
fn who_left_earlier_is_not_waited_for(lab: &Lab) {
    lab.script(&["stop", "3"]).ok();
    lab.crm("node standby node2");
    lab.wait("node 1 alone, its view seen", STEP, || {
        lab.promoted() == [1] && lab.node(2).server_life().is_empty() && saw_itself_alone(lab, 1)
    });
    lab.insert(1, LATEST + 1);
    lab.kill_server(1);
    lab.wait("the cluster without node 3", IN_SERVICE, || {
        lab.promoted() == [1] && lab.synced(1)
    });
    assert_eq!(lab.epoch(), (3, "node1".to_owned()));
    lab.crm("node online node2");
    lab.boot(3);
    lab.wait_in_service("the return of the others");
    assert!((1..=3).all(|k| lab.has(k, LATEST + 1)));
}

/// Galera has saved a view with nobody else in it, and the agent has noted the floor of that view.
fn saw_itself_alone(lab: &Lab, k: u8) -> bool {
    let root = lab.node(k).root().expect("the node is on");
    let read = |file| std::fs::read_to_string(root.join(file)).unwrap_or_default();
    let saved = read("var/lib/mysql/gvwstate.dat");
    let lines = |start: &str| saved.lines().filter(|line| line.starts_with(start)).count();
    let record: serde_json::Value =
        serde_json::from_str(&read("var/lib/galera-rs/db.json")).unwrap_or_default();
    let seen = record["seen"]["view"].as_str().unwrap_or_default();
    let noted = format!("view_id: 3 {}", seen.replace(':', " "));
    lines("member:") == 1 && lines(&noted) == 1
}

/// The peer logs an error with every monitor of a node that waits. Here the answer says it, once for each.
fn monitors_of_a_waiting_node_log_nothing(lab: &Lab) {
    let node = lab.node(1);
    let cluster = "OCF_RESOURCE_INSTANCE=db OCF_RESKEY_CRM_meta_interval=2000 HA_LOGFACILITY=none HA_LOGFILE=/run/monitors";
    for _ in 0..5 {
        let answer = node.run(&format!("{cluster} /usr/sbin/galera-rs monitor"));
        assert_eq!(answer.code, 190, "{answer:?}");
        let said: Vec<_> = answer.stderr.lines().collect();
        assert!(
            matches!(said[..], [one] if one.contains("node3")),
            "{answer:?}"
        );
    }
    assert_eq!(node.run("cat /run/monitors").stdout, "");
}

#[test]
fn a_forced_bootstrap_goes_on_without_the_latest_node_which_then_takes_a_full_transfer() {
    let Some(lab) = latest_is_down() else { return };
    order_elsewhere(&lab);
    let obeyed = within(HARM, || lab.epoch().0 > 1);
    assert_eq!(obeyed, None, "an order bound to another position is void");

    let refused = lab.node(2).run("galeractl bootstrap --from node1");
    assert!(
        refused.code != 0 && refused.stderr.contains("node3"),
        "the price has to be accepted: {refused:?}"
    );
    let recipe = "## Start without a node that does not come back";
    lab.follow("docs/cookbook.md", recipe);
    lab.wait("the cluster without node 3", IN_SERVICE, || {
        lab.synced(1) && lab.synced(2)
    });
    assert_eq!(lab.epoch(), (2, "node1".to_owned()));
    assert!(!lab.has(1, LATEST), "nobody else has that row");
    // The same seqnos as those that node 3 has given to other rows.
    for value in 1..=20 {
        lab.insert(1, value);
    }
    let mark = lab.error_log(3);
    lab.boot(3);
    lab.wait_in_service("the return of node 3");
    assert_eq!(mark.transfers().full, 1, "{}", mark.since());
    assert!(!lab.has(3, LATEST), "node 3 kept a row that was given up");
    assert!(lab.has(3, 20));
}

/// An order to start from node 1 as the cluster carries it, given when node 1 stood elsewhere.
fn order_elsewhere(lab: &Lab) {
    let elsewhere = read_position("e1c3c163-e591-11f1-8926-3623378d61df:1");
    let order = Force {
        elector: "node1".into(),
        epoch: lab.epoch().0,
        position: elsewhere.expect("a position"),
    };
    let order = serde_json::to_string(&order).expect("JSON");
    lab.node(1).ok(&format!(
        "crm_attribute -N node1 -l reboot -n db-bootstrap -v '{order}'"
    ));
}
