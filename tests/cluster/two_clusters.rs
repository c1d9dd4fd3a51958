//! Two clusters on the same nodes: the second on a network and ports of its own, with option files of its own.

use crate::harness::{Lab, Node, SINGLE_WRITER, STEP, lives, on_all};

/// Nothing is required beyond the option file: names, addresses and ports come from there.
const SECOND: &str = "
primitive db2 ocf:galera-rs params config=/etc/mysql/second.cnf enable_creation=true \
  op start timeout=60s interval=0 op stop timeout=120s interval=0 op promote timeout=300s interval=0 \
  op demote timeout=60s interval=0 op monitor interval=1s role=Promoted timeout=20s \
  op monitor interval=2s role=Unpromoted timeout=20s
clone db2-clone db2 meta promotable=true promoted-max=1 notify=true interleave=true
";

#[test]
fn two_clusters_on_other_networks_and_ports_share_nodes_and_nothing_else() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    let first = lives(&lab);
    let writer = lab.promoted();
    on_all(&lab, |node| node.prepare_second());
    lab.load_crm_text(SECOND);
    second_serves(&lab, "its creation");
    assert_eq!(
        lab.roles("db2")
            .values()
            .filter(|role| *role == "Promoted")
            .count(),
        1
    );
    assert!(lab.cib().contains("\"db2-epoch-1\""));

    // By hand: which of the two has to be said.
    let asked = lab.node(1).run("/usr/sbin/galera-rs monitor");
    assert_eq!(asked.code, 2, "{asked:?}");
    assert!(
        asked.stderr.contains("db") && asked.stderr.contains("db2"),
        "{asked:?}"
    );
    let told = lab
        .node(1)
        .run("/usr/sbin/galera-rs monitor --resource db2");
    assert!([0, 8].contains(&told.code), "{told:?}");

    // The death of a server is told to its own group, over its own network.
    let victim = lab.node(3);
    victim.ok("pkill -KILL -f second[.]cnf");
    second_serves(&lab, "the death of one server");
    let evicted = lab.nodes().any(|node| {
        let log = "grep -q 'galera-rs(db2).*evicting the dead' /var/log/pacemaker/pacemaker.log";
        node.run(log).code == 0
    });
    assert!(evicted, "nobody has told the group");
    on_all(&lab, |node| node.run("pkill -KILL -f second[.]cnf"));
    second_serves(&lab, "the death of all its servers");

    lab.crm("resource stop db2-clone");
    lab.wait("the second cluster stopped", STEP, || {
        lab.nodes()
            .all(|node| node.run("pgrep -f second[.]cnf").code == 1)
    });
    lab.settle();
    assert_eq!(lives(&lab), first, "the first cluster's servers");
    assert_eq!(lab.promoted(), writer);
}

fn second_serves(lab: &Lab, after: &str) {
    lab.wait(&format!("the second cluster after {after}"), STEP, || {
        lab.nodes().all(|node| node.second_is_synced())
    });
    lab.settle();
}

impl Node<'_> {
    /// An address in another subnet, and a server that has nothing in common with the first.
    fn prepare_second(&self) {
        let own = format!("10.88.0.1{}", self.number());
        let all = ["10.88.0.11:5567", "10.88.0.12:5567", "10.88.0.13:5567"].join(",");
        let options = format!(
            "[mysqld]
user=mysql
bind-address={own}
port=3307
skip_name_resolve=ON
datadir=/var/lib/second
socket=/run/mysqld/second.sock
pid_file=/run/mysqld/second.pid
log_error=/var/log/mysql/second.log
binlog_format=row
innodb_autoinc_lock_mode=2
innodb_buffer_pool_size=32M
innodb_log_file_size=32M
wsrep_on=ON
wsrep_provider=/usr/lib/galera/libgalera_smm.so
wsrep_cluster_name=second
wsrep_cluster_address=gcomm://{all}
wsrep_node_address={own}:5567
wsrep_sst_method=rsync
wsrep_sst_receive_address={own}:5444
wsrep_provider_options=gcache.size=32M;gmcast.listen_addr=tcp://{own}:5567;ist.recv_addr={own}:5568
"
        );
        self.ok(&format!("ip addr add {own}/24 dev eth0"));
        self.ok(&format!("cat >/etc/mysql/second.cnf <<'CNF'\n{options}CNF"));
    }

    fn second_is_synced(&self) -> bool {
        let query = "show status where variable_name in ('wsrep_cluster_size', 'wsrep_local_state_comment')";
        let shown = self
            .run(&format!(
                "mariadb -S /run/mysqld/second.sock -NBe \"{query}\""
            ))
            .stdout;
        shown.contains("\t3\n") && shown.contains("\tSynced\n")
    }
}
