//! What ails a server that serves is told, with its value and its remedy, and never cured by a restart.

use std::time::{Duration, Instant};

use mysql::Conn;
use mysql::prelude::Queryable;

use crate::harness::{Lab, Node, Output, SINGLE_WRITER, STEP, full_transfers, lives};

/// A monitor waits for 3 s at most for each of two things: that an answer comes, and that a lost component comes back. The
/// rest is for a busy machine.
const IN_TIME: Duration = Duration::from_secs(10);

/// A monitor of this check level, as the cluster would run it, with parameters of its own over the cluster's. It ends in
/// time, whatever it finds.
#[track_caller]
fn monitor(node: Node<'_>, level: u32, params: &str) -> Output {
    let begun = Instant::now();
    let answer = node.run(&format!(
        "OCF_RESOURCE_INSTANCE=db OCF_CHECK_LEVEL={level} OCF_RESKEY_CRM_meta_timeout=20000 {params} \
         /usr/sbin/galera-rs monitor"
    ));
    let took = begun.elapsed();
    assert!(took < IN_TIME, "{took:.1?} for {answer:?}");
    answer
}

/// Asserts the code, and that the exit reason starts with these words.
#[track_caller]
fn told(answer: &Output, code: i32, words: &str) {
    assert_eq!(answer.code, code, "{answer:?}");
    let reason = format!("ocf-exit-reason:{words}");
    assert!(answer.stderr.contains(&reason), "{words} in {answer:?}");
}

#[track_caller]
fn well(node: Node<'_>, code: i32) {
    for level in [0, 10, 20] {
        let answer = monitor(node, level, "");
        assert_eq!(answer.code, code, "level {level}: {answer:?}");
    }
}

#[test]
fn a_server_that_serves_is_degraded_with_the_reason_and_a_hung_one_fails_in_time() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    let before = lives(&lab);
    let (writer, reader) = (lab.node(lab.promoted()[0]), lab.node(lab.unpromoted()[0]));
    well(writer, 8);
    well(reader, 0);
    desynced(reader);
    locked_by_a_backup(reader);
    read_only(writer, reader);
    not_applied(&lab, writer, reader);
    another_account(&lab, writer);
    refused(&lab, writer);
    out_of_connections(&lab, writer);
    lab.settle();
    well(writer, 8);
    assert_eq!(lab.promoted(), [writer.number()]);
    lab.maintenance(true);
    hung(&lab, reader);
    without_socket(reader);
    lab.maintenance(false);
    lab.wait_in_service("maintenance");
    out_of_space(&lab);
    held_up(&lab);
    assert_eq!(lives(&lab), before, "a server that serves was restarted");
    inconsistent(&lab, lab.promoted()[0], lab.unpromoted()[0]);
}

fn desynced(reader: Node<'_>) {
    reader.sql("SET GLOBAL wsrep_desync = ON").unwrap();
    told(&monitor(reader, 0, ""), 190, "desynced");
    reader.sql("SET GLOBAL wsrep_desync = OFF").unwrap();
    well(reader, 0);
}

/// As the donor of a transfer does too: it counts as desynced for Galera, and nobody has asked for that.
fn locked_by_a_backup(reader: Node<'_>) {
    let mut backup = reader.connection().unwrap();
    backup.query_drop("FLUSH TABLES WITH READ LOCK").unwrap();
    assert_eq!(reader.status("wsrep_desync_count"), "1");
    told(&monitor(reader, 0, ""), 190, "donor");
    backup.query_drop("UNLOCK TABLES").unwrap();
    well(reader, 0);
}

fn read_only(writer: Node<'_>, reader: Node<'_>) {
    for node in [writer, reader] {
        node.sql("SET GLOBAL read_only = ON").unwrap();
    }
    assert_eq!(monitor(writer, 0, "").code, 8);
    for level in [10, 15] {
        told(&monitor(writer, level, ""), 191, "read_only=ON");
    }
    assert_eq!(monitor(reader, 10, "").code, 0, "a reader may be read-only");
    for node in [writer, reader] {
        node.sql("SET GLOBAL read_only = OFF").unwrap();
    }
    well(writer, 8);
}

/// A statement that the reader's own table stands in the way of: the server goes on and leaves a file.
fn not_applied(lab: &Lab, writer: Node<'_>, reader: Node<'_>) {
    reader.ok("mariadb -e 'SET SESSION wsrep_on = 0; CREATE TABLE t.odd(i INT)'");
    writer.sql("CREATE TABLE t.odd(i INT)").unwrap();
    lab.wait("the file of the applier", STEP, || {
        monitor(reader, 10, "").code == 190
    });
    told(&monitor(reader, 10, ""), 190, "applier error");
    reader.ok("rm /var/lib/mysql/GRA_*.log");
    well(reader, 0);
}

/// A backup holds its appliers: what it receives queues up. Nobody waits for an answer of a session that would have to catch
/// up first, which every new session there does.
fn held_up(lab: &Lab) {
    let (writer, reader) = (lab.node(lab.promoted()[0]), lab.node(lab.unpromoted()[0]));
    let mut holder = reader.connection().unwrap();
    reader.sql("SET GLOBAL wsrep_sync_wait = 15").unwrap();
    holder.query_drop("FLUSH TABLES WITH READ LOCK").unwrap();
    let rows = lab.writer(&[&format!("node{}", writer.number())], 50);
    lab.wait("write sets that wait", STEP, || {
        let asked = holder.query_first("show status like 'wsrep_local_recv_queue'");
        asked.is_ok_and(|row: Option<(String, u32)>| row.is_some_and(|(_, queue)| queue > 5))
    });
    let params = "OCF_RESKEY_recv_queue_max=5";
    for level in [0, 10, 20] {
        let answer = monitor(reader, level, params);
        told(&answer, 190, "donor: ");
        let queue = answer.stderr.contains("wsrep_local_recv_queue=");
        assert_eq!(queue, level > 0, "level {level}: {answer:?}");
    }
    let third = 6 - writer.number() - reader.number();
    let score = |k| lab.score(k).parse::<i32>().unwrap_or(0);
    lab.wait("the other reader to come before it", STEP, || {
        0 < score(reader.number()) && score(reader.number()) < score(third)
    });
    holder.query_drop("UNLOCK TABLES").unwrap();
    reader.sql("SET GLOBAL wsrep_sync_wait = 0").unwrap();
    assert_eq!(rows.finish().lost, Some(0));
    lab.wait("both readers equal", STEP, || {
        score(reader.number()) == score(third)
    });
    well(reader, 0);
}

/// A row is gone on one node only; changed by the group, that cannot be applied there, and the vote goes against it. Only
/// that server is restarted, with a copy of the others' data.
fn inconsistent(lab: &Lab, writer: u8, reader: u8) {
    lab.insert(writer, 404);
    lab.wait("the row", STEP, || lab.has(reader, 404));
    let (before, marks) = (lives(lab), lab.error_logs());
    let apart = "mariadb -e 'SET SESSION wsrep_on = 0; DELETE FROM t.a WHERE v = 404'";
    lab.node(reader).ok(apart);
    let change = "UPDATE t.a SET v = 405 WHERE v = 404";
    lab.node(writer).sql(change).unwrap();
    let at = |k: u8| usize::from(k - 1);
    lab.wait(
        "another server on the node that lost the vote",
        STEP,
        || {
            let life = lab.node(reader).server_life();
            !life.is_empty() && life != before[at(reader)]
        },
    );
    lab.wait_in_service("an inconsistency");
    let now = lives(lab);
    for k in (1..=3).filter(|k| *k != reader) {
        assert_eq!(now[at(k)], before[at(k)], "node {k} was restarted");
    }
    assert_eq!(full_transfers(&marks), 1);
    assert!((1..=3).all(|k| lab.has(k, 405) && !lab.has(k, 404)));
}

/// Accounts that prove themselves by a password of either kind, without a right to read, and one that only the user at
/// the other end of the socket proves.
fn another_account(lab: &Lab, writer: Node<'_>) {
    for node in lab.nodes() {
        node.sql("INSTALL SONAME 'auth_ed25519'").unwrap();
    }
    for (user, proof) in [
        ("chk", "BY 'secret'"),
        ("ed", "VIA ed25519 USING PASSWORD('secret')"),
    ] {
        let create = format!("CREATE USER {user}@localhost IDENTIFIED {proof}");
        writer.sql(&create).unwrap();
        let account =
            |password| format!("OCF_RESKEY_check_user={user} OCF_RESKEY_check_passwd={password}");
        let seen = monitor(writer, 10, &account("secret"));
        assert_eq!(seen.code, 8, "{user}: {seen:?}");
        let between = monitor(writer, 15, &account("secret"));
        assert_eq!(between.code, 8, "no table is read yet: {between:?}");
        let blind = monitor(writer, 20, &account("secret"));
        told(&blind, 191, "the server refuses a question");
        let refused = monitor(writer, 0, &account("wrong"));
        told(&refused, 191, "account refused");
    }
    let by_socket = "ALTER USER root@localhost IDENTIFIED VIA unix_socket";
    writer.sql(by_socket).unwrap();
    well(writer, 8);
}

/// The cluster's own monitors are refused too, and go on for a while.
fn refused(lab: &Lab, writer: Node<'_>) {
    told(
        &monitor(writer, 0, "OCF_RESKEY_check_user=nobody"),
        191,
        "account refused",
    );
    writer.ok("echo MYSQL_USERNAME=nobody >/etc/default/clustercheck");
    lab.wait("the cluster to be told", STEP, || {
        lab.crm_mon().contains("account refused")
    });
    writer.ok("rm /etc/default/clustercheck");
    well(writer, 8);
}

fn out_of_connections(lab: &Lab, writer: Node<'_>) {
    writer.sql("SET GLOBAL max_connections = 10").unwrap();
    let mut clients: Vec<Conn> = Vec::new();
    // Root has the one connection that is kept for administrators, until that is taken too.
    while let Ok(client) = writer.connection() {
        clients.push(client);
        assert!(clients.len() < 50, "the limit does not hold");
    }
    lab.wait("no connection left to be told", STEP, || {
        // One that was in use may be free again.
        clients.extend(writer.connection());
        let answer = monitor(writer, 0, "");
        answer.code == 191 && answer.stderr.contains("no connection left")
    });
    drop(clients);
    lab.wait("a free connection", STEP, || writer.synced());
    writer.sql("SET GLOBAL max_connections = 151").unwrap();
}

/// A limit above what is free, taken over by reload-agent. Pacemaker 2.1.5 may give the role to another node when it
/// reloads a promoted instance; no server is touched.
fn out_of_space(lab: &Lab) {
    let any = lab.any();
    any.ok("crm_resource -r db -p disk_free_min -v 900000000");
    lab.settle();
    for node in lab.nodes() {
        let answer = node.run("OCF_CHECK_LEVEL=10 /usr/sbin/galera-rs monitor");
        let code = answer.code;
        assert!(code == 190 || code == 191, "{answer:?}");
        told(&answer, code, "disk:");
    }
    any.ok("crm_resource -r db -d disk_free_min");
    lab.wait_in_service("a reload");
}

fn hung(lab: &Lab, reader: Node<'_>) {
    let k = reader.number().to_string();
    lab.script(&["pause", &k, "mariadbd"]).ok();
    told(&monitor(reader, 0, ""), 1, "no answer in time");
    lab.script(&["resume", &k, "mariadbd"]).ok();
    lab.wait("an answer of the server that hung", STEP, || {
        monitor(reader, 0, "").code == 0
    });
}

fn without_socket(reader: Node<'_>) {
    reader.ok("mv /run/mysqld/mysqld.sock /run/mysqld/away");
    told(
        &monitor(reader, 0, ""),
        1,
        "socket /run/mysqld/mysqld.sock is gone",
    );
    reader.ok("mv /run/mysqld/away /run/mysqld/mysqld.sock");
    well(reader, 0);
}
