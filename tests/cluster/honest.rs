//! Actions are honest: stop ends whoever holds the data, start takes in hand what runs, and no action outlasts its
//! time, whatever is broken around them.

use std::time::{Duration, Instant};

use crate::harness::{IN_SERVICE, Lab, Node, Output, SINGLE_WRITER, STEP};

/// The cluster's time-out for the actions that meet something that hangs.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A server without replication: quick to start, and its locks are the same.
const ALONE: &str = "--wsrep-on=OFF --wsrep-provider=none --socket=/run/mysqld/odd.sock --pid-file=/run/mysqld/odd.pid";

/// An action with the environment that the cluster sets.
fn act(node: Node<'_>, action: &str, more: &str) -> Output {
    let k = node.number();
    node.run(&format!(
        "OCF_RESOURCE_INSTANCE=db OCF_RESKEY_CRM_meta_on_node=node{k} OCF_RESKEY_CRM_meta_timeout={} {more} \
         /usr/lib/ocf/resource.d/galera-rs/galera-rs {action}",
        TIMEOUT.as_millis()
    ))
}

#[track_caller]
fn answers(node: Node<'_>, action: &str, more: &str, code: i32) {
    let done = act(node, action, more);
    assert_eq!(done.code, code, "{action}: {done:?}");
}

/// The same, for an action that meets something that hangs: it answers before it is killed, as by the cluster.
#[track_caller]
fn in_time(node: Node<'_>, action: &str, code: i32) {
    let begun = Instant::now();
    let kill = format!("OCF_CHECK_LEVEL=10 timeout -s KILL {}", TIMEOUT.as_secs());
    let done = act(node, action, &kill);
    let took = begun.elapsed();
    eprintln!("{action} with a time-out of {TIMEOUT:?} answers {code} after {took:.1?}");
    assert_eq!(done.code, code, "{action}: {done:?}");
}

/// Stops, with proof: no server, by whatever name, and no job.
#[track_caller]
fn stop_ends_all(node: Node<'_>, more: &str) {
    answers(node, "stop", more, 0);
    assert_eq!(node.database_processes(), "");
    assert_ne!(node.run("pgrep -x dbserver").code, 0, "dbserver still runs");
    answers(node, "monitor", more, 7);
}

/// Starts a server by hand and waits until the agent sees it.
fn start_by_hand(lab: &Lab, node: Node<'_>, command: &str) {
    node.ok(&format!("setsid {command} >/dev/null 2>&1 </dev/null &"));
    lab.wait("a server that was started by hand to be seen", STEP, || {
        act(node, "monitor", "OCF_RESKEY_CRM_meta_interval=0").code == 0
            && node.run("test -S /run/mysqld/odd.sock").code == 0
    });
}

#[test]
fn stop_ends_whoever_holds_the_data_and_start_adopts_a_server_that_is_well() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    lab.insert(1, 77);
    lab.maintenance(true);
    let node = lab.node(lab.unpromoted()[0]);
    adopted(&lab, node);
    no_configuration_and_no_notes(&lab, node);
    no_directory_and_no_program(&lab, node);
    a_wrapper(&lab, node);
    own_server_without_notes(&lab, node);
    lab.maintenance(false);
    lab.crm("resource cleanup db");
    lab.wait_in_service("maintenance");
    assert!((1..=3).all(|k| lab.has(k, 77)));
}

/// Found running on another socket, and well: it is kept, promoted, and a member for everybody to see.
fn adopted(lab: &Lab, node: Node<'_>) {
    stop_ends_all(node, "");
    start_by_hand(
        lab,
        node,
        "mariadbd --socket=/run/mysqld/odd.sock --pid-file=/run/mysqld/odd.pid",
    );
    let life = node.server_life();
    answers(node, "start", "", 0);
    lab.wait("the adopted server to be a member", STEP, || {
        lab.published(node.number())["phase"] == "member"
    });
    assert_eq!(node.server_life(), life);
    answers(node, "monitor", "OCF_CHECK_LEVEL=20", 0);
    answers(node, "promote", "", 0);
    answers(node, "monitor", "", 8);
    answers(node, "demote", "", 0);
    answers(node, "reload-agent", "", 0);
    answers(node, "monitor", "OCF_CHECK_LEVEL=10", 0);
    assert_eq!(node.server_life(), life);
    stop_ends_all(node, "");
}

/// A program of another name, other options, an option file that is gone, and nothing under /run.
fn no_configuration_and_no_notes(lab: &Lab, node: Node<'_>) {
    node.ok("cp /usr/sbin/mariadbd /usr/local/sbin/dbserver");
    start_by_hand(lab, node, &format!("/usr/local/sbin/dbserver {ALONE}"));
    node.ok("rm -rf /run/galera-rs");
    let gone = "OCF_RESKEY_config=/etc/gone.cnf";
    stop_ends_all(node, gone);
}

/// The file system of the data was detached under the server, and the program was removed.
fn no_directory_and_no_program(lab: &Lab, node: Node<'_>) {
    node.ok("cd /var/lib && mv mysql away && mkdir mysql && mount --bind away mysql");
    start_by_hand(lab, node, &format!("/usr/local/sbin/dbserver {ALONE}"));
    node.ok("rm -rf /run/galera-rs /usr/local/sbin/dbserver; umount -l /var/lib/mysql");
    let gone = "OCF_RESKEY_binary=/usr/local/sbin/dbserver";
    answers(node, "monitor", gone, 0);
    stop_ends_all(node, gone);
    node.ok("cd /var/lib && rmdir mysql && mv away mysql");
}

/// The wrapper would start a server again that is killed.
fn a_wrapper(lab: &Lab, node: Node<'_>) {
    start_by_hand(lab, node, &format!("mariadbd-safe {ALONE}"));
    lab.script(&["pause", &node.number().to_string(), "mariadbd"])
        .ok();
    stop_ends_all(node, "");
}

fn own_server_without_notes(lab: &Lab, node: Node<'_>) {
    answers(node, "start", "", 0);
    lab.wait("Synced again", IN_SERVICE, || lab.all_synced());
    node.ok("rm -rf /run/galera-rs");
    stop_ends_all(
        node,
        "OCF_RESKEY_config=/etc/gone.cnf OCF_RESKEY_binary=/usr/sbin/gone",
    );
}

#[test]
fn no_action_outlasts_its_time_with_a_server_or_a_cluster_that_hangs() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    lab.maintenance(true);
    let k = lab.unpromoted()[0];
    let node = lab.node(k);
    let hang = |verb: &str, program: &str| lab.script(&[verb, &k.to_string(), program]).ok();

    hang("pause", "mariadbd");
    for (action, code) in [
        ("monitor", 1),
        ("promote", 1),
        ("demote", 0),
        ("start", 0),
        ("notify", 0),
        ("reload-agent", 0),
        ("validate-all", 0),
    ] {
        in_time(node, action, code);
    }
    hang("resume", "mariadbd");

    // Short each time: Pacemaker restarts a daemon of its own that does not answer.
    let cluster_hangs = |action, code| {
        hang("pause", "pacemaker-based");
        in_time(node, action, code);
        hang("resume", "pacemaker-based");
    };
    for (action, code) in [
        ("monitor", 0),
        ("promote", 0),
        ("demote", 0),
        ("reload-agent", 0),
        ("stop", 0),
        ("monitor", 7),
        ("start", 1),
        ("promote", 1),
        ("demote", 0),
        ("stop", 0),
    ] {
        cluster_hangs(action, code);
    }
    assert_eq!(node.database_processes(), "");
    lab.maintenance(false);
    lab.crm("resource cleanup db");
    lab.wait_in_service("a cluster that hung");
}
