//! Four nodes: who is promoted while one receives state from another, and what becomes of half of them.

use std::time::Duration;

use crate::harness::{Lab, SINGLE_WRITER, STEP, full_transfers, within};

/// Longer than a monitor bears a server that has left its component.
const KEPT: Duration = Duration::from_secs(5);

/// The donor is the one that the cluster would take if all scores were equal.
#[test]
fn a_synced_node_is_promoted_and_not_the_donor_and_two_survivors_of_four_go_on() {
    let lab = Lab::up_with_quorum_device(4).and_then(Lab::equipped);
    let Some(lab) = lab.and_then(|lab| lab.serving(SINGLE_WRITER)) else {
        return;
    };
    let (victim, readers) = (lab.promoted()[0], lab.unpromoted());
    let &[donor, other, joiner] = readers.as_slice() else {
        panic!("{readers:?}");
    };
    lab.node(joiner).ok(&format!(
        "echo wsrep_sst_donor=node{donor} >>/etc/mysql/mariadb.conf.d/90-galera.cnf"
    ));
    lab.begin_transfer(joiner, "10");
    lab.wait("the donor to come last", STEP, || lab.score(donor) == "10");
    lab.kill_server(victim);
    lab.wait("another writer", STEP, || {
        lab.promoted().iter().any(|&node| node != victim)
    });
    assert_eq!(lab.promoted(), [other], "node {donor} is the donor");
    assert!(lab.receives(joiner), "the transfer was over too soon");
    lab.script(&["slow", &joiner.to_string(), "0"]).ok();
    lab.wait_in_service("the transfer");
    lab.wait("full scores", STEP, || {
        lab.nodes()
            .all(|node| ["100", "101"].contains(&&*lab.score(node.number())))
    });
    assert_eq!(lab.promoted(), [other], "the role moved for no reason");
    two_of_four_go_on(&lab);
}

/// Half of a cluster of four loses power and cannot be fenced yet; the quorum device votes for the other half. What is
/// left makes its component anew, and the promoted node keeps its role.
fn two_of_four_go_on(lab: &Lab) {
    let [promoted] = lab.promoted()[..] else {
        lab.fail("one node is promoted");
    };
    let readers = lab.unpromoted();
    let survivors = [promoted, readers[0]];
    let lives = || survivors.map(|k| lab.node(k).server_life());
    let (marks, before, epoch) = (lab.error_logs(), lives(), lab.epoch().0);
    let writer = lab.writer(&[&format!("node{promoted}")], 50);
    lab.rows_flow(promoted);
    lab.script(&["fencing", "break"]).ok();
    let lost = readers[1..].iter().map(u8::to_string);
    let cut: Vec<String> = std::iter::once("crash".to_owned()).chain(lost).collect();
    let cut: Vec<&str> = cut.iter().map(String::as_str).collect();
    lab.script(&cut).ok();
    lab.wait("both survivors outside a primary component", STEP, || {
        let outside = |k: u8| lab.node(k).status("wsrep_cluster_status") == "non-Primary";
        survivors.into_iter().all(outside)
    });
    lab.wait("the reason why they are kept running", STEP, || {
        let seen = lab.node(promoted).run("crm_mon -1rf").stdout;
        seen.contains("waiting for fencing of node")
    });
    let went_on = within(KEPT, || survivors.iter().any(|&k| lab.synced(k)));
    assert_eq!(
        went_on, None,
        "nobody may go on before the others are fenced"
    );
    lab.script(&["fencing", "mend"]).ok();
    lab.wait("two survivors Primary together", STEP, || {
        let size = |k: u8| lab.node(k).status("wsrep_cluster_size");
        survivors
            .into_iter()
            .all(|k| lab.synced(k) && size(k) == "2")
    });
    lab.wait("all four", STEP, || lab.ready());
    lab.wait_in_service("the loss of two of four");
    assert_eq!(lives(), before, "a survivor was restarted");
    assert_eq!(lab.promoted(), [promoted], "the role moved");
    assert!(lab.epoch().0 > epoch, "nobody has opened an epoch");
    assert_eq!(writer.finish().lost, Some(0));
    assert_eq!(full_transfers(&marks), 0);
}
