//! The cluster's CIB as a typed snapshot: the output of one `cibadmin --query`, read in one pass.
//!
//! Pure: no file, no program. Whatever a newer Pacemaker adds is passed over; what is missing is absent, not an error.

mod attributes;
mod bundle;
mod constraint;
mod draft;
mod effective;
mod error;
mod failure;
mod header;
mod history;
mod node;
mod operation;
mod parse;
mod read;
mod remote;
mod resolve;
mod resource;
mod role;
mod score;
mod standing;
mod wellformed;

use std::collections::BTreeMap;

pub use attributes::{AttributeSet, Attributes, Pair};
pub use bundle::{Bundle, Plain};
pub use constraint::{Constraint, ConstraintKind, Constraints, ResourceSet, Rule};
pub use error::{CibError, Place};
pub use failure::{FailCount, Failure};
pub use header::Header;
pub(crate) use history::without_number;
pub use history::{History, OpRecord, OpStatus};
pub use node::{Membership, Node, NodeKind, is_true};
pub use operation::{Operation, read_duration};
pub use read::{MAX_ATTRIBUTES, MAX_BYTES, MAX_DEPTH, Text};
pub use resource::{Agent, Kind, Resource};
pub use role::Role;
pub use score::Score;

/// One state of the cluster: what is configured and what is known to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cib {
    /// What stands in the `cib` element itself.
    pub header: Header,
    options: Attributes,
    rsc_defaults: Attributes,
    op_defaults: Attributes,
    /// By name.
    nodes: BTreeMap<Text, Node>,
    /// Name by id.
    node_ids: BTreeMap<Text, Text>,
    resources: BTreeMap<Text, Resource>,
    templates: BTreeMap<Text, Resource>,
    constraints: Constraints,
    tags: BTreeMap<Text, Vec<Text>>,
    /// By resource without instance number, then by node.
    history: BTreeMap<Text, BTreeMap<Text, Vec<History>>>,
    /// By node, then by resource without instance number.
    fail_counts: BTreeMap<Text, BTreeMap<Text, Vec<FailCount>>>,
}

impl Cib {
    /// Reads the output of `cibadmin --query`.
    pub fn parse(input: &[u8]) -> Result<Self, CibError> {
        parse::parse(input)
    }

    /// The cluster's options: every `cluster_property_set`, `cib-bootstrap-options` being the strongest.
    pub fn options(&self) -> &Attributes {
        &self.options
    }

    /// The value of a cluster option, if it is set.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name)
    }

    /// Meta attributes for every resource.
    pub fn rsc_defaults(&self) -> &Attributes {
        &self.rsc_defaults
    }

    /// Meta attributes for every operation.
    pub fn op_defaults(&self) -> &Attributes {
        &self.op_defaults
    }

    /// Does the cluster fence? It does unless told not to.
    pub fn fencing_enabled(&self) -> bool {
        let option = self
            .option("stonith-enabled")
            .or_else(|| self.option("fencing-enabled"));
        option.is_none_or(node::is_true)
    }

    /// Is there a resource that can fence?
    pub fn has_fencing_resource(&self) -> bool {
        let mut agents = self.resources.values().filter_map(Resource::agent);
        agents.any(|agent| &*agent.class == "stonith")
    }

    /// Does a lost node's own watchdog end it, with no resource for that? Pacemaker then counts so long and takes it for fenced
    /// (Pacemaker Administration, `stonith-watchdog-timeout`; negative: twice the time of SBD's watchdog).
    pub fn fences_by_watchdog(&self) -> bool {
        let time = self
            .option("stonith-watchdog-timeout")
            .or_else(|| self.option("fencing-watchdog-timeout"));
        let counts = |time: &str| {
            time.trim().starts_with('-') || read_duration(time).is_some_and(|time| !time.is_zero())
        };
        self.option("have-watchdog").is_some_and(node::is_true) && time.is_some_and(counts)
    }

    /// The cluster is told to leave all resources alone.
    pub fn maintenance_mode(&self) -> bool {
        self.option("maintenance-mode").is_some_and(node::is_true)
    }

    /// All nodes, by name.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// The node of this name.
    pub fn node(&self, uname: &str) -> Option<&Node> {
        self.nodes.get(uname)
    }

    /// The node of this id.
    pub fn node_by_id(&self, id: &str) -> Option<&Node> {
        self.nodes.get(self.node_ids.get(id)?)
    }

    /// The node that decides for the cluster, if one is elected and known.
    pub fn dc(&self) -> Option<&Node> {
        self.node_by_id(self.header.dc_uuid.as_deref()?)
    }

    /// All resources, by id, templates not among them.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.resources.values()
    }

    /// The resource of this id.
    pub fn resource(&self, id: &str) -> Option<&Resource> {
        self.resources.get(id)
    }

    /// The template of this id.
    pub fn template(&self, id: &str) -> Option<&Resource> {
        self.templates.get(id)
    }

    /// All constraints.
    pub fn constraints(&self) -> &Constraints {
        &self.constraints
    }

    /// The ids under a tag.
    pub fn tag(&self, id: &str) -> Option<&[Text]> {
        self.tags.get(id).map(Vec::as_slice)
    }

    /// The histories of a resource on a node: more than one only for a globally unique clone.
    pub fn history(&self, resource: &str, node: &str) -> &[History] {
        let nodes = self.history.get(without_number(resource));
        nodes
            .and_then(|nodes| nodes.get(node))
            .map_or(&[], Vec::as_slice)
    }

    /// The histories of a resource on all nodes.
    pub fn histories(&self, resource: &str) -> impl Iterator<Item = &History> {
        let nodes = self.history.get(without_number(resource));
        nodes.into_iter().flat_map(|nodes| nodes.values().flatten())
    }

    /// All histories, by resource and node; also those of resources that are no longer configured or that bundles bring.
    pub fn all_histories(&self) -> impl Iterator<Item = &History> {
        self.history
            .values()
            .flat_map(|nodes| nodes.values().flatten())
    }

    /// What a resource is on a node: of several instances, the highest.
    ///
    /// On a node that is cleanly away nothing runs; on one that is unclean, what its history says may still run.
    pub fn role(&self, resource: &str, node: &str) -> Role {
        let roles = self.history(resource, node).iter().map(History::role);
        let role = roles.max().unwrap_or(Role::Unknown);
        match self.node(node) {
            Some(node) if node.may_run() => role,
            Some(_) | None => role.min(Role::Stopped),
        }
    }

    /// The operations of a resource that failed and are still on record. That an unmanaged resource stopped is no failure.
    pub fn failures(&self, resource: &str) -> impl Iterator<Item = Failure<'_>> {
        let managed = self.managed(without_number(resource));
        self.histories(resource).flat_map(move |history| {
            let records = history.operations.iter();
            let failed = records
                .filter(move |record| record.failed_as(managed) && !record.is_masked_probe());
            failed.map(|record| Failure {
                node: &history.node,
                instance: &history.instance,
                record,
            })
        })
    }

    /// How often operations of a resource failed on a node, one by one.
    pub fn fail_counts(&self, resource: &str, node: &str) -> &[FailCount] {
        let resources = self.fail_counts.get(node);
        let counts = resources.and_then(|resources| resources.get(without_number(resource)));
        counts.map_or(&[], Vec::as_slice)
    }

    /// The same, all added up.
    pub fn fail_count(&self, resource: &str, node: &str) -> Score {
        let counts = self.fail_counts(resource, node).iter();
        Score::new(counts.map(|count| i64::from(count.count.points())).sum())
    }

    /// The score with which a node asks to promote a resource.
    pub fn promotion_score(&self, resource: &str, node: &str) -> Option<Score> {
        let attribute = format!("master-{}", without_number(resource));
        self.node(node)?.attribute(&attribute).map(Score::read)
    }
}
