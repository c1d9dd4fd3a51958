//! The same CIBs, read by `crm_mon`: it has to see the same nodes, roles and failures.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::Path;

use galera_rs::cib::{Cib, Node, NodeKind, Role};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::fixtures;

/// What is known of the cluster, in words that can be compared.
#[derive(Debug, Default, PartialEq, Eq)]
struct View {
    /// Flags by node.
    nodes: BTreeMap<String, String>,
    /// Role and failure, by resource instance and node.
    resources: BTreeMap<(String, String), String>,
    /// The agent's answer, by operation key and node.
    failures: BTreeMap<(String, String), String>,
}

impl View {
    fn without_failing(mut self) -> Self {
        for role in self.resources.values_mut() {
            *role = role.trim_end_matches(" failed").to_owned();
        }
        self
    }
}

/// It runs there, in a role that crm_mon does not print.
const UNTOLD: &str = "untold";

#[test]
fn nodes_roles_and_failures_are_those_that_crm_mon_sees() {
    let mut compared = 0;
    let mut differences = Vec::new();
    for (name, path) in fixtures::all() {
        let Some(theirs) = crm_mon(&path) else { return };
        let ours = ours(&fixtures::cib(&name));
        // Pacemaker passes failures on between a guest node, its connection and its container.
        let (ours, theirs) = match name.starts_with("remote-") {
            true => (ours.without_failing(), theirs.without_failing()),
            false => (ours, theirs),
        };
        differences.extend(compare(&name, &ours.nodes, &theirs.nodes));
        differences.extend(compare(&name, &ours.resources, &theirs.resources));
        differences.extend(compare(&name, &ours.failures, &theirs.failures));
        compared += theirs.nodes.len() + theirs.resources.len() + theirs.failures.len();
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(compared > 500, "only {compared} facts compared");
}

fn compare<K: Ord + Debug>(
    fixture: &str,
    ours: &BTreeMap<K, String>,
    theirs: &BTreeMap<K, String>,
) -> Vec<String> {
    let keys: BTreeSet<&K> = ours.keys().chain(theirs.keys()).collect();
    let untold =
        |key: &K| ours.contains_key(key) && theirs.get(key).is_some_and(|role| role == UNTOLD);
    let differ = keys
        .into_iter()
        .filter(|key| ours.get(key) != theirs.get(key) && !untold(key));
    differ
        .map(|key| {
            format!(
                "{fixture} {key:?}\n  ours:    {:?}\n  crm_mon: {:?}",
                ours.get(key),
                theirs.get(key)
            )
        })
        .collect()
}

fn ours(cib: &Cib) -> View {
    let mut view = View::default();
    for node in cib.nodes() {
        let flags = [
            ("online", node.online()),
            ("standby", node.standby()),
            // crm_mon has a line of its own for the whole cluster.
            ("maintenance", node.maintenance() && !cib.maintenance_mode()),
            ("pending", node.pending()),
            ("unclean", node.unclean()),
            ("shutdown", node.shutdown_requested()),
            ("expected_up", node.expected_up()),
            ("is_dc", cib.dc() == Some(node)),
        ];
        let set: Vec<_> = flags
            .iter()
            .filter(|(_, set)| *set)
            .map(|(name, _)| *name)
            .collect();
        let kind = if node.kind == NodeKind::Member {
            "member"
        } else {
            "remote"
        };
        view.nodes
            .insert(node.uname.to_string(), format!("{kind} {}", set.join(" ")));
    }
    for history in cib.all_histories() {
        let counts = cib.node(&history.node).is_some_and(Node::may_run);
        if counts && history.role() > Role::Stopped {
            let failing = if history.failing() { " failed" } else { "" };
            let key = (history.instance.to_string(), history.node.to_string());
            view.resources
                .insert(key, format!("{:?}{failing}", history.role()));
        }
        for failure in cib.failures(&history.resource) {
            let record = failure.record;
            let key = format!(
                "{}_{}_{}",
                failure.instance,
                record.operation,
                record.interval.as_millis()
            );
            view.failures
                .insert((key, failure.node.to_string()), record.rc.to_string());
        }
    }
    view
}

fn crm_mon(path: &Path) -> Option<View> {
    let mut command = fixtures::program("crm_mon")?;
    command
        .args(["--one-shot", "--inactive", "--output-as=xml"])
        .env("CIB_file", path);
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "crm_mon {}: {output:?}",
        path.display()
    );
    let text = String::from_utf8(output.stdout).unwrap();
    Some(read_crm_mon(&text))
}

fn read_crm_mon(text: &str) -> View {
    let mut view = View::default();
    let mut reader = Reader::from_str(text);
    let mut resource: Option<(String, String)> = None;
    loop {
        let (tag, empty) = match reader.read_event().unwrap() {
            Event::Start(tag) => (tag, false),
            Event::Empty(tag) => (tag, true),
            Event::End(tag) if tag.name().0 == "resource" => {
                resource = None;
                continue;
            }
            Event::Eof => return view,
            _ => continue,
        };
        let get = |name: &str| attribute(&tag, name);
        match tag.name().0 {
            "node" if !get("online").is_empty() => {
                view.nodes.insert(get("name"), node_flags(&tag));
            }
            "resource" if !empty && !get("nodes_running_on").is_empty() => {
                let failed = if get("failed") == "true" {
                    " failed"
                } else {
                    ""
                };
                // On several nodes at once there is one role for all, and during an operation its name stands for the role.
                let told = get("nodes_running_on") == "1" && !get("role").ends_with("ing");
                let role = if told {
                    get("role") + failed
                } else {
                    UNTOLD.to_owned()
                };
                resource = Some((get("id"), role));
            }
            "node" => {
                view.resources
                    .extend(resource.clone().map(|(id, role)| ((id, get("name")), role)));
            }
            // Degraded resources are listed there too, for information.
            "failure"
                if !get("op_key").is_empty() && !["190", "191"].contains(&&*get("exitcode")) =>
            {
                view.failures
                    .insert((get("op_key"), get("node")), get("exitcode"));
            }
            _ => {}
        }
    }
}

fn node_flags(tag: &BytesStart<'_>) -> String {
    let names = [
        "online",
        "standby",
        "maintenance",
        "pending",
        "unclean",
        "shutdown",
        "expected_up",
        "is_dc",
    ];
    let set: Vec<_> = names
        .into_iter()
        .filter(|name| attribute(tag, name) == "true")
        .collect();
    format!("{} {}", attribute(tag, "type"), set.join(" "))
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> String {
    let found = tag.try_get_attribute(name).unwrap();
    found
        .map(|attribute| attribute.value.into_owned())
        .unwrap_or_default()
}
