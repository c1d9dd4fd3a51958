//! Remote and guest nodes: which there are, and whether they are online. Neither says so itself: it follows from the resource
//! that connects to them.

use super::Cib;
use super::history::History;
use super::node::{Node, NodeKind, Standing, is_true};
use super::read::Text;
use super::resource::Resource;
use super::role::Role;

/// The nodes that resources bring with them, by name.
pub(super) fn implied_nodes(cib: &Cib) -> Vec<(Text, NodeKind)> {
    let mut nodes = Vec::new();
    for resource in cib.resources.values() {
        if is_connection(resource) {
            nodes.push((resource.id.clone(), NodeKind::Remote));
        }
        if let Some(guest) = resource.meta.get("remote-node") {
            nodes.push((guest.into(), NodeKind::Guest));
        }
        if let Some(bundle) = resource.bundle().filter(|_| !resource.children.is_empty()) {
            let replicas = 0..bundle.replicas().min(MAX_REPLICAS);
            nodes.extend(
                replicas
                    .map(|number| (format!("{}-{number}", resource.id).into(), NodeKind::Guest)),
            );
        }
    }
    nodes
}

/// Containers of one bundle that are taken for nodes; a number in the CIB must not decide how much memory is used.
const MAX_REPLICAS: u32 = 1000;

fn is_connection(resource: &Resource) -> bool {
    let agent = resource.agent();
    agent.is_some_and(|agent| {
        agent.provider.as_deref() == Some("pacemaker") && &*agent.name == "remote"
    })
}

/// Judges a remote or guest node by its connection, once all roles are known.
pub(super) fn judge(cib: &Cib, node: &Node, unseen_is_unclean: bool) -> Standing {
    let yes = |name| node.attribute(name).is_some_and(is_true);
    let running = |history: &&History| history.role() > Role::Stopped && host_may_run(cib, history);
    let connection = cib.histories(&node.uname).find(running);
    let container = container_of(cib, node);
    let contained = container.is_none_or(|id| cib.histories(&id).any(|history| running(&history)));
    let connected = connection.is_some() && contained;
    Standing {
        online: connected
            && connection
                .is_some_and(|history| !history.failing() && !lost_with_host(cib, node, history)),
        unclean: unseen_is_unclean && node.kind == NodeKind::Remote && node.membership.is_none(),
        standby: yes("standby"),
        maintenance: cib.maintenance_mode() || yes("maintenance"),
        shutdown: node.attribute("shutdown").is_some_and(|time| time != "0"),
        may_run: connected,
        ..Standing::default()
    }
}

/// A guest goes down with its host; a remote node can be reached from another one.
fn lost_with_host(cib: &Cib, node: &Node, connection: &History) -> bool {
    let host = cib.nodes.get(&connection.node);
    node.kind == NodeKind::Guest && host.is_some_and(|host| !host.online() && host.unclean())
}

/// The resource inside which a guest node runs.
fn container_of(cib: &Cib, node: &Node) -> Option<Text> {
    let recorded = cib
        .histories(&node.uname)
        .find_map(|history| history.container.clone());
    recorded.filter(|_| node.kind == NodeKind::Guest)
}

fn host_may_run(cib: &Cib, history: &History) -> bool {
    cib.nodes.get(&history.node).is_some_and(Node::may_run)
}
