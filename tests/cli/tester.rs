//! `ocf-tester` of the package resource-agents, on a machine without a cluster.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use crate::{AGENT, Answer, available, bare, copy_program, is_root, run, write_program};

const TESTER: &str = "/usr/sbin/ocf-tester";

/// In namespaces of its own: no network but the loopback, nothing of what the machine has in `/run` and `/var/lib`.
/// Whatever it leaves running ends with it.
const ALONE: [&str; 7] = [
    "--mount",
    "--net",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "/bin/sh",
];

const SCRIPT: &str = r#"
mount -t tmpfs -o mode=755 tmpfs /run && mount -t tmpfs -o mode=755 tmpfs /var/lib && ip link set lo up || exit 99
chown mysql:mysql "$HERE" || exit 99
cat >"$HERE/my.cnf" <<CNF
[mysqld]
user=mysql
datadir=$HERE/data
socket=$HERE/socket
log_error=$HERE/error.log
bind-address=127.0.0.1
binlog_format=row
innodb_autoinc_lock_mode=2
innodb_buffer_pool_size=32M
innodb_log_file_size=16M
wsrep_on=ON
wsrep_provider=/usr/lib/galera/libgalera_smm.so
wsrep_provider_options="gcache.size=16M"
wsrep_cluster_address=gcomm://127.0.0.1
wsrep_node_address=127.0.0.1
CNF
ocf-tester -n alone -o config="$HERE/my.cnf" -o enable_creation=true "$HERE/galera-rs"
code=$?
[ $code = 0 ] || tail -50 "$HERE/error.log"
exit $code
"#;

/// The tester gives each action 20 s, too few for the first start of a server on a slow machine: this gives it more.
const PATIENT: &str = r#"#!/bin/sh
OCF_RESKEY_CRM_meta_timeout=120000 exec "${0%/*}/real/galera-rs" "$@"
"#;

/// Runs the tester on a copy of the agent that everybody may read and run, as it wants it.
fn tested(environment: &[(&str, &str)]) -> Option<Answer> {
    let there = |path: &str| available(Path::new(path).exists(), path);
    let real = there(TESTER) && there("/usr/sbin/mariadbd") && there("/usr/bin/unshare");
    if !(real && available(is_root(), "root")) {
        return None;
    }
    let folder = tempfile::Builder::new()
        .prefix("galera-rs")
        .tempdir_in("/tmp")
        .unwrap();
    let here = folder.path().to_str().unwrap();
    let real = folder.path().join("real");
    fs::create_dir(&real).unwrap();
    for folder in [folder.path(), &real] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    copy_program(AGENT, &real.join("galera-rs"));
    write_program(PATIENT, &folder.path().join("galera-rs"));
    let mut tester = bare("/usr/bin/unshare");
    tester.args(ALONE).args(["-c", SCRIPT]);
    tester.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    tester.env("HERE", here).envs(environment.iter().copied());
    Some(run(tester.timeout(Duration::from_secs(600))))
}

#[test]
fn ocf_tester_passes_without_a_cluster() {
    let Some(answer) = tested(&[("GALERA_RS_ALONE", "/run/alone")]) else {
        return;
    };
    let shown = format!("{}{}", answer.stdout, answer.stderr);
    assert_eq!(answer.code, Some(0), "{shown}");
    assert!(shown.contains("galera-rs passed all tests"), "{shown}");
}

/// Without the switch there is nobody whom it could ask, and it starts nothing.
#[test]
fn without_a_cluster_nothing_is_started_unless_somebody_asks_for_it() {
    let Some(answer) = tested(&[]) else { return };
    let shown = format!("{}{}", answer.stdout, answer.stderr);
    assert_eq!(answer.code, Some(1), "{shown}");
    assert!(shown.contains("Start failed"), "{shown}");
}
