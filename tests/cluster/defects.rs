//! What broke the other agent on its users' nodes, on nodes of ours.

use std::fs;
use std::process::{Child, Command};

use crate::harness::{Lab, Node, Output, STEP};

const EXAMPLE: &str = include_str!("../../crm-examples/galera-single-writer.crm");

const SECRET: &str = "correct-horse-battery";

/// A file of the data that the server keeps locked.
const DATA: &str = "var/lib/mysql/ibdata1";

/// Waits for its turn to hold a file as a server does.
const HOLDER: &str = "import fcntl, sys, time
file = open(sys.argv[1], 'r+b')
fcntl.lockf(file, fcntl.LOCK_EX)
time.sleep(300)";

#[test]
fn what_broke_the_peer_on_its_users_nodes_does_not_break_this_agent() {
    let Some(lab) = Lab::with_agent() else { return };
    serves_with_nothing_but_mariadb_names(&lab);
    the_pcs_command_of_the_readme_is_accepted(lab.node(1));
    lab.maintenance(true);
    let reader = lab.node(lab.unpromoted()[0]);
    another_clients_option_file_is_not_used(reader);
    a_password_is_on_no_command_line(&lab, reader);
    a_live_server_is_seen_and_stopped_without_its_option_files(reader);
    a_server_that_somebody_else_started_is_adopted(&lab, reader);
    lab.maintenance(false);
    lab.wait_in_service("maintenance");
    a_stop_that_fails_has_the_node_fenced(&lab, reader);
}

/// Neither server, client, installer nor wrapper has a name with mysql in it, as in newer packages. Everybody but the first
/// takes a full transfer.
fn serves_with_nothing_but_mariadb_names(lab: &Lab) {
    lab.script(&["galera"]).ok();
    for node in lab.nodes() {
        node.ok("rm -f /usr/bin/mysql* /usr/sbin/mysql*");
        node.ok("rm -rf /var/lib/mysql && install -d -o mysql -g mysql -m 750 /var/lib/mysql");
        node.ok("printf '[client]\nuser=nobody\npassword=wrong\n' >/root/.my.cnf");
    }
    let (ours, created) = (
        "primitive db ocf:galera-rs",
        "primitive db ocf:galera-rs params enable_creation=true",
    );
    lab.load_crm_text(&EXAMPLE.replace(ours, created));
    lab.wait_in_service("creation without a mysql name");
}

/// The peer's client read root's option file and its password. Ours is no client program.
fn another_clients_option_file_is_not_used(reader: Node<'_>) {
    let client = reader.run("mariadb -e 'select 1'");
    assert_ne!(client.code, 0, "the option file is not in the way");
    assert_eq!(reader.act("monitor").code, 0);
}

/// The line of the README, on a CIB that has nothing in it.
fn the_pcs_command_of_the_readme_is_accepted(node: Node<'_>) {
    let readme = include_str!("../../README.md");
    let command = readme
        .lines()
        .find(|line| line.starts_with("pcs resource create"));
    let command = command
        .expect("a pcs command")
        .replacen("pcs", "pcs -f /run/new.xml", 1);
    node.ok(&format!("cibadmin --empty >/run/new.xml && {command}"));
    let made = node.ok("cat /run/new.xml");
    for part in [
        "provider=\"galera-rs\"",
        "name=\"promotable\" value=\"true\"",
        "role=\"Promoted\"",
    ] {
        assert!(made.contains(part), "{part} in {made}");
    }
}

/// An action as the cluster would call it. The environment comes from a file: this command line is seen too.
fn act(node: Node<'_>, wrapper: &str, action: &str) -> Output {
    let command = format!("set -a; . /root/environment; {wrapper} /usr/sbin/galera-rs {action}");
    node.run_for(STEP, &command)
}

fn with_environment(node: Node<'_>, pairs: &str) {
    let all = format!("OCF_RESOURCE_INSTANCE=db\nOCF_RESKEY_CRM_meta_timeout=60000\n{pairs}\n");
    let root = node.root().expect("the node is on");
    fs::write(root.join("root/environment"), all).unwrap();
}

/// Every action, what it starts, and the server that it leaves behind.
fn a_password_is_on_no_command_line(lab: &Lab, reader: Node<'_>) {
    reader
        .sql(&format!(
            "CREATE USER chk@localhost IDENTIFIED BY '{SECRET}'"
        ))
        .unwrap();
    with_environment(
        reader,
        &format!("OCF_RESKEY_check_user=chk\nOCF_RESKEY_check_passwd={SECRET}"),
    );
    let trace = "strace -f -qq -s 4096 -e trace=execve -o /run/calls";
    for (action, code) in [
        ("monitor", 0),
        ("promote", 0),
        ("monitor", 8),
        ("demote", 0),
        ("stop", 0),
    ] {
        let done = act(reader, trace, action);
        assert_eq!(done.code, code, "{action}: {done:?}");
        let calls = reader.ok("cat /run/calls");
        assert!(calls.contains("galera-rs"), "{calls}");
        assert!(!calls.contains(SECRET), "{action}: {calls}");
    }
    // The start goes on in the background: whatever lives meanwhile is looked at again and again.
    reader.ok("rm -f /run/seen; (while [ ! -e /run/enough ]; do cat /proc/[0-9]*/cmdline; done >/run/seen 2>/dev/null) >/dev/null 2>&1 &");
    assert_eq!(act(reader, "", "start").code, 0);
    lab.wait("the reader's server with a password", STEP, || {
        act(reader, "", "monitor").code == 0 && reader.synced()
    });
    reader.ok("touch /run/enough");
    let seen = reader.ok("tr '\\0' ' ' </run/seen");
    assert!(
        seen.contains("mariadbd") && !seen.contains(SECRET),
        "on a command line"
    );
    let inherited = reader.ok("cat /proc/$(pgrep -x mariadbd)/environ");
    assert!(inherited.contains("GALERA_RS_RESOURCE=db") && !inherited.contains(SECRET));
}

/// The peer takes a lost configuration file for a stopped server.
fn a_live_server_is_seen_and_stopped_without_its_option_files(reader: Node<'_>) {
    let life = reader.server_life();
    reader.ok("mv /etc/mysql /etc/away; mv /usr/sbin/mariadbd /usr/sbin/away");
    with_environment(reader, "OCF_RESKEY_config=/etc/mysql/my.cnf");
    assert_eq!(act(reader, "", "monitor").code, 0);
    with_environment(reader, "OCF_RESKEY_enable_creation=perhaps");
    assert_eq!(act(reader, "", "monitor").code, 1, "in doubt");
    // What `start` noted is lost as well.
    reader.ok("mv /run/galera-rs/db /run/galera-rs/away");
    with_environment(reader, "OCF_RESKEY_config=/etc/mysql/my.cnf");
    let found = act(reader, "", "monitor");
    assert_eq!(found.code, 1, "{found:?}");
    assert!(
        found.stderr.contains("a server runs on /var/lib/mysql"),
        "{found:?}"
    );
    reader.ok("mv /run/galera-rs/away /run/galera-rs/db");
    assert_eq!(reader.server_life(), life);
    let done = act(reader, "", "stop");
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(reader.database_processes(), "");
    reader.ok("mv /etc/away /etc/mysql; mv /usr/sbin/away /usr/sbin/mariadbd");
}

/// By hand, by systemd: the peer fails, or starts a second one on the same data.
fn a_server_that_somebody_else_started_is_adopted(lab: &Lab, reader: Node<'_>) {
    with_environment(reader, "");
    reader.start_server("");
    lab.wait("the server that was started by hand", STEP, || {
        lab.all_synced()
    });
    let life = reader.server_life();
    let done = act(reader, "", "start");
    assert_eq!(done.code, 0, "{done:?}");
    lab.wait("its adoption", STEP, || {
        lab.published(reader.number())["phase"] == "member"
    });
    assert_eq!(act(reader, "", "monitor").code, 0);
    assert_eq!(reader.server_life(), life);
}

/// A process outside the node's PID namespace, as in a container of its own, takes the data when the server ends: the agent
/// cannot tell what it is, nor end it.
fn hold_data_when_the_server_ends(node: Node<'_>) -> Child {
    let root = node.root().expect("the node is on");
    let pid = root.iter().nth(2).expect("/proc/PID/root").to_owned();
    let mut holder = Command::new("nsenter");
    holder
        .arg("-t")
        .arg(pid)
        .args(["-m", "-n", "-r", "python3", "-c", HOLDER]);
    holder
        .arg(format!("/{DATA}"))
        .spawn()
        .expect("the holder starts")
}

/// The peer calls this success, and the server is started elsewhere or on top of the other.
fn a_stop_that_fails_has_the_node_fenced(lab: &Lab, reader: Node<'_>) {
    let k = reader.number();
    let mut holder = hold_data_when_the_server_ends(reader);
    let own = format!(" {} ", holder.id());
    lab.wait("the holder at the data", STEP, || {
        let waits = fs::read_to_string("/proc/locks").unwrap();
        waits
            .lines()
            .any(|line| line.contains("->") && line.contains(&own))
    });
    lab.crm(&format!("node standby node{k}"));
    lab.wait("the node fenced", STEP, || {
        lab.fence_log().contains(&format!("reboot node{k}: ok"))
    });
    let _ = holder.kill();
    let _ = holder.wait();
    lab.wait("the failure on record", STEP, || lab.ready());
    lab.crm(&format!("node online node{k}"));
    lab.wait_in_service("a stop that failed");
}
