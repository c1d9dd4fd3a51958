//! Full state transfers that come to nothing: cut off by the cluster, by the donor, by a full disk.

use std::time::Duration;

use crate::harness::{IN_SERVICE, Lab, Mark, Node, SINGLE_WRITER, STEP, full_transfers};

/// Five attempts.
const GIVING_UP: Duration = Duration::from_secs(240);

/// The pauses of 1, 2, 4 and 8 seconds between them.
const PAUSES: Duration = Duration::from_secs(15);

/// What the transfer scripts of mariabackup log in with: the user that they run as, through the socket.
const AUTH: &str = "wsrep_sst_auth=mysql:";

#[test]
fn a_transfer_cut_off_by_standby_or_stop_leaves_nothing_behind_that_the_next_start_trips_over() {
    let Some(lab) = Lab::with_agent() else {
        return;
    };
    lab.prepare_history(&[AUTH]);
    lab.load_crm_with(SINGLE_WRITER, "unpromoted_read_only=true");
    lab.wait_in_service("the first start");
    let joiner = lab.unpromoted()[1];
    for method in ["rsync", "mariabackup"] {
        let method = format!("wsrep_sst_method={method}");
        lab.script(&["galera", AUTH, &method, "[sst]", "sst-syslog=-1"])
            .ok();

        let marks = begin_transfer(&lab, joiner);
        lab.crm(&format!("node standby node{joiner}"));
        nothing_is_left(&lab, joiner);
        has_half_the_data(&lab, joiner, &marks);
        lab.wait("the donor Synced again", STEP, || {
            (1..=3).filter(|k| *k != joiner).all(|k| lab.synced(k))
        });
        lab.crm(&format!("node online node{joiner}"));
        lab.wait_in_service(&format!("standby amid a transfer, {method}"));
        let read_only = lab.sql(joiner, "select @@global.read_only");
        assert_eq!(read_only.as_deref(), Ok("1"), "{method}");
        assert_eq!(full_transfers(&marks), 1, "{method}");
    }
    // The donor too is to stop: its server would end after the transfer.
    let marks = begin_transfer(&lab, joiner);
    lab.stop_clone();
    nothing_is_left(&lab, joiner);
    has_half_the_data(&lab, joiner, &marks);
    lab.start_clone();
    lab.wait_in_service("a stop of all amid a transfer");
    assert!(!lab.fence_log().contains("reboot"), "a stop failed");
}

/// Returns when the node receives a full copy over a slow link; what it had is gone.
fn begin_transfer(lab: &Lab, joiner: u8) -> Vec<Mark> {
    let marks = lab.error_logs();
    lab.script(&["slow", &joiner.to_string(), "1", "0", "6"])
        .ok();
    lose_data(lab, joiner);
    lab.wait("a full copy to come in", STEP, || {
        let status = lab.any().run("galeractl status").stdout;
        status.contains(&format!("node{joiner}: receiving a full copy"))
    });
    marks
}

/// The node's server dies, and its data is gone.
fn lose_data(lab: &Lab, k: u8) {
    lab.node(k).ok(
        "rm -f /var/lib/mysql/grastate.dat /var/lib/mysql/gvwstate.dat; pkill -KILL -x mariadbd; \
         cd /var/lib/mysql && rm -rf t mysql/*.MAD ibdata1",
    );
}

/// The cluster has stopped the resource there, and nothing of it runs; the link is as fast as before.
fn nothing_is_left(lab: &Lab, joiner: u8) {
    let node = lab.node(joiner);
    let stopped = || {
        let role = lab.roles("db").remove(&joiner);
        role.is_none_or(|role| role == "Stopped")
    };
    lab.wait("the end of the resource", STEP, stopped);
    // The stop has returned, so nobody may be left who will end by himself.
    assert_eq!(node.database_processes(), "");
    lab.settle();
    assert!(stopped(), "started again");
    assert_eq!(node.database_processes(), "");
    lab.script(&["slow", &joiner.to_string(), "0"]).ok();
}

/// The transfer did not come to its end, and the node claims no position.
fn has_half_the_data(lab: &Lab, joiner: u8, marks: &[Mark]) {
    if full_transfers(marks) > 0 {
        lab.fail("it was over too soon");
    }
    let report = &lab.published(joiner)["report"];
    if report["data"].is_object() {
        lab.fail(&format!("a position of half the data: {report}"));
    }
}

#[test]
fn transfers_that_die_are_retried_from_other_donors_and_not_for_ever_and_a_full_disk_is_named() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    let joiner = lab.unpromoted()[1];
    donors_that_fail(&lab, joiner);
    full_disk(&lab, joiner);
}

/// Every donor fails: each is asked, then the resource stays away from the node until it is cleaned up.
fn donors_that_fail(lab: &Lab, joiner: u8) {
    let others: Vec<u8> = (1..=3).filter(|k| *k != joiner).collect();
    for k in &others {
        lab.node(*k).ok(
            "mv /usr/bin/wsrep_sst_rsync /usr/bin/rsync_of_old; \
             printf '#!/bin/sh\\nexit 32\\n' >/usr/bin/wsrep_sst_rsync; chmod 755 /usr/bin/wsrep_sst_rsync",
        );
    }
    let mark = lab.error_log(joiner);
    lose_data(lab, joiner);
    let took = lab.wait("the job to give up", GIVING_UP, || {
        lab.crm_mon().contains("db start on node")
    });
    lab.settle();
    let log = mark.since();
    let asked = |k: &u8| log.matches(&format!(" (node{k})(SYNCED) as donor")).count();
    let asked: Vec<usize> = others.iter().map(asked).collect();
    eprintln!("every transfer dies: given up after {took:.1?}, donors asked {asked:?} times");
    assert_eq!(asked.iter().sum::<usize>(), 5);
    assert!(took >= PAUSES, "five attempts in {took:.1?}");
    assert!(asked.iter().all(|count| *count >= 2), "{asked:?}");
    assert!(
        lab.crm_mon().contains("the state transfer from node"),
        "{}",
        lab.crm_mon()
    );
    assert_eq!(lab.node(joiner).database_processes(), "");
    lab.wait("the others to go on", STEP, || lab.promoted().len() == 1);
    for k in &others {
        lab.node(*k)
            .ok("mv -f /usr/bin/rsync_of_old /usr/bin/wsrep_sst_rsync");
    }
    lab.crm("resource cleanup db");
    lab.wait_in_service("a cleanup");
}

/// A copy that does not fit: the monitor says so, and once there is room the next attempt succeeds.
fn full_disk(lab: &Lab, joiner: u8) {
    let node = lab.node(joiner);
    lab.crm(&format!("node standby node{joiner}"));
    nothing_is_left(lab, joiner);
    // So slow that nobody can miss the last of the space.
    lab.script(&["slow", &joiner.to_string(), "1", "0", "60"])
        .ok();
    node.ok("mount -t tmpfs -o size=64m,mode=755,uid=mysql,gid=mysql tmpfs /var/lib/mysql");
    lab.crm(&format!("node online node{joiner}"));
    let named = || node.act("monitor").stdout.contains("the disk is full");
    let took = lab.wait("the full disk to be named", STEP, named);
    eprintln!("a full disk: named after {took:.1?}");
    lab.script(&["slow", &joiner.to_string(), "0"]).ok();
    node.ok("mount -o remount,size=1g /var/lib/mysql");
    let took = lab.wait("service once there is room", IN_SERVICE, || lab.serves());
    eprintln!("room made on a full disk: in service after {took:.1?}");
    full_disk_in_service(lab, node);
}

/// The disk of a member fills up under writes: a monitor of level 10 says so before it is full. A server that cannot apply a
/// write set leaves the others, which go on, and the reason is shown until there is room.
fn full_disk_in_service(lab: &Lab, node: Node<'_>) {
    lab.settle();
    node.ok("mount -o remount,size=$(($(df -m --output=used /var/lib/mysql | tail -1) + 8))m /var/lib/mysql");
    let low = node.run("OCF_CHECK_LEVEL=10 /usr/sbin/galera-rs monitor");
    assert!(
        low.code == 190 && low.stderr.contains("MiB free for the data directory"),
        "{low:?}"
    );
    let writer = lab.promoted()[0];
    let write = |statement: &str| lab.sql(writer, statement).expect("a writer that goes on");
    write("create table t.big(id int auto_increment primary key, v longblob)");
    lab.wait("a disk that is full", STEP, || {
        write("insert into t.big(v) values (repeat('x', 1048576))");
        !node.synced()
    });
    lab.wait("the full disk to be named", STEP, || {
        node.act("monitor").stdout.contains("the disk is full")
    });
    write("drop table t.big");
    assert_eq!(lab.promoted(), [writer], "the role moved");
    node.ok("mount -o remount,size=1g /var/lib/mysql");
    lab.wait("service once there is room again", IN_SERVICE, || {
        lab.serves()
    });
}
