//! What the nodes publish in the CIB: one attribute for each node, one property set for the epoch.
//!
//! Every name is suffixed by the resource, so that several clusters can live on the same nodes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ballot::{Elector, Epoch, Report, Stand};
use super::gvwstate::SavedView;
use super::make::{self, Make};
use super::position::History;
use crate::cib::{Cib, Node};

/// The value of a node's attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Which elector this node is.
    pub elector: Elector,
    /// Everybody whom this node's configuration names.
    pub electors: Vec<Elector>,
    /// A server of this node that is gone, while there is no other in the component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead: Option<Dead>,
    /// What its server is; agents before this was told leave it out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "make::lenient"
    )]
    pub make: Option<Make>,
    /// What it is doing.
    #[serde(flatten)]
    pub phase: Phase,
}

/// A server that ended without leaving the group: the others wait for it until they know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dead {
    /// Its group communication UUID.
    pub server: Uuid,
    /// The last primary view that it was in.
    pub view: String,
}

impl Dead {
    /// The server that left this view behind.
    pub fn of(view: &SavedView) -> Self {
        Self {
            server: view.me,
            view: view.view.to_string(),
        }
    }
}

/// What a node is doing, with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "lowercase")]
pub enum Phase {
    /// Looking for its position.
    Recovering,
    /// Stopped, position known, ready to be elected.
    Reported {
        /// The report.
        report: Report,
    },
    /// Restoring the last primary component together with the others of that view.
    Restoring {
        /// The report it made before.
        report: Report,
    },
    /// Server running, looking for the primary component or receiving state.
    Joining,
    /// Epoch opened, server starting as the first of the component.
    Bootstrapping {
        /// The epoch.
        epoch: u64,
    },
    /// In the primary component.
    Member(Membership),
    /// Server running; it was a member and has lost the component.
    Apart {
        /// What it holds.
        report: Report,
        /// The servers of the other nodes, by node name, as long as they were known.
        known: BTreeMap<String, Uuid>,
    },
    /// Epoch opened by a server that is apart and makes the component anew.
    Reviving {
        /// The epoch.
        epoch: u64,
        /// This node is of that epoch, whatever comes: the others that are apart note it too.
        noted: bool,
        /// As of [`Phase::Apart`].
        known: BTreeMap<String, Uuid>,
    },
    /// Stopped by the cluster; the report stands until the node or the resource starts again.
    Stopped {
        /// What it left.
        report: Report,
    },
}

impl Phase {
    /// One word for people.
    pub fn word(&self) -> &'static str {
        match self {
            Phase::Recovering => "Recovering",
            Phase::Reported { .. } => "Reported",
            Phase::Restoring { .. } => "Restoring",
            Phase::Joining => "Joining",
            Phase::Bootstrapping { .. } => "Bootstrapping",
            Phase::Member(_) => "Member",
            Phase::Apart { .. } => "Apart",
            Phase::Reviving { .. } => "Reviving",
            Phase::Stopped { .. } => "Stopped",
        }
    }

    /// The word, with what the node has when it reports a position.
    pub fn told(&self) -> String {
        let report = self
            .report()
            .and_then(|report| Some((report.epoch, report.position()?)));
        match report {
            Some((epoch, position)) => format!("{}, epoch {epoch}, {position}", self.word()),
            None => self.word().to_owned(),
        }
    }

    /// The report that goes with it, if any.
    pub fn report(&self) -> Option<&Report> {
        match self {
            Phase::Reported { report }
            | Phase::Restoring { report }
            | Phase::Apart { report, .. }
            | Phase::Stopped { report } => Some(report),
            Phase::Recovering | Phase::Joining | Phase::Bootstrapping { .. } => None,
            Phase::Member(_) | Phase::Reviving { .. } => None,
        }
    }

    /// The history of its data, as far as it tells; `epoch` is the newest of the cluster.
    pub fn history(&self, epoch: &Epoch) -> Option<History> {
        if let Some(member) = self.membership() {
            return member.history.parse().ok();
        }
        let revived =
            matches!(self, Phase::Reviving { epoch: number, .. } if *number == epoch.number);
        let position = match revived {
            true => epoch.position.as_ref(),
            false => self.report().and_then(Report::position),
        };
        position.map(|position| position.history)
    }

    /// Its place in the primary component, if it is there.
    pub fn membership(&self) -> Option<&Membership> {
        match self {
            Phase::Member(membership) => Some(membership),
            Phase::Recovering
            | Phase::Reported { .. }
            | Phase::Restoring { .. }
            | Phase::Joining
            | Phase::Bootstrapping { .. }
            | Phase::Apart { .. }
            | Phase::Reviving { .. }
            | Phase::Stopped { .. } => None,
        }
    }

    /// The epoch that it is of, as far as it says so.
    pub(super) fn epoch(&self) -> Option<u64> {
        let member = self.membership().map(|member| member.epoch);
        member.or_else(|| self.report().map(|report| report.epoch))
    }

    fn stand(&self) -> Stand {
        let reported = |report: &Report, eligible| Stand::Reported {
            report: report.clone(),
            eligible,
        };
        match self {
            Phase::Recovering => Stand::Silent,
            Phase::Reported { report } => reported(report, true),
            Phase::Stopped { report } => reported(report, false),
            Phase::Restoring { report } => Stand::Restoring(report.clone()),
            Phase::Joining => Stand::Joining,
            Phase::Bootstrapping { .. } | Phase::Reviving { .. } => Stand::Bootstrapping,
            Phase::Apart { report, .. } => Stand::Apart(report.clone()),
            Phase::Member(_) => Stand::Primary,
        }
    }
}

/// A server's place in the primary component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Its group communication UUID, another one in each life.
    pub gcomm: Uuid,
    /// The history of the component (`wsrep_cluster_state_uuid`).
    pub history: String,
    /// The epoch of the component.
    pub epoch: u64,
    /// Who opened that epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_by: Option<Elector>,
}

/// The name of a resource's node attribute.
pub fn attribute(resource: &str) -> String {
    format!("{resource}-galera")
}

/// The name of the node attribute by which an operator orders a bootstrap.
pub fn order_attribute(resource: &str) -> String {
    format!("{resource}-bootstrap")
}

/// What each node of the cluster has published, by node name. A value that cannot be read counts as silence.
pub fn all(cib: &Cib, resource: &str) -> BTreeMap<String, Published> {
    let nodes = cib
        .nodes()
        .filter_map(|node| Some((node.uname.to_string(), of(node, resource)?)));
    nodes.collect()
}

fn of(node: &Node, resource: &str) -> Option<Published> {
    let text = node.transient.get(&attribute(resource))?;
    match serde_json::from_str(text) {
        Ok(published) => Some(published),
        Err(error) => {
            log::warn!(
                "{} has published what cannot be read ({error}): {text}",
                node.uname
            );
            None
        }
    }
}

/// The stand of every elector: of those who published, and silence for those whom they name, or who serve in
/// a component that was given up since.
pub fn stands(published: &BTreeMap<String, Published>, epoch: &Epoch) -> BTreeMap<Elector, Stand> {
    let named = published.values().flat_map(|one| &one.electors);
    let mut stands: BTreeMap<_, _> = named.map(|name| (name.clone(), Stand::Silent)).collect();
    for one in published.values() {
        let given_up = matches!(&one.phase, Phase::Member(member) if epoch.gave_up(member.epoch));
        let stand = if given_up {
            Stand::Silent
        } else {
            one.phase.stand()
        };
        stands.insert(one.elector.clone(), stand);
    }
    stands
}

/// The running primary component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Its history.
    pub history: History,
    /// Its epoch.
    pub epoch: u64,
    /// Who opened that epoch.
    pub opened_by: Option<Elector>,
}

/// The primary component, as those of its members publish it who are of the newest epoch; one that was given up since does
/// not count.
pub fn component<'a>(
    published: impl IntoIterator<Item = &'a Published>,
    epoch: &Epoch,
) -> Option<Component> {
    let members = published.into_iter().filter_map(|one| {
        let Phase::Member(member) = &one.phase else {
            return None;
        };
        let history = member.history.parse().ok()?;
        let opened_by = member.opened_by.clone();
        let component = Component {
            history,
            epoch: member.epoch,
            opened_by,
        };
        (!epoch.gave_up(member.epoch)).then_some(component)
    });
    members.reduce(|best, one| if one.epoch > best.epoch { one } else { best })
}

#[cfg(test)]
mod tests {
    use super::super::ballot::Data;
    use super::super::position::read_position;
    use super::*;

    #[test]
    fn the_log_has_the_position_that_a_node_reports() {
        let position = read_position("6b4c1f4e-0000-0000-0000-000000000001:140");
        let told = |data| {
            Phase::Reported {
                report: Report::bare(3, data),
            }
            .told()
        };
        let words = "Reported, epoch 3, 6b4c1f4e-0000-0000-0000-000000000001:140";
        assert_eq!(told(Data::At(position.unwrap().unwrap())), words);
        assert_eq!(told(Data::Partial), "Reported");
    }
}
