//! What the nodes of one cluster should have in common: the history of their data, the cluster's name, the server's version.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::super::scene::Scene;
use super::{Finding, Severity};
use crate::galera::make::{Make, series};
use crate::galera::published::Published;

pub(super) fn findings(scene: &Scene) -> Vec<Finding> {
    let found = [histories(scene), names(scene), versions(scene)];
    found.into_iter().flatten().collect()
}

fn histories(scene: &Scene) -> Option<Finding> {
    let epoch = &scene.ballot().epoch;
    let differing = differing(scene, |one| one.phase.history(epoch))?;
    Some(Finding::new(
        Severity::Danger,
        &*scene.resource,
        format!("the nodes hold different histories: {differing}"),
        "they were one cluster each: whoever joins the other loses what only its own history holds",
        "find out which one clients wrote to; then, for the others: galeractl explain",
    ))
}

fn names(scene: &Scene) -> Option<Finding> {
    let differing = differing(scene, |one| Some(&one.make.as_ref()?.group))?;
    Some(Finding::new(
        Severity::Danger,
        &*scene.resource,
        format!("wsrep_cluster_name differs: {differing}"),
        "a group refuses a server that has another name for it: it cannot join when it is started next",
        "write the same name into the option files of every node",
    ))
}

/// Another series is worth more than another release of the same.
fn versions(scene: &Scene) -> Option<Finding> {
    let version = |make: &Make| make.version.clone();
    let releases = differing(scene, |one| version(one.make.as_ref()?))?;
    let several = differing(scene, |one| series(&version(one.make.as_ref()?)?)).is_some();
    let (severity, reason) = match several {
        true => (
            Severity::Warning,
            "one series beside the next is for the time of an upgrade: a server may not understand the copy that a newer one \
             sends, and new features break the replication to the older",
        ),
        false => (
            Severity::Hint,
            "an upgrade is not done everywhere: the nodes do not have the same defects",
        ),
    };
    Some(Finding::new(
        severity,
        &*scene.resource,
        format!("the servers are of different versions: {releases}"),
        reason,
        "go on with the upgrade, node by node, until all are alike",
    ))
}

/// Which nodes have what, if they do not all have the same. Who has not said it does not count.
fn differing<'a, T: Ord + Display>(
    scene: &'a Scene,
    what: impl Fn(&'a Published) -> Option<T>,
) -> Option<String> {
    let mut nodes: BTreeMap<T, BTreeSet<&str>> = BTreeMap::new();
    for (node, one) in &scene.outlook.published {
        if let Some(value) = what(one) {
            nodes.entry(value).or_default().insert(node);
        }
    }
    let each = nodes.iter().map(|(value, nodes)| {
        let names: Vec<_> = nodes.iter().copied().collect();
        format!("{value} on {}", names.join(", "))
    });
    (nodes.len() > 1).then(|| each.collect::<Vec<_>>().join("; "))
}
