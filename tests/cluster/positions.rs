//! What lies on the disks of a stopped cluster decides: the right choice, or a refusal that names the reason.
//!
//! The files are edited behind the agent's back, so each case begins without its records.

use std::time::Duration;

use crate::harness::{IN_SERVICE, Lab, SINGLE_WRITER};

const ZERO: &str = "00000000-0000-0000-0000-000000000000";
const FOREIGN: &str = "deadbeef-0000-11f1-8926-3623378d61df";
const STEP: Duration = Duration::from_secs(60);

/// Files that nothing can be read from.
const DAMAGED: [&str; 3] = [
    "",
    "# GALERA saved state\nversion: 2.1\nuuid:    e1c3",
    "\u{1}garbage\u{7f}",
];

/// A stopped clone on three equal data directories, and their history.
fn stopped() -> Option<(Lab, String)> {
    let lab = Lab::with_agent()?;
    lab.prepare_history(&[]);
    lab.load_crm_stopped(SINGLE_WRITER);
    let history = lab.node(1).history();
    Some((lab, history))
}

/// Puts the prepared data back, as if the agent had never run.
fn begin_again(lab: &Lab) {
    lab.stop_clone();
    lab.forget();
    lab.unpack_history();
}

/// Starts, and returns the node that bootstraps. Does not wait for the others, which take a full transfer.
fn bootstraps(lab: &Lab, case: &str) -> String {
    lab.start_clone();
    lab.wait(&format!("{case}: a new component"), STEP, || {
        lab.nodes().any(|node| node.synced())
    });
    let (epoch, node) = lab.epoch();
    assert_eq!(epoch, 1, "{case}");
    node
}

#[test]
fn the_highest_seqno_wins_against_the_flag_and_foreign_data_make_the_election_refuse() {
    let Some((lab, history)) = stopped() else {
        return;
    };
    for (k, seqno, safe) in [(1, "1", 1), (2, "7", 0), (3, "3", 0)] {
        lab.node(k).set_grastate(&history, seqno, safe);
    }
    assert_eq!(bootstraps(&lab, "a stale node with the flag"), "node2");

    begin_again(&lab);
    // As binary floating point these are equal, and node 1 would win by its name.
    for (k, seqno) in [
        (1, "9007199254740992"),
        (2, "9007199254740992"),
        (3, "9007199254740993"),
    ] {
        lab.node(k).set_grastate(&history, seqno, 0);
    }
    assert_eq!(bootstraps(&lab, "seqnos beyond 2^53"), "node3");

    begin_again(&lab);
    lab.node(1).set_grastate(FOREIGN, "100", 1);
    lab.start_clone();
    lab.shows("the nodes hold different histories: ");
    let ours = history.get(..8).expect("a UUID");
    let seen = lab.crm_mon();
    assert!(
        seen.contains("deadbeef.. on node1") && seen.contains(&format!("{ours}.. on node2, node3")),
        "{seen}"
    );
    assert_eq!(lab.epoch().0, 0, "somebody has bootstrapped");
    assert!(lab.nodes().all(|node| node.server_life().is_empty()));
}

#[test]
fn damaged_and_missing_state_files_are_made_good_by_the_position_in_the_data() {
    let Some((lab, history)) = stopped() else {
        return;
    };
    for (k, text) in (1..).zip(DAMAGED) {
        lab.node(k).set_file("grastate.dat", text);
        lab.node(4 - k).set_file("gvwstate.dat", text);
    }
    keeps(&lab, &history, "damaged files");

    begin_again(&lab);
    lab.node(1).ok("rm /var/lib/mysql/grastate.dat");
    lab.node(2).set_grastate(ZERO, "-1", 1);
    lab.node(3).set_grastate(&history, "-1", 1);
    keeps(&lab, &history, "missing file, zero UUID, seqno -1");

    begin_again(&lab);
    leave_prepared_xa(&lab, 1);
    keeps(&lab, &history, "a prepared XA transaction after a crash");
    let prepared = lab.node(1).sql("xa recover");
    assert!(
        prepared.is_ok_and(|rows| rows.contains("left")),
        "it is decided by whoever prepared it"
    );
}

/// The cluster starts, and it is the one that it was.
fn keeps(lab: &Lab, history: &str, case: &str) {
    lab.start_clone();
    lab.wait_in_service(case);
    for node in lab.nodes() {
        assert_eq!(node.status("wsrep_cluster_state_uuid"), history, "{case}");
        assert_eq!(lab.rows(node.number()), Some(1), "{case}");
    }
}

/// A client has prepared a transaction while the server ran without Galera, which was then killed.
fn leave_prepared_xa(lab: &Lab, k: u8) {
    lab.node(k).ok(r#"
mariadbd --wsrep-provider=none --wsrep-on=OFF >/dev/null 2>&1 &
until mariadb -e "xa start 'left'; insert into t.a(v) values (7); xa end 'left'; xa prepare 'left'" 2>/dev/null
do kill -0 $! || exit; sleep 0.05; done
kill -9 $!
wait
sed -i "s/^seqno:.*/seqno:   -1/" /var/lib/mysql/grastate.dat
exit 0
"#);
}

#[test]
fn positions_with_a_gtid_decide_by_their_seqno() {
    let Some(lab) = Lab::with_agent() else { return };
    lab.prepare_history(&[
        "wsrep_gtid_mode=ON",
        "wsrep_gtid_domain_id=5",
        "log_bin=binlog",
        "log_slave_updates=ON",
        "server_id=7",
    ]);
    lab.load_crm(SINGLE_WRITER);
    lab.wait_in_service("the first start");
    // Without the saved view they have to compare their positions.
    let fault = || {
        for node in lab.nodes() {
            node.ok("rm /var/lib/mysql/gvwstate.dat");
        }
        lab.kill_all_servers();
    };
    let recovery = lab.recovery(IN_SERVICE, fault, || lab.all_synced());
    recovery.tell("all killed with wsrep_gtid_mode=ON, no saved view");
    assert_eq!(recovery.report.lost, Some(0));
    assert_eq!(recovery.full_transfers, 0);
    assert_eq!(lab.epoch().0, 2, "nobody was elected");
    lab.stop_clone();
    let position = lab
        .node(2)
        .ok("mariadbd --wsrep-recover --disable-log-error 2>&1");
    assert!(
        position.contains(",5-7-"),
        "no GTID after the seqno: {position}"
    );
}
