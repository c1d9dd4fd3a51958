//! The lab keeps its promises, without any agent of ours.

use std::time::Duration;

use crate::harness::{Lab, on_all};

const LIMIT: Duration = Duration::from_secs(60);

const STATEFUL: &str = "
primitive probe ocf:pacemaker:Stateful op monitor interval=5s role=Promoted op monitor interval=6s role=Unpromoted
clone probe-clone probe meta promotable=true notify=true interleave=true
";

#[test]
fn cut_off_node_is_fenced_and_rejoins() {
    let Some(lab) = Lab::up(3) else { return };
    lab.fencing();
    lab.load_crm_text(STATEFUL);
    lab.wait("one Promoted and two Unpromoted", LIMIT, || {
        roles(&lab) == (1, 2)
    });
    // /run is a tmpfs of its own: this file does not outlive a boot.
    lab.node(3).ok("touch /run/this-boot");

    lab.cut(3);
    lab.wait("node 3 fenced", LIMIT, || {
        lab.fence_log().contains("reboot node3: ok")
    });
    lab.heal(3);
    lab.wait("node 3 back as a member", LIMIT, || lab.ready());
    lab.wait("the clone complete again", LIMIT, || roles(&lab) == (1, 2));

    assert_ne!(
        lab.node(3).run("test -e /run/this-boot").code,
        0,
        "node 3 did not reboot"
    );
    assert!(
        !lab.fence_log().contains("reboot node1"),
        "{}",
        lab.fence_log()
    );
}

#[test]
fn broken_power_switch_keeps_the_lost_node_unclean() {
    let Some(lab) = Lab::up(3) else { return };
    lab.fencing();
    lab.script(&["fencing", "break"]).ok();
    lab.crash(3);
    lab.wait("a failed fencing", LIMIT, || {
        lab.fence_log().contains("node3: failed")
    });
    assert!(lab.node(1).ok("crm_mon -1").contains("UNCLEAN"));
    lab.script(&["fencing", "mend"]).ok();
    lab.wait("node 3 fenced and back", LIMIT, || {
        lab.fence_log().contains("node3: ok") && lab.ready()
    });
}

#[test]
fn power_cut_of_all_nodes_ends_with_the_same_cluster() {
    let Some(lab) = Lab::up(3) else { return };
    lab.maintenance(true);
    lab.crash_all();
    lab.boot_all();
    let took = lab.wait("three members", LIMIT, || lab.ready());
    eprintln!(
        "power cut of all: members again {:.1} s after power on",
        took.as_secs_f64()
    );
    assert!(
        lab.cib().contains("maintenance-mode"),
        "the configuration did not survive"
    );
}

/// Whoever opens an epoch relies on that.
#[test]
fn of_nodes_that_create_the_same_properties_at_once_exactly_one_does() {
    let Some(lab) = Lab::up(3) else { return };
    for round in 0..5 {
        let set = format!("<cluster_property_set id=\"race-{round}\"/>");
        let create = format!("cibadmin --create --scope crm_config --xml-text '{set}'");
        let mut codes = on_all(&lab, |node| node.run(&create).code);
        codes.sort_unstable();
        assert_eq!(codes, [0, 108, 108], "108 is: it exists");
    }
}

#[test]
fn writer_sees_the_gap_of_a_dead_server_and_no_lost_row() {
    let Some(lab) = Lab::up(3) else { return };
    lab.prepare_galera(&[]);
    lab.start_by_hand();
    assert!(lab.all_synced());
    let mark = lab.error_log(1);
    let writer = lab.writer(&["node1", "node2"], 50);
    lab.wait("rows", LIMIT, || {
        lab.sql(2, "select count(*) > 50 from t.a")
            .is_ok_and(|more| more == "1")
    });

    lab.kill_server(1);
    lab.wait("a primary component of two", LIMIT, || {
        lab.node(2).status("wsrep_cluster_size") == "2"
    });
    lab.wait("writes on node 2", LIMIT, || {
        lab.sql(3, "select count(*) > 150 from t.a")
            .is_ok_and(|more| more == "1")
    });
    lab.node(1).start_server("");
    lab.wait("node 1 Synced", LIMIT, || lab.all_synced());

    let report = writer.finish();
    eprintln!(
        "kill -9 of the writer's server: {report:?}; transfers of node 1: {:?}",
        mark.transfers()
    );
    assert_eq!(report.lost, Some(0));
    assert!(report.longest_gap > 1.0, "Galera waits for a silent member");
    assert!(report.by_node.len() == 2, "the writer went on elsewhere");
    assert_eq!(
        mark.transfers().full,
        1,
        "a killed server without a start position takes everything\n{}",
        mark.since()
    );
}

/// How many instances of the clone are Promoted and Unpromoted.
fn roles(lab: &Lab) -> (usize, usize) {
    let roles = lab.roles("probe");
    let count = |wanted: &str| roles.values().filter(|role| *role == wanted).count();
    (count("Promoted"), count("Unpromoted"))
}
