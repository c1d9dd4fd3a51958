//! What the nodes publish in the CIB: one attribute for each node, one property set for the epoch.
//!
//! Every name is suffixed by the resource, so that several clusters can live on the same nodes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ballot::{Elector, Epoch, Report, Stand};
use super::gvwstate::SavedView;
use super::make::{self, Make};
use super::position::{History, read_position};
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
    fn epoch(&self) -> Option<u64> {
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

/// The id of the property set that opens an epoch. The cluster creates it for exactly one node.
pub fn epoch_set(resource: &str, epoch: u64) -> String {
    format!("{resource}-epoch-{epoch}")
}

/// The properties of an epoch.
pub fn epoch_pairs(resource: &str, epoch: &Epoch) -> Vec<(String, String)> {
    let marks = |marks: &[(u64, u64)]| {
        let each = marks
            .iter()
            .map(|(number, seqno)| format!("{number}:{seqno}"));
        each.collect::<Vec<_>>().join(" ")
    };
    let lineage = epoch
        .lineage
        .iter()
        .map(|(number, elector)| format!("{number}:{elector}"));
    let mut pairs = vec![
        (
            format!("{resource}-epoch-lineage"),
            lineage.collect::<Vec<_>>().join(" "),
        ),
        (format!("{resource}-epoch"), epoch.number.to_string()),
        (format!("{resource}-epoch-forced"), marks(&epoch.forced)),
        (format!("{resource}-epoch-survived"), marks(&epoch.survived)),
    ];
    if let Some(since) = epoch.revived {
        pairs.push((format!("{resource}-epoch-revived"), since.to_string()));
    }
    if let Some(elector) = &epoch.opened_by {
        pairs.push((format!("{resource}-epoch-opened-by"), elector.clone()));
    }
    if let Some(position) = &epoch.position {
        pairs.push((format!("{resource}-epoch-position"), position.to_string()));
    }
    pairs
}

/// The epochs that stand in the CIB, by number.
pub fn epoch_numbers(cib: &Cib, resource: &str) -> Vec<u64> {
    let prefix = format!("{resource}-epoch-");
    let numbers = cib
        .options()
        .sets()
        .filter_map(|set| set.id.strip_prefix(&*prefix)?.parse().ok());
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.sort_unstable();
    numbers
}

/// The newest epoch of the cluster.
pub fn epoch(cib: &Cib, resource: &str) -> Epoch {
    let Some(&number) = epoch_numbers(cib, resource).last() else {
        return Epoch::default();
    };
    let set = cib.options().set(&epoch_set(resource, number));
    let get = |name: &str| set.and_then(|set| set.get(&format!("{resource}-{name}")));
    let marks = |name| {
        let text = get(name).unwrap_or_default().split_whitespace();
        text.filter_map(read_mark).collect()
    };
    let lineage = get("epoch-lineage").unwrap_or_default().split_whitespace();
    Epoch {
        number,
        opened_by: get("epoch-opened-by").map(str::to_owned),
        position: get("epoch-position").and_then(|text| read_position(text).ok().flatten()),
        lineage: lineage.filter_map(read_opener).collect(),
        forced: marks("epoch-forced"),
        survived: marks("epoch-survived"),
        revived: get("epoch-revived").and_then(|text| read_since(text, number)),
    }
}

/// The newest epoch, if this elector opened it and `own`, the epoch of its record, says that it has never
/// started a server in it. Nobody else may remove it, and nobody can start without it.
///
/// A node without a record (0) may have lost it: only of the first epoch can it be sure, and nobody else may be of it.
pub fn unused_epoch(cib: &Cib, resource: &str, elector: &Elector, own: u64) -> Option<u64> {
    let epoch = epoch(cib, resource);
    let mine = epoch.opened_by.as_ref() == Some(elector);
    let lost = own == 0 && epoch.number > 1;
    let used = all(cib, resource)
        .values()
        .any(|one| one.elector != *elector && one.phase.epoch() >= Some(epoch.number));
    (mine && epoch.number > own && !lost && !used).then_some(epoch.number)
}

fn read_opener(text: &str) -> Option<(u64, Elector)> {
    let (epoch, elector) = text.split_once(':')?;
    Some((epoch.parse().ok()?, elector.to_owned()))
}

/// Agents that knew of one attempt only wrote `true`: since the epoch before.
fn read_since(text: &str, number: u64) -> Option<u64> {
    match text {
        "true" => number.checked_sub(1),
        _ => text.parse().ok(),
    }
}

fn read_mark(text: &str) -> Option<(u64, u64)> {
    let (epoch, seqno) = text.split_once(':')?;
    Some((epoch.parse().ok()?, seqno.parse().ok()?))
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
    use super::*;

    /// Whether g1 may close the epoch of this number, which it opened, when its record is of epoch `own` and g2 has
    /// reported one of `other`.
    fn closes(number: u64, own: u64, other: u64) -> bool {
        let said = format!(
            "{{&quot;elector&quot;:&quot;g2&quot;,&quot;electors&quot;:[],&quot;phase&quot;:&quot;reported&quot;,\
             &quot;report&quot;:{{&quot;epoch&quot;:{other},&quot;data&quot;:&quot;partial&quot;}}}}"
        );
        let text = format!(
            "<cib><configuration><crm_config><cluster_property_set id=\"db-epoch-{number}\">\
             <nvpair id=\"a\" name=\"db-epoch\" value=\"{number}\"/>\
             <nvpair id=\"b\" name=\"db-epoch-opened-by\" value=\"g1\"/></cluster_property_set></crm_config>\
             <nodes><node id=\"2\" uname=\"n2\"/></nodes><resources/><constraints/></configuration><status>\
             <node_state id=\"2\" uname=\"n2\"><transient_attributes id=\"2\"><instance_attributes id=\"s\">\
             <nvpair id=\"c\" name=\"{}\" value=\"{said}\"/></instance_attributes></transient_attributes></node_state>\
             </status></cib>",
            attribute("db")
        );
        let cib = Cib::parse(text.as_bytes()).unwrap();
        assert_eq!(all(&cib, "db").len(), 1, "{text}");
        unused_epoch(&cib, "db", &"g1".to_owned(), own) == Some(number)
    }

    #[test]
    fn an_epoch_is_read_as_it_was_written() {
        let written = Epoch {
            number: 6,
            opened_by: Some("g1".to_owned()),
            position: read_position("6b4c1f4e-0000-0000-0000-000000000001:140").unwrap(),
            lineage: vec![(5, "g2".to_owned()), (6, "g1".to_owned())],
            forced: vec![(2, 50), (3, 40)],
            survived: vec![(4, 90)],
            revived: Some(3),
        };
        let pairs = epoch_pairs("db", &written);
        let pairs = pairs.iter().map(|(name, value)| {
            format!("<nvpair id=\"{name}\" name=\"{name}\" value=\"{value}\"/>")
        });
        let text = format!(
            "<cib><configuration><crm_config><cluster_property_set id=\"db-epoch-6\">{}</cluster_property_set>\
             </crm_config><nodes/><resources/><constraints/></configuration></cib>",
            pairs.collect::<String>()
        );
        assert_eq!(epoch(&Cib::parse(text.as_bytes()).unwrap(), "db"), written);
    }

    #[test]
    fn a_revival_that_an_older_agent_wrote_counts_since_the_epoch_before() {
        assert_eq!(read_since("true", 6), Some(5));
        assert_eq!(read_since("4", 6), Some(4));
        assert_eq!(read_since("nonsense", 6), None);
    }

    #[test]
    fn an_epoch_is_closed_only_by_who_is_sure_that_nobody_was_in_it() {
        assert!(closes(6, 5, 5), "killed before its server started");
        assert!(!closes(6, 6, 5), "its server has started");
        assert!(!closes(6, 5, 6), "another node was in it");
        assert!(!closes(6, 0, 5), "its record may be lost");
        assert!(closes(1, 0, 0), "there was no epoch before");
        assert!(!closes(1, 0, 1), "another node was in the first");
    }
}
