//! What an election can come to, in types and in words. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use thiserror::Error;

use super::ballot::Elector;
use super::position::History;

/// What the electors may do now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// This elector is in the primary component: start and join it.
    Join(Elector),
    /// All of these start at once, and Galera restores the component that they were.
    Restore(BTreeSet<Elector>),
    /// This elector, and no other, opens an epoch and bootstraps.
    Bootstrap(Elector, Reason),
    /// The server of this elector runs, and it alone makes the primary component anew, in a new epoch.
    Revive(Elector, Reason),
    /// Time or another node's report will change this.
    Wait(Waiting),
    /// Only a person can settle this.
    Refuse(Refusal),
}

/// As the reason why a node waits, for people.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Join(name) => write!(f, "{name} is in the primary component: join it"),
            Verdict::Restore(members) => {
                let members: Vec<_> = members.iter().cloned().collect();
                write!(f, "{} restore the last primary component", list(&members))
            }
            Verdict::Bootstrap(name, reason) => write!(f, "{name} bootstraps: {reason}"),
            Verdict::Revive(name, reason) => {
                write!(f, "{name} makes the component anew: {reason}")
            }
            Verdict::Wait(waiting) => write!(f, "{waiting}"),
            Verdict::Refuse(refusal) => {
                write!(
                    f,
                    "{refusal}; settle it with galeractl bootstrap --from NODE"
                )
            }
        }
    }
}

/// Why a bootstrap loses nothing, or who answers for what it loses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Reason {
    /// Every elector has reported, and none is ahead.
    #[error("every node has reported, and none is ahead")]
    AllReported,
    /// These were the last primary component and none of them is ahead; whoever is silent cannot be.
    #[error("the last primary component has reported, so no silent node can be ahead")]
    LastView(BTreeSet<Elector>),
    /// These are what is left of the last primary view; everybody else of it is dead.
    #[error("whoever else was in the last primary component is fenced or gone")]
    Survivors(BTreeSet<Elector>),
    /// `two_node_mode`, and the partner is fenced or cleanly down.
    #[error("two_node_mode, and {0} is fenced or cleanly down")]
    PartnerGone(Elector),
    /// No elector ever had a history, and `enable_creation` is set.
    #[error("no node ever had a history, and enable_creation is set")]
    Creation,
    /// An operator ordered it.
    #[error("an operator ordered it")]
    Forced,
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Waiting {
    /// A partition without quorum must not decide.
    #[error("this partition has no quorum")]
    NoQuorum,
    /// Another node is on its way.
    #[error("{0} is bootstrapping the cluster")]
    Bootstrapping(Elector),
    /// These try to restore the component that they were; they succeed or report again.
    #[error("{} are restoring their primary component", list(.0))]
    Restoring(Vec<Elector>),
    /// Servers of these nodes look for the component that was; they find it, or stop and report.
    #[error("{} look for the last primary component, and stop when it is gone", list(.0))]
    Joining(Vec<Elector>),
    /// Servers of these nodes may run that know nothing of a new component.
    #[error("waiting until {} is fenced, or has reported", list(.0))]
    AtLarge(Vec<String>),
    /// Servers run outside a component that cannot make it anew: they have to be restarted first.
    #[error("{} has lost its component and has to be restarted", list(.0))]
    Survivors(Vec<Elector>),
    /// A stopped node has more than any that could be promoted.
    #[error("{node} has seqno {seqno}, more than any started node, and its resource is stopped")]
    Ahead {
        /// The node with the latest seqno.
        node: Elector,
        /// Its seqno.
        seqno: u64,
    },
    /// Nobody of the newest epoch has reported.
    #[error(
        "epoch {epoch} was opened by {}, and no member of it has reported; silent: {}",
        .opened_by.as_deref().unwrap_or("an unknown node"), list(.missing)
    )]
    Epoch {
        /// The newest epoch.
        epoch: u64,
        /// Who opened it.
        opened_by: Option<Elector>,
        /// Who has not reported.
        missing: Vec<Elector>,
    },
    /// Electors are silent, and nothing proves that they are not ahead.
    #[error("waiting for {}, which may have later writes: {gap}", list(.missing))]
    Electors {
        /// Who has not reported.
        missing: Vec<Elector>,
        /// Why the others do not suffice.
        gap: Gap,
    },
}

/// Where the proof that no silent node is ahead breaks off.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Gap {
    /// No position to start a proof from.
    #[error("no node has reported a position")]
    NoCandidate,
    /// The last primary view of this node is not known.
    #[error("the last primary view of {0} is not known")]
    ViewUnknown(Elector),
    /// Writes of an earlier view may be missing.
    #[error("{0} may lack writes from before its last primary view")]
    ViewNotReached(Elector),
    /// Somebody of a last primary view has not reported.
    #[error("a member of the last primary view of {0} has not reported")]
    MemberSilent(Elector),
    /// More than half of the leader's last primary view is dead, and may have gone on without it before.
    #[error("the lost members of the last primary view of {0} may have gone on without it")]
    HalfLost(Elector),
    /// A member of the view reports data that is not of this history and epoch.
    #[error("{0} was in the last primary view and its data is not of it any more")]
    MemberChanged(Elector),
}

/// Why no node may start.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Two histories never merge.
    #[error("the nodes hold different histories: {}", histories(.0))]
    Histories(BTreeMap<History, Vec<Elector>>),
    /// A split that nobody fenced: both halves went on.
    #[error("two halves of the cluster went on by themselves, both as epoch {epoch}: {}", openers(.halves))]
    TwoHalves {
        /// The number that both took.
        epoch: u64,
        /// Who opened it, with those who report data of that half.
        halves: BTreeMap<Elector, Vec<Elector>>,
    },
    /// The data is not of the cluster's own history.
    #[error("the cluster's history is {expected}, and the data is of {found} ({})", list(.nodes))]
    Replaced {
        /// The history of the newest epoch.
        expected: History,
        /// What the nodes hold.
        found: History,
        /// Who holds it.
        nodes: Vec<Elector>,
    },
    /// There was data in an earlier epoch, and now there is none.
    #[error("the cluster had data (epoch {epoch}), and every data directory is empty now")]
    Emptied {
        /// The newest epoch.
        epoch: u64,
    },
    /// Nobody has a history, and nobody may make one.
    #[error("no node has a history to start from, and enable_creation is not set")]
    NoHistory,
    /// Several directories that were never part of a cluster hold schemas of their own.
    #[error("{} hold databases and no history: one of them has to be chosen", list(.0))]
    SeveralWithData(Vec<Elector>),
    /// Every copy of the newest epoch is incomplete or unreadable.
    #[error("no node has a complete copy of epoch {epoch}: {}", list(.nodes))]
    NoCopy {
        /// The newest epoch.
        epoch: u64,
        /// Who has reported.
        nodes: Vec<Elector>,
    },
}

fn list(names: &[Elector]) -> String {
    names.join(", ")
}

fn openers(halves: &BTreeMap<Elector, Vec<Elector>>) -> String {
    let each = halves
        .iter()
        .map(|(opener, nodes)| format!("that of {opener} on {}", list(nodes)));
    each.collect::<Vec<_>>().join("; ")
}

/// Each by the first part of its UUID: Pacemaker cuts a reason after 127 bytes, and the names have to be in it.
fn histories(held: &BTreeMap<History, Vec<Elector>>) -> String {
    let each = held.iter().map(|(history, names)| {
        let history = history.to_string();
        let start = history.get(..8).unwrap_or(&history);
        format!("{start}.. on {}", list(names))
    });
    each.collect::<Vec<_>>().join("; ")
}
