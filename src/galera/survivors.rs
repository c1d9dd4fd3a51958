//! Servers that run and have lost their primary component: what may be known of those that they miss, and whether
//! they may go on without them. Pure.
//!
//! The election decides with these facts who makes the component anew; the rules are in `docs/majority.md`.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::ballot::{Ballot, Elector, Stand};
use super::election::{Reason, Verdict, Waiting, elect, newest_epoch};

/// What is known of the servers that have not reported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fates {
    /// `(server, view)`: its own node says that it is gone, and that this was its last primary view.
    pub gone: BTreeSet<(Uuid, String)>,
    /// Servers of nodes that are fenced, or that left in order with the resource stopped.
    pub lost: BTreeSet<Uuid>,
    /// Nodes on which a server may still run, or soon run, that has not said where it stands.
    pub at_large: BTreeMap<String, AtLarge>,
}

/// A node of which nobody knows what its server does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AtLarge {
    /// The servers that it is known to have had.
    pub servers: BTreeSet<Uuid>,
    /// This will be known: it is to be fenced, or is here and about to report.
    pub settles: bool,
}

/// How a member of a view came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// In this very view: it was in no later one.
    Here,
    /// Some time after this view began.
    Later,
}

impl Fates {
    /// Whether this member of a view is dead, and since when.
    pub fn death(&self, server: Uuid, view: &str) -> Option<Death> {
        if self.gone.contains(&(server, view.to_owned())) {
            return Some(Death::Here);
        }
        self.lost.contains(&server).then_some(Death::Later)
    }
}

/// Whether these many lost members of a view cannot have been a primary component without the others: Galera
/// wants more than half.
pub fn are_harmless(lost: usize, view: usize) -> bool {
    2 * lost <= view
}

/// The verdict where servers run that have lost their component. One of them can make it anew only while no server
/// runs elsewhere that knows nothing of it; and nobody starts behind their back.
pub(super) fn with_survivors(ballot: &Ballot, verdict: Verdict) -> Verdict {
    let stands = ballot.stands.iter();
    let apart = stands.filter(|(_, stand)| matches!(stand, Stand::Apart(_)));
    let apart: Vec<_> = apart.map(|(name, _)| name.clone()).collect();
    // Without the record of the newest epoch nobody knows by which name its servers find each other.
    let recorded = newest_epoch(ballot) == ballot.epoch.number;
    let at_large: Vec<_> = ballot.fates.at_large.keys().cloned().collect();
    match &verdict {
        Verdict::Revive(..) if !recorded => Verdict::Wait(Waiting::Survivors(apart)),
        Verdict::Revive(..) if !at_large.is_empty() => Verdict::Wait(Waiting::AtLarge(at_large)),
        Verdict::Bootstrap(..) | Verdict::Restore(_) if !apart.is_empty() => {
            Verdict::Wait(Waiting::Survivors(apart))
        }
        Verdict::Join(_) | Verdict::Restore(_) | Verdict::Bootstrap(..) => verdict,
        Verdict::Revive(..) | Verdict::Wait(_) | Verdict::Refuse(_) => verdict,
    }
}

/// What a server outside a primary component has to expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prospect {
    /// It makes the component anew, now.
    Now(Reason),
    /// It is part of what comes, once this is settled: it should go on running.
    Soon(String),
    /// Its partition has no quorum: a quorum device may take seconds to give its vote.
    NoQuorum(String),
    /// Nothing comes of it as it is: it should be restarted, and report.
    Never(String),
}

/// What the survivor `own` has to expect.
pub fn prospect(ballot: &Ballot, own: &Elector) -> Prospect {
    let verdict = elect(ballot);
    if let Verdict::Revive(name, _) | Verdict::Wait(Waiting::Bootstrapping(name)) = &verdict
        && name != own
    {
        return Prospect::Soon(format!("waiting for {name} to make the component anew"));
    }
    if let Verdict::Revive(_, reason) = verdict {
        return Prospect::Now(reason);
    }
    if matches!(elect(&settled(ballot)), Verdict::Revive(..)) {
        let nodes: Vec<_> = ballot.fates.at_large.keys().cloned().collect();
        let nodes = nodes.join(", ");
        return Prospect::Soon(format!(
            "no majority: waiting for fencing of {nodes}, or for its report"
        ));
    }
    match verdict {
        Verdict::Wait(Waiting::NoQuorum) => Prospect::NoQuorum(verdict.to_string()),
        Verdict::Join(_) | Verdict::Restore(_) | Verdict::Bootstrap(..) | Verdict::Revive(..) => {
            Prospect::Never(verdict.to_string())
        }
        Verdict::Wait(_) | Verdict::Refuse(_) => Prospect::Never(verdict.to_string()),
    }
}

/// The ballot as it will be when everybody at large is fenced, as far as that is to be expected.
fn settled(ballot: &Ballot) -> Ballot {
    let mut ballot = ballot.clone();
    let at_large = std::mem::take(&mut ballot.fates.at_large);
    for (name, node) in at_large {
        if node.settles {
            ballot.fates.lost.extend(node.servers);
        } else {
            ballot.fates.at_large.insert(name, node);
        }
    }
    ballot
}
