//! Galera calls the nodes otherwise than Pacemaker does.

use crate::harness::{Lab, SINGLE_WRITER, on_all};

#[test]
fn nodes_are_found_in_the_cluster_address_by_their_addresses_or_by_cluster_host_map() {
    let Some(lab) = Lab::with_agent() else { return };
    lab.prepare_history(&[]);
    lab.script(&["galera", "-n", "db"]).ok();
    lab.load_crm(SINGLE_WRITER);
    lab.wait_in_service("the first start, without a map");
    assert_eq!(lab.published(2)["elector"], "db2");
    lab.stop_clone();

    // The name of one node is the beginning of another's.
    on_all(&lab, |node| {
        node.ok("sed -i 's/db3/db10/' /etc/mysql/mariadb.conf.d/90-galera.cnf /etc/hosts");
    });
    lab.crm("resource param db set cluster_host_map 'node1:db1;node2:db2;node3:db10'");
    lab.start_clone();
    lab.wait_in_service("a start with a map");
    assert_eq!(lab.published(1)["elector"], "db1");
    assert_eq!(lab.published(3)["elector"], "db10");
    lab.kill_all_servers();
    lab.wait_in_service("the death of all servers");
}
