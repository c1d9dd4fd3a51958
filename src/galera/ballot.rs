//! What the electors say: the facts that an election decides upon. Pure.
//!
//! A report is immutable within one start of the resource. It is published as one node attribute, so that
//! no reader ever sees half of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::position::{History, Position};
use super::survivors::Fates;

/// An elector: one address of `wsrep_cluster_address`, as written there.
pub type Elector = String;

/// What a stopped node knows about its own copy of the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The newest epoch that this node was a member of; 0 before the first bootstrap by this agent.
    pub epoch: u64,
    /// Who opened that epoch. Two halves of a cluster without fencing could give one number to two epochs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_by: Option<Elector>,
    /// The data itself.
    pub data: Data,
    /// `safe_to_bootstrap: 1` with a history and a seqno: this node left last.
    #[serde(default)]
    pub safe: bool,
    /// The position had to be dug out with `--wsrep-recover`: the server did not stop cleanly.
    #[serde(default)]
    pub recovered: bool,
    /// The group communication UUIDs that this node's servers have had, newest last.
    #[serde(default)]
    pub lives: Vec<Uuid>,
    /// The last primary view, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<LastView>,
}

#[cfg(test)]
impl Report {
    /// One with nothing but an epoch and its data, for tests.
    pub fn bare(epoch: u64, data: Data) -> Self {
        Self {
            epoch,
            opened_by: None,
            data,
            safe: false,
            recovered: false,
            lives: Vec::new(),
            view: None,
        }
    }
}

impl Report {
    /// The position of data that may be started from; `None` for everything else.
    pub fn position(&self) -> Option<&Position> {
        match &self.data {
            Data::At(position) => Some(position),
            Data::Blank { .. } | Data::Partial | Data::Unreadable(_) => None,
        }
    }

    /// The number of the last write set in the data, 0 without a position.
    pub fn seqno(&self) -> u64 {
        self.position().map_or(0, |p| p.seqno)
    }
}

/// What lies in the data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Data {
    /// No history: never part of a cluster. `user_data` tells whether it holds schemas of its own.
    Blank {
        /// Schemas other than the server's own exist.
        user_data: bool,
    },
    /// A complete copy of a history up to a seqno.
    At(Position),
    /// A state transfer was under way: the old data is gone and the new not complete.
    Partial,
    /// There is data, and how far it goes could not be found out; the text says why.
    Unreadable(String),
}

/// The last primary view that a node was in.
///
/// After a crash it is `gvwstate.dat`; after a clean leave it is the agent's own record, less the node itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastView {
    /// Galera's identifier, present only while Galera itself can restore the view (`gvwstate.dat` is there).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Group communication UUIDs of those that may have gone on. Empty: this node left last.
    pub members: BTreeSet<Uuid>,
    /// Data from this seqno on contains everything that earlier primary views committed. `None`: not known,
    /// because the server died before the agent had seen the view applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<u64>,
}

/// What one elector is doing, as far as the cluster knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    /// Nothing is known: down, cut off, still looking for its position.
    Silent,
    /// Stopped, at a known place. `eligible`: the resource is started there, so it can be promoted.
    Reported {
        /// Its report.
        report: Report,
        /// Started by the cluster, not merely left behind by a stop.
        eligible: bool,
    },
    /// Its server runs with the saved view and waits for the others of that view.
    Restoring(Report),
    /// Its server runs, has lost its primary component, and holds this: all that was ordered there is applied.
    Apart(Report),
    /// Its server runs and looks for a primary component.
    Joining,
    /// It has opened an epoch and is on its way to be the primary component.
    Bootstrapping,
    /// Its server is in the primary component.
    Primary,
}

/// The epoch that the cluster knows of, from its permanent attribute.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Epoch {
    /// 0: none was ever opened.
    pub number: u64,
    /// The elector that opened it.
    pub opened_by: Option<Elector>,
    /// Where that elector stood.
    pub position: Option<Position>,
    /// `(epoch, elector)`: who opened the last epochs, this one included.
    pub lineage: Vec<(u64, Elector)>,
    /// `(epoch, seqno)` of every forced bootstrap: data of an older epoch beyond that seqno was given up.
    pub forced: Vec<(u64, u64)>,
    /// `(epoch, seqno)` of every component that survivors made anew without a report of those that they missed:
    /// data of an older epoch beyond that seqno is not part of it.
    pub survived: Vec<(u64, u64)>,
    /// It was opened to make a component anew in which nobody had more than `position`: the lowest epoch that a server of
    /// that component had noted by then. The ones in between were opened for the same.
    pub revived: Option<u64>,
}

impl Epoch {
    /// Whether data of `epoch` at `seqno` may join a component of epoch `of_primary` incrementally. The
    /// record decides, unless it was lost and is older than the component; a record that is newer counts only
    /// up to the component's epoch, because whoever opened the rest may take it back.
    pub fn leads_to(&self, of_primary: u64, epoch: u64, seqno: u64) -> bool {
        if epoch == of_primary {
            return true;
        }
        let known = self.number >= of_primary && epoch < of_primary;
        let mut left = self.forced.iter().chain(&self.survived);
        known && left.all(|&(f, kept)| f <= epoch || f > of_primary || seqno <= kept)
    }

    /// The newest forced bootstrap at or before `epoch`: servers of different ones must not meet.
    pub fn last_forced(&self, epoch: u64) -> Option<u64> {
        let numbers = self.forced.iter().map(|(forced, _)| *forced);
        numbers.filter(|forced| *forced <= epoch).max()
    }

    /// Whether data of `epoch`, opened by this elector, stems from another cluster that took the same number:
    /// the other half of a split that nobody fenced. Both may hold acknowledged writes.
    pub fn is_foreign(&self, epoch: u64, opened_by: Option<&Elector>) -> bool {
        let mut known = self.lineage.iter().filter(|(number, _)| *number == epoch);
        known
            .next()
            .is_some_and(|(_, elector)| opened_by.is_some_and(|own| own != elector))
    }

    /// The epoch that this data counts as of. Galera may heal a component by itself while a node opens an epoch to make it
    /// anew, for the first time or once more. Then there is one component, and those that have not noted the epoch yet are
    /// beyond where it began: nothing else could have brought data of the epochs that they had noted further.
    pub fn of(&self, report: &Report) -> u64 {
        let Some((begin, position)) = self.position.as_ref().zip(report.position()) else {
            return report.epoch;
        };
        let since = self.revived.unwrap_or(self.number);
        let before = (since..self.number).contains(&report.epoch);
        let beyond = position.history == begin.history && position.seqno > begin.seqno;
        if before && beyond && !self.is_foreign(report.epoch, report.opened_by.as_ref()) {
            self.number
        } else {
            report.epoch
        }
    }

    /// Whether a component of `epoch` was given up by a forced bootstrap since.
    pub fn gave_up(&self, epoch: u64) -> bool {
        self.forced.iter().any(|(forced, _)| *forced > epoch)
    }
}

/// An operator's order to start from one node, bound to what that node reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Force {
    /// Start from this elector.
    pub elector: Elector,
    /// The cluster's epoch when the order was given; a newer one voids it.
    pub epoch: u64,
    /// The position that the elector had reported; `None`: a directory without a history.
    pub position: Option<Position>,
}

/// Everything that an election looks at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ballot {
    /// Pacemaker's partition has quorum.
    pub quorate: bool,
    /// The newest epoch.
    pub epoch: Epoch,
    /// One entry for each elector.
    pub stands: BTreeMap<Elector, Stand>,
    /// The parameter `enable_creation`.
    pub enable_creation: bool,
    /// The parameter `two_node_mode`, and the one partner is fenced or cleanly down.
    pub partner_gone: bool,
    /// An operator's order.
    pub force: Option<Force>,
    /// What became of those that have not reported.
    pub fates: Fates,
}

impl Ballot {
    /// The same, with every report in the epoch that it counts as of.
    #[must_use]
    pub fn in_line(&self) -> Self {
        let mut ballot = self.clone();
        for stand in ballot.stands.values_mut() {
            let (Stand::Reported { report, .. } | Stand::Restoring(report) | Stand::Apart(report)) =
                stand
            else {
                continue;
            };
            let epoch = self.epoch.of(report);
            if epoch != report.epoch {
                (report.epoch, report.opened_by) = (epoch, self.epoch.opened_by.clone());
            }
        }
        ballot
    }

    /// The reports of electors outside any component, with whether each can be started from.
    pub fn reports(&self) -> impl Iterator<Item = (&Elector, &Report, bool)> {
        self.stands.iter().filter_map(|(name, stand)| match stand {
            Stand::Reported { report, eligible } => Some((name, report, *eligible)),
            Stand::Apart(report) => Some((name, report, true)),
            Stand::Restoring(_)
            | Stand::Silent
            | Stand::Joining
            | Stand::Bootstrapping
            | Stand::Primary => None,
        })
    }

    /// The report of an elector that can be promoted and has something to start from, be it an empty directory.
    pub fn startable(&self, elector: &Elector) -> Option<&Report> {
        match self.stands.get(elector)? {
            Stand::Reported {
                report,
                eligible: true,
            } => matches!(report.data, Data::At(_) | Data::Blank { .. }).then_some(report),
            Stand::Reported { .. }
            | Stand::Restoring(_)
            | Stand::Apart(_)
            | Stand::Silent
            | Stand::Joining
            | Stand::Bootstrapping
            | Stand::Primary => None,
        }
    }

    /// The electors whose position is not known now, or about to change.
    pub fn unknown(&self) -> Vec<Elector> {
        let known = |stand: &Stand| match stand {
            Stand::Reported { report, .. } => !matches!(report.data, Data::Unreadable(_)),
            Stand::Apart(_) => true,
            Stand::Restoring(_) | Stand::Silent | Stand::Joining => false,
            Stand::Bootstrapping | Stand::Primary => false,
        };
        let unknown = self.stands.iter().filter(|(_, stand)| !known(stand));
        unknown.map(|(name, _)| name.clone()).collect()
    }

    /// Every history that a report names, with those who hold it.
    pub fn histories(&self) -> BTreeMap<History, Vec<Elector>> {
        let mut histories: BTreeMap<History, Vec<Elector>> = BTreeMap::new();
        for (name, report, _) in self.reports() {
            if let Some(position) = report.position() {
                histories
                    .entry(position.history)
                    .or_default()
                    .push(name.clone());
            }
        }
        histories
    }
}
