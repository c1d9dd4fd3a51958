//! Nodes: as configured, and as the status section tells.

use super::attributes::Attributes;
use super::draft::{Catalog, Draft};
use super::error::CibError;
use super::read::{Element, Text, Xml};

/// What kind of node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// Runs the cluster stack.
    Member,
    /// Runs `pacemaker_remote` only.
    Remote,
    /// A bundle's container or a virtual machine, run by a resource.
    Guest,
}

/// What the status section says of a node, before it is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// `in_ccm`: corosync sees it. `false`, `true`, or since when (seconds of the epoch; 0 is false).
    pub in_ccm: Option<Text>,
    /// `crmd`: its controller answers. `offline`, `online`, or since when.
    pub crmd: Option<Text>,
    /// `join`: how far it is in joining. `down`, `pending`, `banned`, `member`.
    pub join: Option<Text>,
    /// `expected`: what the cluster expects `join` to be.
    pub expected: Option<Text>,
    /// `remote_node`: this is a remote or guest node.
    pub remote: bool,
    /// `node_fenced`: a remote node that was fenced.
    pub fenced: bool,
    /// `node_in_maintenance`: a remote node that entered maintenance.
    pub in_maintenance: bool,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The number corosync knows it by; of a remote or guest node its name.
    pub id: Text,
    /// Its name.
    pub uname: Text,
    /// What kind.
    pub kind: NodeKind,
    /// Attributes that outlive a restart of the cluster.
    pub permanent: Attributes,
    /// Attributes that go with the node's membership, promotion scores and fail counts among them.
    pub transient: Attributes,
    /// What the status section says; `None` when the node has never been seen.
    pub membership: Option<Membership>,
    pub(super) standing: Standing,
}

/// How the cluster judges a node. See `standing.rs`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub online: bool,
    pub pending: bool,
    pub unclean: bool,
    pub standby: bool,
    pub maintenance: bool,
    pub shutdown: bool,
    pub expected_up: bool,
    pub may_run: bool,
}

impl Node {
    /// A full member that may run resources, unless it is in standby.
    pub fn online(&self) -> bool {
        self.standing.online
    }

    /// In the middle of joining.
    pub fn pending(&self) -> bool {
        self.standing.pending
    }

    /// Its state is unknown or bad: where fencing is on, it has to be fenced and has not been yet.
    pub fn unclean(&self) -> bool {
        self.standing.unclean
    }

    /// May not run resources.
    pub fn standby(&self) -> bool {
        self.standing.standby
    }

    /// Its resources are not managed: by its own attribute or for the whole cluster.
    pub fn maintenance(&self) -> bool {
        self.standing.maintenance
    }

    /// It asked to leave the cluster.
    pub fn shutdown_requested(&self) -> bool {
        self.standing.shutdown
    }

    /// The cluster expects it to be a member.
    pub fn expected_up(&self) -> bool {
        self.standing.expected_up
    }

    /// What its history tells as running may run there now. False once the node is cleanly away, or known to have been fenced.
    pub fn may_run(&self) -> bool {
        self.standing.may_run || self.standing.unclean
    }

    /// An attribute as resources see it: a transient one hides a permanent one.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.transient
            .get(name)
            .or_else(|| self.permanent.get(name))
    }
}

/// A `node` as read.
#[derive(Debug)]
pub(super) struct NodeDraft {
    pub id: Text,
    pub uname: Text,
    pub kind: NodeKind,
    pub attributes: Draft,
}

/// Reads a `node` of the configuration.
pub(super) fn read_node(
    xml: &mut Xml<'_>,
    node: &Element<'_>,
    catalog: &mut Catalog,
) -> Result<NodeDraft, CibError> {
    let kind = match node.get("type") {
        Some("remote") => NodeKind::Remote,
        // Also `member`, `normal`, `ping` and whatever comes.
        Some(_) | None => NodeKind::Member,
    };
    let id = xml.need(node, "id")?;
    let uname = xml.get(node, "uname").unwrap_or_else(|| id.clone());
    if !catalog.claim_node(&uname) {
        return Err(xml.duplicate(node, &uname));
    }
    let mut read = NodeDraft {
        id,
        uname,
        kind,
        attributes: Draft::default(),
    };
    while let Some(child) = xml.child()? {
        match child.name {
            "instance_attributes" => read.attributes.read(xml, &child, catalog)?,
            _ => xml.skip()?,
        }
    }
    Ok(read)
}

/// Reads what a `node_state` itself says.
pub(super) fn read_membership(xml: &mut Xml<'_>, state: &Element<'_>) -> Membership {
    Membership {
        in_ccm: xml.get(state, "in_ccm"),
        crmd: xml.get(state, "crmd"),
        join: xml.get(state, "join"),
        expected: xml.get(state, "expected"),
        remote: state.get("remote_node").is_some_and(is_true),
        fenced: state.get("node_fenced").is_some_and(is_set),
        in_maintenance: state.get("node_in_maintenance").is_some_and(is_set),
    }
}

/// What Pacemaker takes for yes.
pub fn is_true(text: &str) -> bool {
    ["true", "on", "yes", "y", "1"]
        .iter()
        .any(|yes| text.eq_ignore_ascii_case(yes))
}

/// A flag that older versions write as a truth value and newer ones as a time, 0 being never.
fn is_set(text: &str) -> bool {
    is_true(text) || text.parse::<i64>().is_ok_and(|time| time > 0)
}
