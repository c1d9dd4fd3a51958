//! A configuration written for `ocf:heartbeat:galera`.

use crate::harness::{Lab, MULTI_WRITER, lives, repository_file};
use crate::timed::peer;

/// As it stands in the CIB of a cluster that runs the other agent; only the agent's name is another.
const THEIRS: &str = "
primitive db ocf:galera-rs:galera-rs \
  params binary=/usr/bin/mysqld_safe client_binary=mysql config=/etc/mysql/my.cnf datadir=/var/lib/mysql \
    user=mysql group=mysql log=/var/log/mysql/error.log pid=/run/mysqld/mysqld.pid \
    socket=/run/mysqld/mysqld.sock check_user=root check_passwd=unused enable_creation=true \
    additional_parameters=--max-connections=123 wsrep_cluster_address=gcomm://node1,node2,node3 \
    cluster_host_map=\"node1:node1;node2:node2;node3:node3\" two_node_mode=false \
  op start timeout=120s interval=0 op stop timeout=120s interval=0 \
  op promote timeout=300s interval=0 on-fail=block op demote timeout=120s interval=0 \
  op monitor interval=20s timeout=30s op monitor interval=10s role=Promoted timeout=30s \
  op monitor interval=30s role=Unpromoted timeout=30s
clone db-clone db meta promotable=true promoted-max=3 ordered=false interleave=true notify=true
";

/// What the server's own files say where a parameter says otherwise.
const OTHERWISE: &str = "
cat >/etc/mysql/mariadb.conf.d/95-otherwise.cnf <<'CNF'
[mysqld]
datadir=/srv/otherwise
socket=/run/mysqld/otherwise.sock
pid-file=/run/mysqld/otherwise.pid
log_error=/var/log/mysql/otherwise.log
user=nobody
wsrep_cluster_address=gcomm://otherwise
CNF
";

/// Where a server says that its things are.
const PLACES: &str =
    "select concat_ws(' ', @@datadir, @@socket, @@pid_file, @@log_error, @@wsrep_cluster_address)";

#[test]
fn a_configuration_of_the_peer_works_when_only_the_name_is_changed() {
    let Some(lab) = Lab::with_agent() else { return };
    lab.prepare_history(&[]);
    for node in lab.nodes() {
        node.ok(OTHERWISE);
    }
    lab.load_crm_text(THEIRS);
    lab.wait_in_service("the first start");
    let places = "/var/lib/mysql/ /run/mysqld/mysqld.sock /run/mysqld/mysqld.pid /var/log/mysql/error.log \
                  gcomm://node1,node2,node3";
    for node in lab.nodes() {
        assert_eq!(node.sql("select @@max_connections"), Ok("123".to_owned()));
        assert_eq!(node.sql(PLACES), Ok(places.to_owned()));
        let user = node.ok("stat -c %U /proc/$(pgrep -x mariadbd)");
        assert_eq!(user.trim(), "mysql");
        let wrapper = node.run("pgrep -x 'mysqld_safe|mariadbd-safe'");
        assert_eq!(wrapper.code, 1, "a wrapper runs: {wrapper:?}");
    }
    let before = lives(&lab);
    lab.kill_server(1);
    lab.wait_in_service("the death of one server");
    assert_eq!(lives(&lab)[1..], before[1..]);
    lab.stop_clone();
    assert!(lab.nodes().all(|node| node.database_processes().is_empty()));
}

#[test]
fn the_cookbooks_move_from_the_peer_fails_no_write_and_restarts_no_server() {
    let Some(lab) = Lab::with_agent() else { return };
    peer::serve(&lab, "/usr/bin/mysqld_safe");
    let address = with_address(&lab);
    as_installed(&lab, MULTI_WRITER);
    let before = lives(&lab);
    let client = lab.writer(&[&address], 50);
    lab.rows_flow(1);

    let ((), fewest) = lab.fewest_synced(|| {
        lab.follow("docs/cookbook.md", "## Move from `ocf:heartbeat:galera`");
    });
    assert_eq!(fewest, 3, "servers Synced during the move");
    assert!(!lab.cib().contains("provider=\"heartbeat\" type=\"galera\""));
    lab.wait_in_service("the move");
    assert_eq!(lab.promoted(), [1, 2, 3]);
    assert_eq!(lives(&lab), before, "a server was restarted");
    for node in lab.nodes() {
        let wrapper = node.run("pgrep -x 'mysqld_safe|mariadbd-safe'");
        assert_eq!(wrapper.code, 1, "a wrapper runs: {wrapper:?}");
    }

    let report = client.finish();
    assert_eq!((report.lost, report.errors), (Some(0), 0), "{report:?}");
    lab.kill_server(3);
    lab.wait_in_service("the death of a server that moved");
    assert_eq!(lives(&lab)[..2], before[..2]);
}

/// An address that follows the promoted instances, as clients of the peer have it.
fn with_address(lab: &Lab) -> String {
    let address = lab.address_of_clients();
    lab.load_crm_text(&format!(
        "
primitive ip ocf:heartbeat:IPaddr2 params ip={address} op monitor interval=10s timeout=20s
colocation ip-with-db inf: ip db-clone:Promoted
order db-before-ip Mandatory: db-clone:promote ip:start
"
    ));
    lab.settle();
    address
}

/// Puts an example where the package has it.
fn as_installed(lab: &Lab, example: &str) {
    std::fs::write(lab.shared().join("example"), repository_file(example)).expect("the example");
    let place = format!("/usr/share/doc/galera-rs/{example}");
    lab.any()
        .ok(&format!("install -D -m 644 /run/lab/example {place}"));
}
