//! Nodes whose data are not of one history: one of them will lose its own.

use std::collections::{BTreeMap, BTreeSet};

use super::super::scene::Scene;
use super::{Finding, Severity};
use crate::galera::position::History;

pub(super) fn findings(scene: &Scene) -> Vec<Finding> {
    let mut nodes: BTreeMap<History, BTreeSet<&str>> = BTreeMap::new();
    for (node, one) in &scene.outlook.published {
        if let Some(history) = one.phase.history(&scene.ballot().epoch) {
            nodes.entry(history).or_default().insert(node);
        }
    }
    if nodes.len() < 2 {
        return Vec::new();
    }
    let each = nodes.iter().map(|(history, nodes)| {
        let names: Vec<_> = nodes.iter().copied().collect();
        format!("{history} on {}", names.join(", "))
    });
    vec![Finding::new(
        Severity::Danger,
        &*scene.resource,
        format!(
            "the nodes hold different histories: {}",
            each.collect::<Vec<_>>().join("; ")
        ),
        "they were one cluster each: whoever joins the other loses what only its own history holds",
        "find out which one clients wrote to; then, for the others: galeractl explain",
    )]
}
