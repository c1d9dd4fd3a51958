//! Members are added and removed while the others serve: `docs/operations.md`, step by step.

use crate::harness::{Lab, Node, SINGLE_WRITER, STEP};

const THREE: &str = "wsrep_cluster_address=gcomm://node1,node2,node3";
const FOUR: &str = "wsrep_cluster_address=gcomm://node1,node2,node3,node4";

/// What a fourth node begins with.
const EMPTY: &str = "rm -rf /var/lib/mysql && install -d -o mysql -g mysql -m 750 /var/lib/mysql";

/// Takes from the record of a stopped node who may have gone on without it: then only the report of every elector
/// is proof enough.
const FORGET_VIEWS: &str = "python3 -c '
import json
path = \"/var/lib/galera-rs/db.json\"
record = json.load(open(path))
record.update(left=None, seen=None)
json.dump(record, open(path, \"w\"))
' && sed -i 's/safe_to_bootstrap: 1/safe_to_bootstrap: 0/' /var/lib/mysql/grastate.dat";

#[test]
fn a_fourth_node_joins_and_leaves_for_good_without_a_restart_and_no_election_waits_for_it() {
    let Some(lab) = Lab::up(4).and_then(Lab::equipped) else {
        return;
    };
    three_serve(&lab);
    let client = lab.writer(&["node1", "node2", "node3"], 50);
    let before = [1, 2, 3].map(|k| lab.node(k).server_life());

    lab.script(&["galera", FOUR]).ok();
    lab.crm("node online node4");
    lab.wait_in_service("the arrival of a fourth node");
    know(&lab, &[1, 2, 3, 4], 4);
    assert_eq!([1, 2, 3].map(|k| lab.node(k).server_life()), before);

    lab.crm("node standby node3");
    lab.crm("node standby node4");
    lab.wait("two nodes in standby", STEP, || {
        let gone = |k| lab.published(k)["phase"] == "stopped";
        gone(3) && gone(4)
    });
    lab.script(&["stop", "4"]).ok();
    for node in lab.nodes().take(3) {
        node.configure(THREE);
    }
    lab.any().ok("crm_node --force --remove node4");
    lab.crm("resource refresh db-clone");
    know(&lab, &[1, 2, 3], 3);
    assert_eq!([1, 2].map(|k| lab.node(k).server_life()), before[..2]);
    assert_eq!(client.finish().lost, Some(0));

    lab.stop_clone();
    for k in [1, 2] {
        lab.node(k).ok(FORGET_VIEWS);
    }
    lab.start_clone();
    lab.wait("service without the node that was removed", STEP, || {
        serve(&lab, &[1, 2])
    });
}

/// A cluster of three beside a node that is not a member.
fn three_serve(lab: &Lab) {
    lab.prepare_history(&[THREE]);
    lab.node(4).ok(EMPTY);
    lab.crm("node standby node4");
    lab.load_crm(SINGLE_WRITER);
    lab.wait("the first start of three nodes", STEP, || {
        serve(lab, &[1, 2, 3])
    });
    lab.settle();
}

/// These nodes and no others are members, and one of them is promoted.
fn serve(lab: &Lab, nodes: &[u8]) -> bool {
    let size = nodes.len().to_string();
    let member = |&k: &u8| {
        let node = lab.node(k);
        node.synced() && node.status("wsrep_cluster_size") == size
    };
    nodes.iter().all(member) && lab.promoted().len() == 1
}

/// Each of these nodes has published that there are so many electors.
fn know(lab: &Lab, nodes: &[u8], electors: usize) {
    lab.wait(&format!("{electors} electors"), STEP, || {
        let known = |k| lab.published(k)["electors"].as_array().map(Vec::len);
        nodes.iter().all(|&k| known(k) == Some(electors))
    });
}

impl Node<'_> {
    /// Replaces a line of the server's configuration.
    fn configure(&self, line: &str) {
        let (name, _) = line.split_once('=').expect("name=value");
        self.ok(&format!(
            "sed -i 's|^{name}=.*|{line}|' /etc/mysql/mariadb.conf.d/90-galera.cnf"
        ));
    }
}
