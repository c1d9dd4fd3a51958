//! From what was read to the snapshot: what refers to something else, and what follows from several parts.

use std::collections::BTreeMap;

use super::attributes::Attributes;
use super::draft::Catalog;
use super::history::{History, OpRecord};
use super::node::{Node, NodeDraft, NodeKind, Standing, is_true};
use super::parse::State;
use super::read::Text;
use super::resource::{Resource, ResourceDraft};
use super::role::{self, OnFail, Role, Setting};
use super::standing::Rules;
use super::{Cib, failure, remote, standing};

/// Sets and operations that primitives may take over from templates, all in all. Each reference costs its template's size, so
/// that a small hostile CIB could ask for any amount of memory.
const MAX_INHERITED: usize = 1 << 20;

/// The resources by id.
pub(super) fn by_id(drafts: Vec<ResourceDraft>, catalog: &Catalog) -> BTreeMap<Text, Resource> {
    drafts
        .into_iter()
        .map(|draft| (draft.id().clone(), draft.resolve(catalog)))
        .collect()
}

/// Gives the resources what their templates say; false when that is more than any real CIB has.
pub(super) fn apply_templates(cib: &mut Cib) -> bool {
    let mut inherited = 0;
    for resource in cib.resources.values_mut() {
        let template = resource
            .template
            .as_ref()
            .and_then(|id| cib.templates.get(id));
        if let Some(template) = template {
            inherited += template.weight();
            if inherited > MAX_INHERITED {
                return false;
            }
            resource.inherit(template);
        }
    }
    true
}

/// Adds the nodes: those configured and those that resources bring, with what is known of them. What is known of others is
/// left over from nodes that were removed: the cluster ignores it, and so does this.
pub(super) fn add_nodes(
    cib: &mut Cib,
    nodes: Vec<NodeDraft>,
    states: Vec<State>,
    catalog: &Catalog,
) {
    for draft in nodes {
        let mut node = new_node(&draft.id, &draft.uname, draft.kind);
        node.permanent = draft.attributes.resolve(catalog);
        cib.node_ids.insert(node.id.clone(), node.uname.clone());
        cib.nodes.insert(node.uname.clone(), node);
    }
    for (uname, kind) in remote::implied_nodes(cib) {
        cib.node_ids
            .entry(uname.clone())
            .or_insert_with(|| uname.clone());
        let node = cib
            .nodes
            .entry(uname)
            .or_insert_with_key(|uname| new_node(uname, uname, kind));
        node.kind = kind;
    }
    for state in states {
        let uname = cib.node_ids.get(&state.id).unwrap_or(&state.uname);
        if let Some(node) = cib.nodes.get_mut(uname) {
            node.transient = state.transient.resolve(catalog);
            node.membership = Some(state.membership);
        }
    }
}

fn new_node(id: &Text, uname: &Text, kind: NodeKind) -> Node {
    Node {
        id: id.clone(),
        uname: uname.clone(),
        kind,
        permanent: Attributes::default(),
        transient: Attributes::default(),
        membership: None,
        standing: Standing::default(),
    }
}

/// Reads the roles out of the histories, and judges the nodes.
pub(super) fn judge(cib: &mut Cib, histories: Vec<History>) {
    judge_members(cib);
    let mut fenced_for = Vec::new();
    for mut history in histories {
        fenced_for.extend(read_role(cib, &mut history).then(|| history.node.clone()));
        let nodes = cib.history.entry(history.resource.clone()).or_default();
        nodes.entry(history.node.clone()).or_default().push(history);
    }
    judge_remotes(cib);
    for uname in fenced_for {
        if let Some(node) = cib
            .nodes
            .get_mut(&uname)
            .filter(|node| node.kind != NodeKind::Guest)
        {
            node.standing.unclean = true;
        }
    }
    let counts = cib
        .nodes
        .iter()
        .map(|(uname, node)| (uname.clone(), failure::fail_counts(node)));
    cib.fail_counts = counts.filter(|(_, counts)| !counts.is_empty()).collect();
}

fn judge_members(cib: &mut Cib) {
    let timeout = cib
        .option("node-pending-timeout")
        .and_then(super::read_duration);
    let rules = Rules {
        fencing: cib.fencing_enabled(),
        startup_fencing: startup_fencing(cib),
        maintenance: cib.maintenance_mode(),
        now: cib.header.execution_date,
        pending_seconds: timeout
            .and_then(|time| i64::try_from(time.as_secs()).ok())
            .unwrap_or(0),
    };
    for node in cib
        .nodes
        .values_mut()
        .filter(|node| node.kind == NodeKind::Member)
    {
        node.standing = standing::judge(node, rules);
    }
}

fn judge_remotes(cib: &mut Cib) {
    let unseen_is_unclean = cib.fencing_enabled() && startup_fencing(cib);
    let remotes = cib
        .nodes
        .values()
        .filter(|node| node.kind != NodeKind::Member);
    let judged = remotes.map(|node| {
        (
            node.uname.clone(),
            remote::judge(cib, node, unseen_is_unclean),
        )
    });
    for (uname, standing) in judged.collect::<Vec<_>>() {
        if let Some(node) = cib.nodes.get_mut(&uname) {
            node.standing = standing;
        }
    }
}

fn startup_fencing(cib: &Cib) -> bool {
    cib.option("startup-fencing").is_none_or(is_true)
}

/// Reads the role out of a history; true when the node is to be fenced for it.
fn read_role(cib: &Cib, history: &mut History) -> bool {
    let resource = cib.resource(&history.resource);
    let setting = Setting {
        promotable: cib.promotable(&history.resource),
        managed: cib.managed(&history.resource),
        on_fail: |op: &OpRecord| on_fail(cib, resource, op),
    };
    let reading = role::read(&history.operations, &setting);
    history.role = reading.role;
    history.failing = reading.failing;
    let node = cib.nodes.get(&history.node);
    let away = node
        .is_some_and(|node| node.kind == NodeKind::Member && !node.online() && !node.maintenance());
    reading.fences
        || (away && setting.managed && reading.role > Role::Stopped && cib.fencing_enabled())
}

/// What the cluster does when `op` fails: as configured, else it fences (or, without fencing, blocks) for a failed stop.
fn on_fail(cib: &Cib, resource: Option<&Resource>, op: &OpRecord) -> OnFail {
    let configured =
        resource.and_then(|resource| resource.operation_every(&op.operation, op.interval));
    let own = configured.and_then(|operation| operation.on_fail.as_deref());
    match own.or_else(|| cib.op_defaults.get("on-fail")) {
        Some("ignore") => OnFail::Ignore,
        Some("block") => OnFail::Block,
        Some("fence") if cib.fencing_enabled() => OnFail::Fence,
        None if &*op.operation == "stop" && cib.fencing_enabled() => OnFail::Fence,
        None if &*op.operation == "stop" => OnFail::Block,
        Some(_) | None => OnFail::Recover,
    }
}
