//! What must never be: two primary components, a lost write that nobody gave up, a needless wait.

use std::collections::{BTreeMap, BTreeSet};

use galera_rs::galera::ballot::{Ballot, Elector, LastView, Report, Stand};
use galera_rs::galera::election::{Verdict, Waiting, newest_epoch};

use crate::world::{Cost, Entry, Part, World};

/// A write that a client was told of.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    pub seqno: u64,
    /// Who had received it then.
    pub received: BTreeSet<usize>,
}

/// What is known to the walk and to nobody in it.
#[derive(Debug, Clone, Default)]
pub struct Oracle {
    /// Acknowledged, and not given up.
    pub writes: BTreeMap<Entry, Acknowledged>,
    /// Every forced bootstrap: its epoch, and who was unknown to it.
    pub forced: Vec<(u64, BTreeSet<Elector>)>,
    /// The first thing that must not be.
    pub failure: Option<String>,
    /// What the walk came across.
    pub seen: BTreeMap<&'static str, u64>,
}

impl Oracle {
    /// Notes what must not be.
    pub fn fail(&mut self, what: String) {
        self.failure.get_or_insert(what);
    }

    /// A client was told that its write is committed.
    pub fn acknowledge(&mut self, entry: Entry, seqno: u64, members: &BTreeSet<usize>) {
        self.count("write");
        let received = members.clone();
        self.writes.insert(entry, Acknowledged { seqno, received });
    }

    /// Counts something worth knowing that the walks reach.
    pub fn count(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }
}

impl World {
    /// A primary component has come about: it must hold every write, but for what an order gave up.
    pub fn judge_formed(&mut self, id: u64) {
        let component = self.components[&id].clone();
        let named = |n: &usize| self.nodes[*n].name.clone();
        let names: BTreeSet<Elector> = component.members.iter().map(named).collect();
        let later = |(forced, unknown): &(u64, BTreeSet<Elector>)| {
            *forced > component.epoch && names.is_subset(unknown)
        };
        if self.oracle.forced.iter().any(later) {
            if let Some(component) = self.components.get_mut(&id) {
                component.given_up = true;
            }
            return;
        }
        self.oracle.count("formed");
        let log: BTreeSet<Entry> = component.log.iter().copied().collect();
        let mut writes = self.oracle.writes.iter();
        if let Some((_, write)) = writes.find(|(entry, _)| !log.contains(entry)) {
            let text = format!("epoch {} of {names:?} lacks {write:?}", component.epoch);
            self.oracle.fail(text);
        }
    }

    /// `n` is about to bootstrap on an order: what it lacks is given up, and the order's cost must have said so.
    pub fn judge_forced(&mut self, n: usize, epoch: u64, cost: &Cost, unknown: &[Elector]) {
        self.oracle.count("forced");
        let unknown: BTreeSet<Elector> = unknown.iter().cloned().collect();
        for component in self.components.values_mut() {
            let members = component.members.iter().map(|m| &self.nodes[*m]);
            let mut synced = members.filter(|node| node.synced());
            component.given_up |= synced.all(|node| unknown.contains(&node.name));
        }
        let log: BTreeSet<Entry> = self.nodes[n]
            .copy()
            .map(|c| c.log.clone())
            .into_iter()
            .flatten()
            .collect();
        let writes = self.oracle.writes.clone();
        for (entry, write) in writes.into_iter().filter(|(e, _)| !log.contains(e)) {
            self.oracle.count("given up");
            if !self.listed(cost, entry, &write) {
                let text =
                    format!("{write:?} was lost, and the order's cost did not say so: {cost:?}");
                self.oracle.fail(text);
            }
            self.oracle.writes.remove(&entry);
        }
        self.oracle.forced.push((epoch, unknown));
    }

    /// Whether a cost names somebody who may hold this write.
    fn listed(&self, cost: &Cost, entry: Entry, write: &Acknowledged) -> bool {
        let holds = |n: usize| {
            let has = self.nodes[n].copy().is_some_and(|c| c.log.contains(&entry));
            has || write.received.contains(&n)
        };
        cost.iter().any(|(elector, position)| {
            let n = self.nodes.iter().position(|node| node.name == *elector);
            let reaches = position.as_ref().is_none_or(|p| p.seqno >= write.seqno);
            n.is_some_and(holds) && reaches
        })
    }

    /// What must hold after every step.
    pub fn judge_step(&mut self) {
        let able = self.components.values().filter(|c| !c.given_up);
        let sets: Vec<_> = able.map(|c| c.members.clone()).collect();
        if sets.len() > 1 {
            self.oracle
                .fail(format!("two primary components: {sets:?}"));
        }
        for (n, node) in self.nodes.iter().enumerate() {
            let Some(component) = self.component_of(n).map(|id| &self.components[&id]) else {
                continue;
            };
            let same = node.copy().is_some_and(|copy| copy.log == component.log);
            if node.part() == Some(Part::Synced) && !same {
                let text = format!("n{n} is synced and differs from its component");
                return self.oracle.fail(text);
            }
        }
    }

    /// No verdict waits for an elector although the views prove that it cannot be ahead, or although all
    /// have reported.
    pub fn judge_verdict(&mut self, ballot: &Ballot, verdict: &Verdict) {
        self.oracle.count(match verdict {
            Verdict::Join(_) => "join",
            Verdict::Restore(_) => "restore",
            Verdict::Bootstrap(..) => "bootstrap",
            Verdict::Revive(..) => "revive",
            Verdict::Wait(_) => "wait",
            Verdict::Refuse(_) => "refuse",
        });
        if let Verdict::Wait(Waiting::Electors { missing, .. }) = verdict {
            let all: Vec<_> = ballot.reports().collect();
            if all.len() == ballot.stands.len() || self.proven(ballot) {
                self.oracle
                    .fail(format!("waits for {missing:?} without need"));
            }
        }
    }

    /// The proof by full knowledge: who had which life is known, and the set is closed by iteration.
    fn proven(&self, ballot: &Ballot) -> bool {
        let newest = newest_epoch(ballot);
        let reports: BTreeMap<&Elector, &Report> = ballot
            .stands
            .iter()
            .filter_map(|(name, stand)| match stand {
                Stand::Reported { report, .. } => Some((name, report)),
                Stand::Restoring(report) | Stand::Apart(report) => Some((name, report)),
                Stand::Silent | Stand::Joining | Stand::Bootstrapping | Stand::Primary => None,
            })
            .filter(|(_, r)| r.epoch == newest && r.position().is_some())
            .collect();
        let Some(top) = reports.values().map(|r| r.seqno()).max() else {
            return false;
        };
        let ends = |r: &Report| LastView {
            id: None,
            members: BTreeSet::new(),
            floor: r.position().map(|p| p.seqno),
        };
        let view = |r: &Report| {
            if r.safe {
                Some(ends(r))
            } else {
                r.view.clone()
            }
        };
        let leads = reports.iter().filter(|(_, r)| r.seqno() == top);
        leads.into_iter().all(|(lead, _)| {
            let mut closed = BTreeSet::from([*lead]);
            loop {
                let before = closed.len();
                for name in closed.clone() {
                    let Some(view) = reports.get(name).and_then(|r| view(r)) else {
                        return false;
                    };
                    if view.floor.is_none_or(|floor| floor > top) {
                        return false;
                    }
                    for life in &view.members {
                        let of = |n: &&crate::world::Node| n.lives.contains(life);
                        let Some(node) = self.nodes.iter().find(of) else {
                            return false;
                        };
                        closed.insert(&node.name);
                    }
                }
                if closed.len() == before {
                    return true;
                }
            }
        })
    }
}
