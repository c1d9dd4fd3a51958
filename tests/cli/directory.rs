//! Users and hosts that only a directory service knows: a static program has no modules for it, and asks `getent`.

use std::fs;
use std::path::Path;

use crate::{AGENT, Answer, available, bare, is_root, run, write_program};

/// This node's only address, and what everybody's local files say.
const INSIDE: &str = "
ip link set lo up && ip addr add 10.9.8.7/32 dev lo
for name in passwd group hosts; do mount --bind \"$FILES/$name\" \"/etc/$name\" || exit 99; done
mount --bind \"$FILES/getent\" /usr/bin/getent || exit 99
exec \"$AGENT\" validate-all
";

/// Validates on a machine whose local files know nobody, and whose `getent` answers by these rows of a shell `case`.
fn validated(rows: &str) -> Answer {
    let files = tempfile::tempdir().unwrap();
    for name in ["passwd", "group", "hosts"] {
        fs::write(files.path().join(name), "").unwrap();
    }
    let getent = files.path().join("getent");
    let script = format!("#!/bin/sh\ncase \"$*\" in\n{rows}\n*) exit 2 ;;\nesac\n");
    write_program(&script, &getent);
    let mut inside = bare("/usr/bin/unshare");
    inside
        .args(["--mount", "--net", "/bin/sh", "-c", INSIDE])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("FILES", files.path())
        .env("AGENT", AGENT);
    for (name, value) in [
        ("OCF_RESOURCE_INSTANCE", "db"),
        ("OCF_CHECK_LEVEL", "10"),
        ("OCF_RESKEY_CRM_meta_on_node", "node1"),
        ("OCF_RESKEY_user", "keeper"),
        ("OCF_RESKEY_group", "keepers"),
        (
            "OCF_RESKEY_wsrep_cluster_address",
            "gcomm://db1.example,db2.example",
        ),
    ] {
        inside.env(name, value);
    }
    run(&mut inside)
}

#[test]
fn users_and_hosts_that_no_local_file_knows_are_asked_of_the_directory_service() {
    if !available(is_root(), "root")
        || !available(Path::new("/usr/sbin/mariadbd").exists(), "mariadbd")
    {
        return;
    }
    let hosts = "'ahosts db1.example') echo '10.9.8.7 STREAM db1.example' ;;\n\
                 'ahosts db2.example') echo '10.9.8.8 STREAM db2.example' ;;";
    let users = "'passwd keeper') echo 'keeper:x:4711:4712::/:/bin/sh' ;;\n\
                 'group keepers') echo 'keepers:x:4712:' ;;";
    let nobody = validated("");
    assert_eq!(nobody.code, Some(1), "{}", nobody.stderr);
    assert!(
        nobody.stderr.contains("cannot resolve db1.example"),
        "{}",
        nobody.stderr
    );
    let no_user = validated(hosts);
    assert_eq!(no_user.code, Some(5), "{}", no_user.stderr);
    assert!(
        no_user.stderr.contains("user keeper does not exist"),
        "{}",
        no_user.stderr
    );
    let known = validated(&format!("{hosts}\n{users}"));
    for word in ["keeper", "db1.example", "node1 is not in"] {
        assert!(!known.stderr.contains(word), "{}", known.stderr);
    }
}
