//! The meta-data.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::{AGENT, MAXSCALE, VIP, available, bare, copy_program, is_root, run};

/// Every agent and its reviewed description.
const AGENTS: [(&str, &str); 3] = [
    (
        AGENT,
        concat!(env!("CARGO_MANIFEST_DIR"), "/ocf/galera-rs.xml"),
    ),
    (VIP, concat!(env!("CARGO_MANIFEST_DIR"), "/ocf/vip-rs.xml")),
    (
        MAXSCALE,
        concat!(env!("CARGO_MANIFEST_DIR"), "/ocf/maxscale-rs.xml"),
    ),
];

/// The view for whoever states OCF 1.1.
fn described(agent: &str) -> String {
    let answer = run(bare(agent)
        .env("OCF_RA_VERSION_MAJOR", "1")
        .arg("meta-data"));
    assert_eq!((answer.code, &*answer.stderr), (Some(0), ""));
    answer.stdout
}

#[test]
fn it_is_told_with_an_empty_environment() {
    for (agent, _) in AGENTS {
        let answer = run(bare(agent).arg("meta-data"));
        assert_eq!((answer.code, &*answer.stderr), (Some(0), ""));
        let name = Path::new(agent).file_name().unwrap().to_str().unwrap();
        let head = format!("<resource-agent name=\"{name}\"");
        assert!(answer.stdout.contains(&head), "{}", answer.stdout);
    }
}

/// A configuration that was written for the peer works when the agent's name is changed.
#[test]
fn every_parameter_of_the_agent_that_it_replaces_is_one_of_ours() {
    let peer = "/usr/lib/ocf/resource.d/heartbeat/galera";
    if !available(Path::new(peer).exists(), "resource-agents") {
        return;
    }
    let names = |text: &str| -> Vec<String> {
        let named = text.split("<parameter name=\"").skip(1);
        named
            .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
            .collect()
    };
    let told = run(bare(peer).env("OCF_ROOT", "/usr/lib/ocf").arg("meta-data"));
    let (theirs, ours) = (names(&told.stdout), names(&described(AGENT)));
    assert!(theirs.len() > 10, "{}", told.stdout);
    for name in theirs {
        assert!(ours.contains(&name), "no parameter {name}");
    }
}

#[test]
fn it_is_told_to_nobody() {
    if !available(is_root(), "root") {
        return;
    }
    let folder = tempfile::Builder::new()
        .prefix("galera-rs")
        .tempdir_in("/tmp")
        .unwrap();
    let copy = folder.path().join("galera-rs");
    copy_program(AGENT, &copy);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let answer = run(bare("/usr/bin/setpriv")
        .args(nobody)
        .arg(&copy)
        .arg("meta-data"));
    assert_eq!((answer.code, &*answer.stderr), (Some(0), ""));
}

#[test]
fn it_follows_the_official_schema_and_that_of_pcs() {
    let official = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/ocf/ra-api-1.1.rng"
    );
    for schema in [official, "/usr/share/pcs/data/ocf-1.1.rng"] {
        let there = |path: &str| available(Path::new(path).exists(), path);
        for (agent, _) in AGENTS {
            if there("/usr/bin/xmllint") && there(schema) {
                let mut lint = bare("/usr/bin/xmllint");
                lint.args(["--noout", "--nonet", "--relaxng", schema, "-"]);
                lint.write_stdin(described(agent)).assert().success();
            }
        }
    }
}

/// Two monitors of one interval are one to Pacemaker, whatever their roles and levels.
#[test]
fn advertised_monitors_have_intervals_of_their_own() {
    for (agent, _) in AGENTS {
        let described = described(agent);
        let monitors = described
            .lines()
            .filter(|line| line.contains("<action name=\"monitor\""));
        let intervals: Vec<_> = monitors
            .map(|line| line.split("interval=\"").nth(1).unwrap().split('"').next())
            .collect();
        let different: std::collections::BTreeSet<_> = intervals.iter().collect();
        assert!(
            intervals.len() >= 2 && different.len() == intervals.len(),
            "{intervals:?}"
        );
    }
}

/// A changed default, name or text is to be seen in review. `UPDATE_GOLDEN=1` rewrites the file.
#[test]
fn it_is_what_was_reviewed() {
    for (agent, golden) in AGENTS {
        let described = described(agent);
        if std::env::var("UPDATE_GOLDEN").is_ok_and(|value| value == "1") {
            fs::write(golden, &described).unwrap();
        }
        let reviewed = fs::read_to_string(golden).unwrap_or_default();
        assert!(
            reviewed == described,
            "{golden} is old: run with UPDATE_GOLDEN=1 and review\n{described}"
        );
    }
}
