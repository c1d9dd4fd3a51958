//! Galera calls the nodes otherwise than Pacemaker does.

use crate::harness::{Lab, SINGLE_WRITER};

#[test]
fn nodes_are_found_in_the_cluster_address_by_their_addresses_or_by_cluster_host_map() {
    let Some(lab) = Lab::with_agent() else { return };
    lab.prepare_history(&[]);
    lab.script(&["galera", "-n", "db"]).ok();
    lab.load_crm(SINGLE_WRITER);
    lab.wait_in_service("the first start, without a map");
    assert_eq!(lab.published(2)["elector"], "db2");
    lab.stop_clone();

    lab.crm("resource param db set cluster_host_map 'node1:db1;node2:db2;node3:db3'");
    lab.start_clone();
    lab.wait_in_service("a start with a map");
    assert_eq!(lab.published(3)["elector"], "db3");
    lab.kill_all_servers();
    lab.wait_in_service("the death of all servers");
}
