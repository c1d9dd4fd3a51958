//! Which node may bootstrap a cluster that is down everywhere? Pure: every node runs this on the same ballot
//! and reaches the same verdict. The rules, and why each is safe, are in `docs/election.md`.

use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

use super::ballot::{Ballot, Data, Elector, LastView, Report, Stand};
use super::survivors::{self, Death};
pub use super::verdict::{Gap, Reason, Refusal, Verdict, Waiting};

/// The verdict on a ballot.
pub fn elect(ballot: &Ballot) -> Verdict {
    let ballot = &ballot.in_line();
    let doing = |wanted: &Stand| {
        let mut found = ballot.stands.iter().filter(|(_, stand)| *stand == wanted);
        found.next().map(|(name, _)| name.clone())
    };
    if let Some(name) = doing(&Stand::Primary) {
        return Verdict::Join(name);
    }
    if let Some(name) = doing(&Stand::Bootstrapping) {
        return Verdict::Wait(Waiting::Bootstrapping(name));
    }
    if !ballot.quorate {
        return Verdict::Wait(Waiting::NoQuorum);
    }
    let verdict = survivors::with_survivors(ballot, decide(ballot));
    let restoring = who(ballot, |stand| matches!(stand, Stand::Restoring(_)));
    // A component could come about among those behind the back of a bootstrap, a forced one too.
    if !restoring.is_empty() && !matches!(verdict, Verdict::Restore(_)) {
        return Verdict::Wait(Waiting::Restoring(restoring));
    }
    let joining = who(ballot, |stand| *stand == Stand::Joining);
    if !joining.is_empty() && can_be_joined_unseen(&verdict) {
        return Verdict::Wait(Waiting::Joining(joining));
    }
    verdict
}

/// Whether a server that was started to join the component before would find the one that comes: it would acknowledge
/// writes there, and its node would take them for writes of the epoch before. A bootstrap that may lose something gives
/// the group another name; all others have everybody's report.
const fn can_be_joined_unseen(verdict: &Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Bootstrap(_, Reason::LastView(_) | Reason::Survivors(_))
    )
}

/// The verdict once nobody is primary, and the partition may decide.
fn decide(ballot: &Ballot) -> Verdict {
    if let Some(name) = forced(ballot) {
        return Verdict::Bootstrap(name, Reason::Forced);
    }
    if let Some(refusal) = two_halves(ballot).or_else(|| foreign(ballot)) {
        return Verdict::Refuse(refusal);
    }
    let electorate = Electorate::new(ballot);
    match electorate.leader() {
        Some(leader) => electorate.decide(leader),
        None => electorate.leaderless(),
    }
}

fn who(ballot: &Ballot, is: impl Fn(&Stand) -> bool) -> Vec<Elector> {
    let found = ballot.stands.iter().filter(|(_, stand)| is(stand));
    found.map(|(name, _)| name.clone()).collect()
}

/// The newest epoch that anybody knows of.
pub fn newest_epoch(ballot: &Ballot) -> u64 {
    let reported = ballot.stands.values().filter_map(|stand| match stand {
        Stand::Reported { report, .. } | Stand::Restoring(report) | Stand::Apart(report) => {
            Some(report.epoch)
        }
        Stand::Silent | Stand::Joining | Stand::Bootstrapping | Stand::Primary => None,
    });
    reported.max().unwrap_or(0).max(ballot.epoch.number)
}

/// The elector of a valid order. An order is void once the node stands elsewhere or an epoch was opened since.
fn forced(ballot: &Ballot) -> Option<Elector> {
    let force = ballot.force.as_ref()?;
    let report = ballot.startable(&force.elector)?;
    let bound = report.position() == force.position.as_ref();
    (bound && force.epoch == newest_epoch(ballot)).then(|| force.elector.clone())
}

/// Data of two clusters that were one: epochs of the same number that different nodes opened.
fn two_halves(ballot: &Ballot) -> Option<Refusal> {
    let mut openers: BTreeMap<(u64, &Elector), Vec<Elector>> = BTreeMap::new();
    for (number, elector) in &ballot.epoch.lineage {
        openers.entry((*number, elector)).or_default();
    }
    for (name, report, _) in ballot.reports() {
        if let Some(elector) = &report.opened_by {
            openers
                .entry((report.epoch, elector))
                .or_default()
                .push(name.clone());
        }
    }
    let same = |a: &(u64, &Elector), b: &(u64, &Elector)| a.0 == b.0;
    let twice = openers
        .keys()
        .zip(openers.keys().skip(1))
        .find(|(a, b)| same(a, b))?;
    let epoch = twice.0.0;
    let halves = openers
        .into_iter()
        .filter(|((number, _), _)| *number == epoch);
    let halves = halves
        .map(|((_, elector), nodes)| (elector.clone(), nodes))
        .collect();
    Some(Refusal::TwoHalves { epoch, halves })
}

/// Data of more than one history, or of another than the cluster's.
fn foreign(ballot: &Ballot) -> Option<Refusal> {
    let held = ballot.histories();
    if held.len() > 1 {
        return Some(Refusal::Histories(held));
    }
    let expected = ballot.epoch.position.as_ref()?.history;
    let (found, nodes) = held.into_iter().next()?;
    (found != expected).then_some(Refusal::Replaced {
        expected,
        found,
        nodes,
    })
}

/// A ballot with the newest epoch worked out.
struct Electorate<'a> {
    ballot: &'a Ballot,
    epoch: u64,
}

/// A report with whose it is.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    name: &'a Elector,
    report: &'a Report,
    eligible: bool,
    /// Its server runs.
    apart: bool,
}

impl Candidate<'_> {
    /// More is better: seqno, then a server that runs, then Galera's own flag, then a clean stop, then the first name.
    fn rank(&self) -> impl Ord + use<'_> {
        let clean = !self.report.recovered;
        let name = std::cmp::Reverse(self.name);
        (
            self.report.seqno(),
            self.apart,
            self.report.safe,
            clean,
            name,
        )
    }
}

impl<'a> Electorate<'a> {
    fn new(ballot: &'a Ballot) -> Self {
        let epoch = newest_epoch(ballot);
        Self { ballot, epoch }
    }

    /// Everybody with a position in the newest epoch, those that are restoring included.
    fn candidates(&self) -> impl Iterator<Item = Candidate<'a>> {
        let all = self.ballot.stands.iter().filter_map(|(name, stand)| {
            let (report, eligible, apart) = match stand {
                Stand::Reported { report, eligible } => (report, *eligible, false),
                Stand::Restoring(report) => (report, true, false),
                Stand::Apart(report) => (report, true, true),
                Stand::Silent | Stand::Joining | Stand::Bootstrapping | Stand::Primary => {
                    return None;
                }
            };
            Some(Candidate {
                name,
                report,
                eligible,
                apart,
            })
        });
        let epoch = self.epoch;
        all.filter(move |c| c.report.epoch == epoch && c.report.position().is_some())
    }

    fn leader(&self) -> Option<Candidate<'a>> {
        self.candidates().max_by(|a, b| a.rank().cmp(&b.rank()))
    }

    /// Nobody has a position in the newest epoch.
    fn leaderless(&self) -> Verdict {
        let missing = self.ballot.unknown();
        if self.epoch > 0 && !missing.is_empty() {
            let opened_by = self.ballot.epoch.opened_by.clone();
            return Verdict::Wait(Waiting::Epoch {
                epoch: self.epoch,
                opened_by,
                missing,
            });
        }
        if !missing.is_empty() {
            return Verdict::Wait(Waiting::Electors {
                missing,
                gap: Gap::NoCandidate,
            });
        }
        let blank = |report: &Report| matches!(report.data, Data::Blank { .. });
        if !self.ballot.reports().all(|(_, report, _)| blank(report)) {
            let nodes = self.ballot.stands.keys().cloned().collect();
            return Verdict::Refuse(Refusal::NoCopy {
                epoch: self.epoch,
                nodes,
            });
        }
        if self.epoch > 0 && !self.never_began() {
            return Verdict::Refuse(Refusal::Emptied { epoch: self.epoch });
        }
        self.create()
    }

    /// The newest epoch was opened to create a cluster, and its server has never been Primary: the opener
    /// notes the position of the new history as soon as it is.
    fn never_began(&self) -> bool {
        self.ballot.epoch.number == self.epoch && self.ballot.epoch.position.is_none()
    }

    /// The first start ever: from the one directory that holds databases, else from the first node.
    fn create(&self) -> Verdict {
        if !self.ballot.enable_creation {
            return Verdict::Refuse(Refusal::NoHistory);
        }
        let of_value = |report: &Report| report.data == Data::Blank { user_data: true };
        let with_data: Vec<_> = self
            .ballot
            .reports()
            .filter(|(_, r, _)| of_value(r))
            .collect();
        let chosen = match with_data.as_slice() {
            [] => self.ballot.reports().find(|(_, _, eligible)| *eligible),
            [one] => Some(*one),
            several => {
                let names = several.iter().map(|(name, ..)| (*name).clone()).collect();
                return Verdict::Refuse(Refusal::SeveralWithData(names));
            }
        };
        match chosen {
            Some((name, _, true)) => Verdict::Bootstrap(name.clone(), Reason::Creation),
            Some((name, _, false)) => Verdict::Wait(Waiting::Ahead {
                node: name.clone(),
                seqno: 0,
            }),
            None => Verdict::Refuse(Refusal::NoHistory),
        }
    }

    fn decide(&self, leader: Candidate<'a>) -> Verdict {
        let missing = self.ballot.unknown();
        let proof = self.proof(leader);
        if let Some(members) = self.restorable(leader, &missing, proof.is_ok()) {
            return Verdict::Restore(members);
        }
        let gone = self.ballot.partner_gone && !leader.apart;
        let reason = match (missing.as_slice(), proof) {
            ([], _) => Reason::AllReported,
            (_, Ok(reason)) => reason,
            ([partner], Err(_)) if gone => Reason::PartnerGone(partner.clone()),
            (_, Err(gap)) => return Verdict::Wait(Waiting::Electors { missing, gap }),
        };
        let equal = || self.equal_to(leader);
        match Some(leader).filter(|leader| leader.eligible).or_else(equal) {
            Some(one) if one.apart => Verdict::Revive(one.name.clone(), reason),
            Some(one) => Verdict::Bootstrap(one.name.clone(), reason),
            None => {
                let (node, seqno) = (leader.name.clone(), leader.report.seqno());
                Verdict::Wait(Waiting::Ahead { node, seqno })
            }
        }
    }

    /// The best started node with as much as the leader, which is stopped.
    fn equal_to(&self, leader: Candidate<'a>) -> Option<Candidate<'a>> {
        let seqno = leader.report.seqno();
        let equal = self
            .candidates()
            .filter(|c| c.eligible && c.report.seqno() == seqno);
        equal.max_by(|a, b| a.rank().cmp(&b.rank()))
    }

    /// The members of the leader's view, when all of them can restore it by themselves and nobody else can
    /// have more.
    fn restorable(
        &self,
        leader: Candidate<'a>,
        missing: &[Elector],
        proven: bool,
    ) -> Option<BTreeSet<Elector>> {
        let view = leader.report.view.as_ref()?;
        let id = view.id.as_ref()?;
        let same = |c: &Candidate| c.report.view.as_ref().and_then(|v| v.id.as_ref()) == Some(id);
        let here: Vec<_> = self
            .candidates()
            .filter(|c| c.eligible && !c.apart && same(c))
            .collect();
        let has = |uuid: &Uuid| here.iter().any(|c| c.report.lives.contains(uuid));
        let complete = here.len() > 1 && view.members.iter().all(has);
        let names: BTreeSet<_> = here.iter().map(|c| c.name.clone()).collect();
        let nobody_else = missing.iter().all(|name| names.contains(name));
        (complete && (nobody_else || proven)).then_some(names)
    }

    /// The nodes that prove that no silent one is ahead of the leader: its last primary view, the last
    /// primary views of those, and so on. A later primary component descends from members of an earlier one,
    /// so when this set is closed, the last one is within it; what was acknowledged there is on the disk of
    /// the member that acknowledged it, and what was acknowledged before lies below the view's floor.
    ///
    /// A leader whose server runs ever since has received what the dead of its own view acknowledged there.
    fn proof(&self, leader: Candidate<'a>) -> Result<Reason, Gap> {
        let (mut closed, mut dead, mut lost) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut open = vec![leader];
        while let Some(member) = open.pop() {
            if !closed.insert(member.name.clone()) {
                continue;
            }
            let unknown = || Gap::ViewUnknown(member.name.clone());
            if member.report.safe {
                continue; // left last: nobody went on without it
            }
            let view = member.report.view.as_ref().ok_or_else(unknown)?;
            let reached = view
                .floor
                .is_some_and(|floor| floor <= leader.report.seqno());
            if !reached {
                return Err(Gap::ViewNotReached(member.name.clone()));
            }
            for uuid in &view.members {
                match (
                    self.member(*uuid, member.name),
                    self.death(leader, view, *uuid),
                ) {
                    (Ok(found), _) => open.push(found),
                    (Err(Gap::MemberSilent(_)), Some(death)) => {
                        dead.insert(*uuid);
                        lost.extend((death == Death::Later).then_some(*uuid));
                    }
                    (Err(gap), _) => return Err(gap),
                }
            }
        }
        let own = leader
            .report
            .view
            .as_ref()
            .map_or(0, |view| view.members.len());
        if !survivors::are_harmless(lost.len(), own) {
            return Err(Gap::HalfLost(leader.name.clone()));
        }
        Ok(if dead.is_empty() {
            Reason::LastView(closed)
        } else {
            Reason::Survivors(closed)
        })
    }

    /// How this member of a view died, if the leader's server has run ever since that very view.
    fn death(&self, leader: Candidate<'a>, view: &LastView, server: Uuid) -> Option<Death> {
        let id = view.id.as_ref()?;
        let own = leader
            .report
            .view
            .as_ref()
            .and_then(|view| view.id.as_ref());
        let same = leader.apart && own == Some(id);
        same.then(|| self.ballot.fates.death(server, id)).flatten()
    }

    /// The elector that had this group communication UUID, with its report.
    fn member(&self, uuid: Uuid, of: &Elector) -> Result<Candidate<'a>, Gap> {
        let mut found = self.candidates().filter(|c| c.report.lives.contains(&uuid));
        if let Some(candidate) = found.next() {
            return Ok(candidate);
        }
        let lived = |report: &Report| report.lives.contains(&uuid);
        match self.ballot.reports().find(|(_, report, _)| lived(report)) {
            Some((name, ..)) => Err(Gap::MemberChanged(name.clone())),
            None => Err(Gap::MemberSilent(of.clone())),
        }
    }
}

#[cfg(test)]
mod tests;
