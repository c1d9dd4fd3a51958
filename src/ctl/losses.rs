//! What a bootstrap ordered from one node gives up, in words. Pure.

use super::scene::Scene;
use super::stand;
use crate::galera::ballot::{Ballot, Data, Elector, Report, Stand};
use crate::galera::election::newest_epoch;
use crate::galera::epoch::cost_of;
use crate::galera::position::Position;

/// One sentence for each loss; none: nothing that is known of is lost.
pub(super) fn of(scene: &Scene, chosen: &Elector) -> Vec<String> {
    let ballot = scene.ballot();
    let Some(Stand::Reported { report, .. }) = ballot.stands.get(chosen) else {
        return Vec::new();
    };
    let named = cost_of(ballot, chosen);
    let mut losses: Vec<_> = named
        .iter()
        .map(|(other, position)| match position {
            Some(position) => ahead(scene, report, other, position),
            None => unknown(scene, other),
        })
        .collect();
    let known = |other: &Elector| named.iter().any(|(name, _)| name == other);
    let others = ballot.reports().filter(|(name, ..)| *name != chosen);
    for (other, theirs, _) in others.filter(|(name, ..)| !known(name)) {
        losses.extend(unclustered(scene, other, theirs));
    }
    losses.extend(of_the_epoch(scene, chosen, report));
    losses
}

/// A node that has reported more, or something else.
fn ahead(scene: &Scene, own: &Report, other: &Elector, position: &Position) -> String {
    let (name, history, seqno) = (scene.called(other), position.history, position.seqno);
    match own.position() {
        Some(mine) if mine.history == history && mine.seqno >= seqno => format!(
            "{name} has data of another epoch, which a forced bootstrap parted from this: it would be replaced"
        ),
        Some(mine) if mine.history == history => format!(
            "{name} has seqno {seqno} of history {history}: {} write sets after {} would be given up",
            seqno - mine.seqno,
            mine.seqno
        ),
        Some(_) | None => format!(
            "{name} has seqno {seqno} of another history, {history}: its whole data would be replaced"
        ),
    }
}

/// A node that has not reported what it has.
fn unknown(scene: &Scene, other: &Elector) -> String {
    let name = scene.called(other);
    let lost = "whatever only it has would be given up";
    match scene.ballot().stands.get(other) {
        Some(Stand::Reported { report, .. }) => {
            let why = stand::data_reason(&report.data).unwrap_or_default();
            format!("{name} has data that cannot be compared ({why}): {lost}")
        }
        Some(Stand::Restoring(_)) => format!("{name} is restoring and may have gone on: {lost}"),
        Some(Stand::Apart(_)) => format!("{name} runs outside a component: {lost}"),
        Some(Stand::Joining) => format!("{name} is on its way to join: {lost}"),
        Some(Stand::Silent | Stand::Bootstrapping | Stand::Primary) | None => {
            format!(
                "{name} is silent ({}): {lost}",
                stand::silence(scene, other)
            )
        }
    }
}

/// A loss that positions do not show.
fn unclustered(scene: &Scene, other: &Elector, theirs: &Report) -> Option<String> {
    let name = scene.called(other);
    (theirs.data == Data::Blank { user_data: true }).then(|| {
        format!(
            "{name} holds databases that are in no history: a state transfer would replace them"
        )
    })
}

/// The node is not of the newest epoch, or not of the cluster's history.
fn of_the_epoch(scene: &Scene, chosen: &Elector, own: &Report) -> Option<String> {
    let ballot: &Ballot = scene.ballot();
    let name = scene.called(chosen);
    let newest = newest_epoch(ballot);
    let start = ballot.epoch.position.as_ref();
    match own.position() {
        None if newest > 0 => Some(format!(
            "{name} has no data of the cluster: all that was written up to epoch {newest} would be given up"
        )),
        Some(mine) if start.is_some_and(|start| start.history != mine.history) => Some(format!(
            "{name} is not of the cluster's history: all of {} would be given up",
            start.map(|start| start.history.to_string())?
        )),
        Some(_) if own.epoch < newest => Some(format!(
            "{name} was last in epoch {}: what was written in epoch {newest} would be given up",
            own.epoch
        )),
        Some(_) | None => None,
    }
}
