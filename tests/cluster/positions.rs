//! What lies on the disks of a stopped cluster decides: the right choice, or a refusal that names the reason.
//!
//! The files are edited behind the agent's back, so each case begins without its records.

use crate::harness::{IN_SERVICE, Lab, SINGLE_WRITER, STEP};

const ZERO: &str = "00000000-0000-0000-0000-000000000000";
const FOREIGN: &str = "deadbeef-0000-11f1-8926-3623378d61df";
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
        node.ok("! ls /var/lib/mysql/grastate.date*");
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

/// Commits of this server wait for room in its binary log, when the engine has prepared them already.
const NO_ROOM: &str =
    "mount -t tmpfs -o size=256k tmpfs /srv/binlog && chown mysql:mysql /srv/binlog";

const LOST: &str = "umount -l /srv/binlog";

/// Fills the rest, and returns once a transaction hangs between the engine and the binary log.
const HANG: &str = r#"
until mariadb -e "create table if not exists t.b(v longtext)" 2>/dev/null; do sleep 0.05; done
head -c 1000000 /dev/zero >/srv/binlog/rest 2>/dev/null
mariadb -e "insert into t.b values (repeat('x', 100000))" >/dev/null 2>&1 &
for i in $(seq 400); do
  mariadb -e "show processlist" | grep -q "free space" && exit 0
  sleep 0.05
done
exit 1
"#;

/// What lies between the storage engine and the binary log when that is lost: the server undoes it where the group
/// knows better, and else wants somebody to decide.
#[test]
fn transactions_that_the_server_had_prepared_are_made_good_by_the_group_or_wait_for_a_person() {
    let Some(lab) = Lab::with_agent() else { return };
    for node in lab.nodes() {
        node.ok("install -d -o mysql -g mysql /srv/binlog");
    }
    lab.node(1).ok(NO_ROOM);
    lab.prepare_history(&["log_bin=/srv/binlog/bin", "server_id=7"]);
    lab.load_crm(SINGLE_WRITER);
    lab.wait_in_service("the first start");
    let marks = lab.error_logs();
    lab.node(1).ok(HANG);
    lab.maintenance(true);
    lab.kill_all_servers();
    lab.node(1).ok(LOST);
    lab.maintenance(false);
    lab.wait(
        "a full binary log, a crash, and its loss",
        IN_SERVICE,
        || lab.serves(),
    );
    for node in lab.nodes() {
        assert_eq!(node.sql("select count(*) from t.b"), Ok("1".to_owned()));
    }
    assert_eq!(crate::harness::full_transfers(&marks), 0);

    // The same without Galera: the group does not know of this one.
    lab.stop_clone();
    lab.forget();
    for node in lab.nodes() {
        // Whoever has the flag left last, and need not wait for node 1.
        node.ok(
            "sed -i 's/^safe_to_bootstrap:.*/safe_to_bootstrap: 0/' /var/lib/mysql/grastate.dat",
        );
    }
    let node = lab.node(1);
    node.ok(NO_ROOM);
    node.start_server("--wsrep-provider=none --wsrep-on=OFF");
    node.ok(HANG);
    node.kill_server();
    node.ok(LOST);
    node.ok("sed -i 's/^seqno:.*/seqno:   -1/' /var/lib/mysql/grastate.dat");
    lab.start_clone();
    let wanted = "1 prepared transactions have to be decided about (mariadbd --wsrep-recover --tc-heuristic-recover=ROLLBACK or COMMIT)";
    lab.wait("the refusal", STEP, || {
        let status = lab.node(2).run("galeractl status").stdout;
        let words: Vec<_> = status.split_whitespace().collect();
        words.join(" ").contains(wanted)
    });
    lab.shows("node1");
    assert_eq!(lab.epoch().0, 0, "somebody has bootstrapped");
    node.run("mariadbd --wsrep-recover --tc-heuristic-recover=ROLLBACK");
    lab.stop_clone();
    keeps_after_the_decision(&lab);
}

fn keeps_after_the_decision(lab: &Lab) {
    lab.start_clone();
    lab.wait_in_service("the decision");
    for node in lab.nodes() {
        assert_eq!(node.sql("select count(*) from t.b"), Ok("1".to_owned()));
    }
}
