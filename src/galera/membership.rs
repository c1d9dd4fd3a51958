//! A server's way into the primary component, and its life there.

use std::time::Duration;

use super::fitness::Fitness;
use super::node::{Node, retry};
use super::published::{self, Phase};
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
/// Only when it answers and refuses the account: that will not pass by waiting.
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
    let expected = component
        .as_ref()
        .map_or(history, |component| component.history);
    if expected != history {
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
        let of_epoch = component.filter(|component| component.epoch == epoch);
        let opened_by = of_epoch.and_then(|component| component.opened_by);
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
    node.volatile.set_note(SERVING, Mood::Serving);
    Ok(epoch)
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
