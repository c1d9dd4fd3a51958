//! The first start: of a cluster that exists, and of one that does not.

use std::time::Duration;

use crate::harness::{IN_SERVICE, Lab, SINGLE_WRITER, STEP, changed, full_transfers, on_all};

/// No operation and no parameter: only what promotable clones need.
const NOTHING_SET: &str = "
primitive db ocf:galera-rs
clone db-clone db meta promotable=true
";

/// A refusal is shown once it has lasted for some seconds, and with the next monitor.
const SHOWN: Duration = STEP;

const EMPTY: &str = "rm -rf /var/lib/mysql && install -d -o mysql -g mysql -m 750 /var/lib/mysql";

#[test]
fn a_cluster_that_was_run_by_hand_is_taken_over_without_any_parameter() {
    let Some(lab) = Lab::with_agent() else { return };
    lab.prepare_galera(&[]);
    lab.start_by_hand();
    let history = lab.node(1).status("wsrep_cluster_state_uuid");
    lab.insert(1, 4711);
    for node in lab.nodes() {
        node.ok("mariadb-admin shutdown");
    }
    lab.wait("the servers stopped", IN_SERVICE, || {
        lab.nodes().all(|node| node.server_life().is_empty())
    });
    let marks = lab.error_logs();
    lab.load_crm_text(NOTHING_SET);
    let took = lab.wait_in_service("the move under Pacemaker");
    eprintln!(
        "taken over without a parameter in {:.2} s",
        took.as_secs_f64()
    );
    assert_eq!(lab.node(2).status("wsrep_cluster_state_uuid"), history);
    assert_eq!(lab.epoch(), (1, "node3".to_owned()), "node 3 left last");
    assert!((1..=3).all(|k| lab.has(k, 4711)));
    assert_eq!(full_transfers(&marks), 0);
}

#[test]
fn empty_directories_become_a_cluster_only_with_enable_creation() {
    let Some(lab) = with_empty_directories() else {
        return;
    };
    lab.load_crm(SINGLE_WRITER);
    lab.shows("enable_creation is not set");
    assert_eq!(lab.epoch().0, 0);
    lab.crm("resource param db set enable_creation true");
    lab.wait_in_service("creation");
    lab.sql(1, "create database new").expect("a new database");
}

/// No operation either: each has the cluster's 20 s.
#[test]
fn empty_directories_become_a_cluster_by_a_bare_primitive_that_may_create() {
    let Some(lab) = with_empty_directories() else {
        return;
    };
    lab.load_crm_text(&changed(
        NOTHING_SET,
        "ocf:galera-rs",
        "ocf:galera-rs params enable_creation=true",
    ));
    lab.wait_in_service("creation");
    lab.sql(1, "create database new").expect("a new database");
}

fn with_empty_directories() -> Option<Lab> {
    let lab = Lab::with_agent()?;
    lab.script(&["galera"]).ok();
    on_all(&lab, |node| node.ok(EMPTY));
    Some(lab)
}

#[test]
fn creation_keeps_the_one_directory_that_holds_databases_and_refuses_to_choose_of_two() {
    let Some(lab) = Lab::with_agent() else { return };
    lab.prepare_galera(&[]);
    lab.node(3).ok(EMPTY);
    lab.load_crm(SINGLE_WRITER);
    lab.crm("resource param db set enable_creation true");
    lab.shows("node1, node2 hold databases and no history");
    assert!(lab.nodes().all(|node| node.server_life().is_empty()));
    lab.stop_clone();

    lab.node(1).ok(EMPTY);
    lab.start_clone();
    lab.wait_in_service("creation from node 2");
    assert_eq!(lab.epoch(), (1, "node2".to_owned()));
    for k in 1..=3 {
        assert_eq!(lab.rows(k), Some(0), "table t.a of node 2 on node {k}");
    }
}

impl Lab {
    /// Waits until crm_mon shows this reason.
    pub fn shows(&self, reason: &str) {
        self.wait(&format!("crm_mon shows `{reason}`"), SHOWN, || {
            self.crm_mon().contains(reason)
        });
    }
}
