//! Whether the cluster runs something of ours on a node: whoever removes the programs asks first.

use std::fmt;

use serde::Serialize;

use super::error::Error;
use super::scene;
use crate::cib::{Cib, Node, Role};
use crate::sys::by_resource::PROVIDER;
use crate::sys::cluster;

/// What needs the programs of this node.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct InUse {
    /// This node.
    pub node: String,
    /// Resources that run here and that the cluster manages.
    pub resources: Vec<String>,
}

/// Asks the cluster about this node.
///
/// # Errors
/// When there is no cluster here.
pub(super) fn look() -> Result<InUse, Error> {
    let cib = scene::running()?;
    Ok(on(&cib, &cluster::node_name()?))
}

/// In maintenance nobody monitors: what runs goes on without the programs.
fn on(cib: &Cib, node: &str) -> InUse {
    let left_alone = cib.node(node).is_some_and(Node::maintenance);
    let ours = cib.resources().filter(|resource| {
        let agent = resource.agent();
        agent.is_some_and(|agent| agent.provider.as_deref() == Some(PROVIDER))
    });
    let needed = ours.filter(|resource| {
        let runs = cib.role(&resource.id, node) > Role::Stopped;
        runs && cib.managed(&resource.id) && !left_alone
    });
    InUse {
        node: node.to_owned(),
        resources: needed.map(|resource| resource.id.to_string()).collect(),
    }
}

impl fmt::Display for InUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, resources } = self;
        if resources.is_empty() {
            return write!(f, "the cluster runs no resource of these agents on {node}");
        }
        write!(
            f,
            "the cluster runs {} on {node}; without the agents it could not tell whether they are well, nor stop them. \
             First: crm node standby {node}; or, to let them run on unattended: crm node maintenance {node}",
            resources.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_here_and_is_managed_needs_the_programs() {
        let text = |name: &str| {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cluster");
            std::fs::read_to_string(format!("{folder}/{name}.xml")).unwrap()
        };
        let cib = |text: &str| Cib::parse(text.as_bytes()).unwrap();
        let member = text("member");
        assert_eq!(on(&cib(&member), "node1").resources, ["db"]);
        let said = on(&cib(&member), "node1").to_string();
        assert!(said.contains("crm node standby node1"), "{said}");
        assert_eq!(on(&cib(&member), "nobody").resources, [""; 0]);
        let (before, after) = member.split_once("<crm_config>").unwrap();
        let maintained = format!(
            "{before}<crm_config><cluster_property_set id=\"cib-bootstrap-options-0\" score=\"2\"><nvpair id=\"mm\" \
             name=\"maintenance-mode\" value=\"true\"/></cluster_property_set>{after}"
        );
        assert_eq!(on(&cib(&maintained), "node1").resources, [""; 0]);
    }
}
