//! What a bootstrap begins, and what it gives up. Pure.

use super::ballot::{Ballot, Elector, Epoch, Report, Stand};
use super::election::newest_epoch;
use super::position::Position;
use super::verdict::Reason;

/// How many openers of the past are remembered.
const LINEAGE: usize = 8;

/// The epoch that `name` opens when it bootstraps for `reason`; `None` when it has not reported.
///
/// A bootstrap that may lose something notes how far older data is still a prefix of what comes. Data of an
/// epoch that was opened after the one that `name` holds left that line where its own epoch was forced, so
/// the mark is never above the marks of those.
#[must_use]
pub fn next_epoch(ballot: &Ballot, name: &Elector, reason: &Reason) -> Option<Epoch> {
    let stand = ballot.stands.get(name)?;
    let (Stand::Reported { report, .. } | Stand::Apart(report)) = stand else {
        return None;
    };
    let newest = newest_epoch(ballot);
    let number = newest + 1;
    let mut forced = ballot.epoch.forced.clone();
    let mut survived = ballot.epoch.survived.clone();
    let mut lineage = ballot.epoch.lineage.clone();
    lineage.push((number, name.clone()));
    lineage.drain(..lineage.len().saturating_sub(LINEAGE));
    if newest > ballot.epoch.number {
        // The cluster's record was lost. How the newest epoch came about is not known, and no data of an
        // older one counts as its prefix.
        forced.push((newest, 0));
    }
    match reason {
        Reason::Forced | Reason::PartnerGone(_) => {
            let left = forced.iter().filter(|(epoch, _)| *epoch > report.epoch);
            let kept = left.map(|(_, kept)| *kept).min().unwrap_or(u64::MAX);
            forced.push((number, kept.min(report.seqno())));
        }
        Reason::Survivors(_) => survived.push((number, report.seqno())),
        Reason::AllReported | Reason::LastView(_) | Reason::Creation => {}
    }
    let revives = matches!(stand, Stand::Apart(_)) && !matches!(reason, Reason::Survivors(_));
    Some(Epoch {
        number,
        opened_by: Some(name.clone()),
        position: report.position().cloned(),
        lineage,
        forced,
        survived,
        revived: revives.then(|| lowest_noted(ballot, newest)),
    })
}

/// The lowest epoch that a server which has lost its component has noted. An attempt to make a component anew may come to
/// nothing after one of them has noted its epoch, and before the others have. Only such attempts are looked behind: at any
/// other bootstrap another line of data may have begun.
fn lowest_noted(ballot: &Ballot, newest: u64) -> u64 {
    let recorded = newest == ballot.epoch.number;
    let line = ballot.epoch.revived.filter(|_| recorded).unwrap_or(newest);
    let noted = ballot.stands.values().filter_map(|stand| match stand {
        Stand::Apart(report) => Some(report.epoch),
        Stand::Reported { .. } | Stand::Restoring(_) | Stand::Joining => None,
        Stand::Silent | Stand::Bootstrapping | Stand::Primary => None,
    });
    noted.min().unwrap_or(newest).max(line)
}

/// What the bootstrap of `name` would give up: nodes that report more, and nodes that have not reported.
pub fn cost_of(ballot: &Ballot, name: &Elector) -> Vec<(Elector, Option<Position>)> {
    let ballot = &ballot.in_line();
    let own = match ballot.stands.get(name) {
        Some(Stand::Reported { report, .. }) => Some(report),
        _ => None,
    };
    let more = ballot.reports().filter_map(|(other, report, _)| {
        let position = report.position()?;
        let covered = own.is_some_and(|own| covers(&ballot.epoch, own, report));
        (other != name && !covered).then(|| (other.clone(), Some(position.clone())))
    });
    let unknown = ballot.unknown().into_iter().map(|other| (other, None));
    more.chain(unknown).collect()
}

/// Whether the data of `own` contains that of `other`. After a forced bootstrap the same seqno may stand for
/// different write sets, so the epochs have to agree as well.
fn covers(record: &Epoch, own: &Report, other: &Report) -> bool {
    let (Some(mine), Some(theirs)) = (own.position(), other.position()) else {
        return false;
    };
    mine.history == theirs.history
        && mine.seqno >= theirs.seqno
        && record.leads_to(own.epoch, other.epoch, theirs.seqno)
}
