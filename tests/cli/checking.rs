//! `galeractl check`: the exit code for scripts, the object for programs, and what it sees in a node's own files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;

use crate::{Answer, GALERACTL, available, bare, is_root, run};

/// A cluster with nothing to find: fencing, a promotable clone, all times and both monitors.
const SOUND: &str = r#"<cib have-quorum="1"><configuration>
<crm_config><cluster_property_set id="c">OPTIONS</cluster_property_set></crm_config>
<nodes><node id="1" uname="node1"/></nodes>
<resources>
<primitive id="fence" class="stonith" type="fence_ipmilan"/>
<clone id="db-clone">
<meta_attributes id="m">
<nvpair id="m1" name="promotable" value="true"/><nvpair id="m2" name="notify" value="true"/>
</meta_attributes>
<primitive id="db" class="ocf" provider="galera-rs" type="galera-rs">
<instance_attributes id="i">PARAMETERS</instance_attributes>
<operations>
<op id="o1" name="start" interval="0" timeout="60s"/><op id="o2" name="stop" interval="0" timeout="120s"/>
<op id="o3" name="promote" interval="0" timeout="300s"/><op id="o4" name="demote" interval="0" timeout="60s"/>
<op id="o5" name="monitor" interval="1s" role="Promoted" timeout="20s"/>
<op id="o6" name="monitor" interval="2s" role="Unpromoted" timeout="20s"/>
</operations></primitive></clone></resources>
</configuration><status/></cib>"#;

fn pair(name: &str, value: &str) -> String {
    format!("<nvpair id=\"x-{name}\" name=\"{name}\" value=\"{value}\"/>")
}

/// That cluster with these options and parameters of the resource.
fn cib(options: &str, parameters: &str) -> String {
    let cib = SOUND.replace("OPTIONS", options);
    cib.replace("PARAMETERS", parameters)
}

fn check(cib: &str, words: &[&str]) -> Answer {
    let mut command = bare(GALERACTL);
    command.args(["check", "--cib", "-"]).args(words);
    run(command.write_stdin(cib))
}

/// A cluster with a danger, a warning and a hint.
fn ailing() -> String {
    let options = pair("no-quorum-policy", "ignore") + &pair("maintenance-mode", "true");
    cib(&options, "").replace(
        "name=\"notify\" value=\"true\"",
        "name=\"notify\" value=\"no\"",
    )
}

#[test]
fn a_script_hears_by_the_exit_code_how_bad_it_is() {
    let sound = cib("", "");
    let hint = sound.replace(
        "name=\"notify\" value=\"true\"",
        "name=\"x\" value=\"true\"",
    );
    let warning = cib(&pair("maintenance-mode", "true"), "");
    for (cib, code, verdict) in [
        (&*sound, 0, "dangers: 0, warnings: 0, hints: 0"),
        (&*hint, 0, "dangers: 0, warnings: 0, hints: 1"),
        (&*warning, 3, "dangers: 0, warnings: 1, hints: 0"),
        (&*ailing(), 4, "dangers: 1, warnings: 1, hints: 1"),
    ] {
        for words in [&[][..], &["--json"]] {
            let answer = check(cib, words);
            assert_eq!(answer.code, Some(code), "{}", answer.stdout);
            let told = !words.is_empty() || answer.stdout.contains(verdict);
            assert!(told, "{verdict}: {}", answer.stdout);
        }
    }
    assert_eq!(check("no xml", &[]).code, Some(1));
    assert_eq!(check(&sound, &["--resource", "other"]).code, Some(1));
    assert_eq!(check(&sound, &["--explode"]).code, Some(2));
}

fn object(answer: &Answer) -> Value {
    serde_json::from_str(&answer.stdout).unwrap()
}

fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = object.as_object().unwrap().keys().collect();
    keys.sort();
    keys.into_iter().map(String::as_str).collect()
}

#[test]
fn the_object_has_the_documented_keys_and_no_others_and_the_worst_comes_first() {
    let told = object(&check(&ailing(), &["--json"]));
    assert_eq!(keys(&told), ["findings", "resource", "server", "warnings"]);
    assert_eq!(
        (&told["resource"], &told["server"]),
        (&"db".into(), &false.into())
    );
    let findings = told["findings"].as_array().unwrap();
    let of_each = ["reason", "remedy", "severity", "subject", "text"];
    let mut severities = Vec::new();
    for finding in findings {
        assert_eq!(keys(finding), of_each);
        for key in of_each {
            assert_ne!(finding[key], "", "{key}: {finding}");
        }
        severities.push(finding["severity"].as_str().unwrap());
    }
    assert_eq!(severities, ["danger", "warning", "hint"]);
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/galeractl.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once("\n## check\n").unwrap();
    let (_, named) = section.split_once("\nJSON: ").unwrap();
    let (named, _) = named.split_once("\n\n").unwrap();
    let mut named: Vec<_> = named.split('`').skip(1).step_by(2).collect();
    named.sort_unstable();
    let mut all = [keys(&told), of_each.to_vec()].concat();
    all.retain(|key| !["findings", "warnings"].contains(key));
    all.extend(["findings[]", "warnings[]"]);
    all.sort_unstable();
    assert_eq!(named, all);
}

/// Runs a check in a mount namespace where `$1` is this test's folder, which stands in for the cluster, and what is written
/// below `/etc` is seen by nobody else. `$2` makes the fault.
const NODE: &str = r#"
set -e
mount -t tmpfs tmpfs "$1/aside"
mkdir "$1/aside/new" "$1/aside/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/aside/new,workdir=$1/aside/work" /etc
for tool in cibadmin crm_node; do mount --bind "$1/$tool" /usr/sbin/$tool; done
rm -f /etc/systemd/system/*.wants/mariadb.service /etc/default/clustercheck
cd "$1"
eval "$2"
exec "$GALERACTL" check --json
"#;

/// The option file of a node with nothing to find.
const OPTIONS: &str = "[mysqld]\nwsrep_on=ON\nwsrep_provider=/usr/lib/galera/libgalera_smm.so\nwsrep_sst_method=rsync\n\
                       wsrep_cluster_address=gcomm://node1,node2,node3\nbinlog_format=ROW\ninnodb_autoinc_lock_mode=2\n";

/// What is found on node1 after this was done to it.
fn on_a_node(fault: &str) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display().to_string();
    let put = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let parameters = [("config", "my.cnf"), ("datadir", "data")];
    let parameters = parameters.map(|(name, file)| pair(name, &format!("{place}/{file}")));
    put("cib.xml", &cib("", &parameters.concat()));
    put("cibadmin", &format!("#!/bin/sh\ncat {place}/cib.xml\n"));
    put("crm_node", "#!/bin/sh\necho node1\n");
    put("my.cnf", OPTIONS);
    for made in ["aside", "data"] {
        fs::create_dir(folder.path().join(made)).unwrap();
    }
    let mut command = Command::new("/usr/bin/unshare");
    command.args(["--mount", "sh", "-c", NODE, "sh", &place, fault]);
    command.env("GALERACTL", GALERACTL);
    run(command.timeout(Duration::from_secs(60)))
}

#[test]
fn each_fault_of_a_nodes_own_files_is_found_and_a_sound_node_has_none() {
    let there = |path: &str| available(Path::new(path).exists(), path);
    if !available(is_root(), "root") || !there("/usr/sbin/mariadbd") || !there("/usr/sbin/cibadmin")
    {
        return;
    }
    let sound = on_a_node(":");
    let told = object(&sound);
    let found = (&told["server"], &told["findings"], &told["warnings"]);
    let nothing = Value::Array(Vec::new());
    assert_eq!(found, (&true.into(), &nothing, &nothing));
    assert_eq!(sound.code, Some(0), "{}", sound.stderr);
    for (fault, code, words) in FAULTS {
        let answer = on_a_node(fault);
        let told = object(&answer);
        let findings = told["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{fault}: {}", answer.stdout);
        let text = findings[0]["text"].as_str().unwrap();
        assert!(text.contains(words), "{fault}: {text}");
        assert_eq!(answer.code, Some(code), "{fault}: {text}");
    }
}

/// What is done to a node, the exit code, and how it is told.
const FAULTS: [(&str, i32, &str); 11] = [
    (
        "echo innodb_flush_log_at_trx_commit=0 >>my.cnf",
        4,
        "innodb_flush_log_at_trx_commit is 0",
    ),
    (
        "echo innodb_flush_log_at_trx_commit=2 >>my.cnf",
        3,
        "innodb_flush_log_at_trx_commit is 2",
    ),
    (
        "chmod 755 .; mariadb-install-db --no-defaults --datadir=$1/data --user=mysql >/dev/null; echo nonsense=1 >>my.cnf",
        4,
        "mariadbd: unknown variable 'nonsense=1'",
    ),
    (
        "mount --bind /dev/null /usr/bin/rsync",
        4,
        "wsrep_sst_method=rsync needs rsync,",
    ),
    (
        "echo wsrep_sst_method=pigeon >>my.cnf",
        4,
        "wsrep_sst_method=pigeon needs wsrep_sst_pigeon,",
    ),
    (
        "mkdir -p /etc/systemd/system/a.wants; ln -s /x /etc/systemd/system/a.wants/mariadb.service",
        4,
        "systemd starts the server too",
    ),
    (
        "echo wsrep_sst_auth=sst:secret >>my.cnf",
        3,
        "my.cnf holds a password",
    ),
    (
        "mkdir -p /etc/default; echo MYSQL_PASSWORD=secret >/etc/default/clustercheck",
        3,
        "/etc/default/clustercheck holds a password",
    ),
    (
        "echo wsrep_provider=/missing.so >>my.cnf",
        4,
        "wsrep_provider /missing.so does not exist",
    ),
    (
        "echo '!include /missing.cnf' >>my.cnf",
        3,
        "/missing.cnf cannot be read",
    ),
    ("rm my.cnf", 4, "my.cnf"),
];
