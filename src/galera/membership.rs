//! A server's way into the primary component, and its life there.

use std::time::Duration;

use super::ballot::{Elector, Epoch};
use super::fitness::Fitness;
use super::node::{Node, retry};
use super::position::History;
use super::published::{self, Component, Phase};
use super::record::Seen;
use super::silence::Cause;
use super::volatile::Mood;
use super::wsrep::{ClusterStatus, Status};
use crate::ocf::Failure;
use crate::sys::process::Process;

/// How long a server of ours may take for one answer.
pub const ANSWER: Duration = Duration::from_secs(3);

/// The job's note on a node in service.
pub const SERVING: &str = "serving";

/// Where a running server is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It does not answer yet: it starts, or receives state before it opens its socket.
    Silent,
    /// It answers, and is not in a primary component.
    Outside,
    /// In the component, and not Synced.
    Inside(Status),
    /// Primary and Synced, or a donor, which serves as well.
    Serving(Status),
}

/// What the server of this node says of itself.
///
/// # Errors
/// Only when it answers and refuses the account: where it is cannot be found out until somebody has mended that.
pub fn progress(node: &Node) -> Result<Progress, Failure> {
    let asked = node.database(ANSWER);
    match asked.and_then(|mut database| database.status()) {
        Ok(status) => Ok(judge(status)),
        Err(error) if error.cause == Cause::Denied => Err(Failure::Retry(error.to_string())),
        Err(error) => {
            log::debug!("{error}");
            Ok(Progress::Silent)
        }
    }
}

/// What a status means.
pub fn judge(status: Status) -> Progress {
    if status.cluster_status != ClusterStatus::Primary {
        return Progress::Outside;
    }
    if status.serves() {
        Progress::Serving(status)
    } else {
        Progress::Inside(status)
    }
}

/// What a wait for service is for, with what to look at when it is in vain.
pub fn awaited(node: &Node) -> String {
    format!(
        "the server on {} to be Primary and Synced: SHOW STATUS LIKE 'wsrep%' and {} say why it is not",
        node.name,
        node.settings.error_log.display()
    )
}

/// Makes this node a member for everybody to see: it serves in the component of `epoch`, or of a newer one if the other
/// members of its view say so. Returns which.
///
/// # Errors
/// When the server is in another history than the component, or the cluster does not take the news.
pub fn enter(node: &Node, status: &Status, epoch: u64) -> Result<u64, Failure> {
    let missing = |what| Failure::Retry(format!("the server does not tell {what}"));
    let history = status
        .cluster_state_uuid
        .ok_or_else(|| missing("wsrep_cluster_state_uuid"))?;
    let gcomm = status
        .gcomm_uuid
        .ok_or_else(|| missing("wsrep_gcomm_uuid"))?;
    let outlook = node.look()?;
    let component = outlook.component();
    if let Some(expected) = other_history(component.as_ref(), history) {
        return Err(Failure::Retry(format!(
            "{} is in a component of history {history}, the cluster's is {expected}: two clusters with one \
             name; stop this one and compare wsrep_cluster_address",
            node.name
        )));
    }
    let view = node.saved_view();
    let said = view.and_then(|view| outlook.epoch_of(&view));
    let epoch = said.map_or(epoch, |said| said.max(epoch));
    let mut record = node.record()?;
    if record.epoch < epoch {
        // Somebody else started this server, or made its component anew.
        let opened_by = opener(epoch, component.as_ref(), outlook.epoch());
        (record.epoch, record.opened_by) = (epoch, opened_by);
    }
    record.lived(gcomm);
    record.joining = None;
    node.remember(&record)?;
    let membership = published::Membership {
        gcomm,
        history: history.to_string(),
        epoch,
        opened_by: record.opened_by.clone(),
    };
    node.publish(Phase::Member(membership))?;
    let fitness = Fitness::of(status, node.params.recv_queue_max, None);
    node.score(fitness.score())?;
    node.volatile.set_entered(&history).map_err(retry)?;
    node.volatile.forget_attempts();
    node.volatile.set_note(SERVING, Mood::Serving);
    Ok(epoch)
}

/// The history of the cluster's component, if that is another one than the server's: then these are two clusters.
fn other_history(component: Option<&Component>, own: History) -> Option<History> {
    let history = component?.history;
    (history != own).then_some(history)
}

/// Who opened the epoch of this number: as the component's members say, else as the cluster has it on record. The first
/// member to enter a new epoch finds nobody who could say so.
fn opener(epoch: u64, component: Option<&Component>, newest: &Epoch) -> Option<Elector> {
    let component = component.filter(|component| component.epoch == epoch);
    let said = component.and_then(|component| component.opened_by.clone());
    let recorded = (newest.number == epoch).then(|| newest.opened_by.clone());
    said.or(recorded.flatten())
}

/// Notes the seqno from which on the data contains everything of earlier views, once for each primary view.
/// Without that note, a crash leaves the last view unproven, and an election waits for everybody. Returns
/// whether the view is news.
///
/// # Errors
/// When the record cannot be written.
pub fn witness(node: &Node, process: Process) -> Result<bool, Failure> {
    let Some(view) = node.saved_view() else {
        return Ok(false);
    };
    let id = view.view.to_string();
    let mut record = node.record()?;
    let known = record.seen.as_ref().is_some_and(|seen| seen.view == id);
    if known && record.lives.last() == Some(&view.me) {
        return Ok(false);
    }
    let asked = node
        .database(ANSWER)
        .and_then(|mut database| database.causal_seqno());
    let same = node
        .saved_view()
        .is_some_and(|now| now.view.to_string() == id);
    match asked {
        Ok(Some(floor)) if same && process.lives() => {
            log::debug!("view {id} is applied at seqno {floor}");
            record.lived(view.me);
            record.seen = Some(Seen { view: id, floor });
            node.remember(&record)?;
        }
        Ok(_) => {}
        Err(error) => {
            log::debug!("view {id} is not confirmed yet: {error}");
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn history(number: u128) -> History {
        History::new(Uuid::from_u128(number)).unwrap()
    }

    /// The component of history 9 and epoch 3.
    fn component(opened_by: Option<&str>) -> Component {
        Component {
            history: history(9),
            epoch: 3,
            opened_by: opened_by.map(str::to_owned),
        }
    }

    #[test]
    fn a_server_in_another_history_than_the_component_is_of_another_cluster() {
        let component = component(None);
        assert_eq!(other_history(Some(&component), history(9)), None);
        assert_eq!(
            other_history(Some(&component), history(8)),
            Some(history(9))
        );
        assert_eq!(other_history(None, history(8)), None, "it is the first one");
    }

    #[test]
    fn the_first_member_to_enter_an_epoch_knows_from_the_cluster_who_opened_it() {
        let newest = Epoch {
            number: 3,
            opened_by: Some("a".to_owned()),
            ..Epoch::default()
        };
        let opener =
            |epoch, component: Option<Component>| opener(epoch, component.as_ref(), &newest);
        assert_eq!(opener(3, None).as_deref(), Some("a"));
        assert_eq!(opener(3, Some(component(None))).as_deref(), Some("a"));
        let half = Some(component(Some("b")));
        assert_eq!(opener(3, half).as_deref(), Some("b"), "of the other half");
        assert_eq!(opener(2, Some(component(Some("b")))), None);
    }
}
