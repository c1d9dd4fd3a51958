//! Promotion of a stopped node: the one place where a new primary component is made.

use std::time::Duration;

use super::ballot::{Ballot, Epoch, Report, Stand};
use super::election::{Reason, Verdict, elect};
use super::epoch::next_epoch;
use super::grastate;
use super::membership::{self, Progress};
use super::node::{Node, retry};
use super::properties;
use super::published::{self, Phase};
use super::server::Beginning;
use crate::ocf::{Deadline, Done, Failure, wait_until};
use crate::sys::cluster;
use crate::sys::process::Process;

const STEP: Duration = Duration::from_millis(100);

/// How many epochs are kept in the CIB: those that a delayed node could still try to open.
const KEPT: usize = 3;

/// Bootstraps the cluster from this node, if that is still the verdict, and returns true when it is Primary; false
/// when there is nothing to bootstrap, because the node joins or restores a component.
///
/// # Errors
/// When another node is to bootstrap by now, somebody opened the epoch first, or the server does not come up.
pub fn bootstrap(node: &Node, deadline: &Deadline) -> Result<bool, Failure> {
    let lock = wait_until(
        deadline,
        STEP,
        "the background job to let go of the server",
        || node.volatile.server_lock().map_err(retry),
    )?;
    if node.server().running()?.is_some() {
        return Ok(false); // the job was faster: it has joined
    }
    let outlook = node.look()?;
    let Some(reason) = own_verdict(node, &outlook.ballot)? else {
        return Ok(false);
    };
    let report = own_report(node, &outlook.ballot)?;
    let epoch = next_epoch(&outlook.ballot, &node.electorate.own, &reason)
        .ok_or_else(|| Failure::Retry(format!("{} has not reported", node.name)))?;
    open(node, &epoch)?;
    if let Err(changed) = look_again(node, &outlook.ballot, &epoch) {
        close(node, &epoch)?;
        node.publish(Phase::Reported { report })?;
        return Err(changed);
    }
    let (number, name, place) = (epoch.number, &node.name, place(&report));
    log::warn!("bootstrapping epoch {number} from {name} at {place}: {reason}");
    node.void_order(&outlook)?;
    let served = start(node, &report, &epoch).and_then(|process| {
        drop(lock);
        become_primary(node, process, &epoch, deadline)
    });
    if let Err(failure) = &served {
        node.volatile.failed(&failure.to_string()); // this node does not offer itself again at once
    }
    served?;
    forget_old(node, &outlook.epochs)?;
    Ok(true)
}

/// Waits until it is this node's turn: where there is no cluster, nobody waits for the promotion score.
///
/// # Errors
/// When it has not come at the deadline.
pub fn await_turn(node: &Node, deadline: &Deadline) -> Done {
    wait_until(deadline, STEP, "this node's turn to start", || {
        let verdict = elect(&node.look()?.ballot);
        let waits = matches!(verdict, Verdict::Wait(_) | Verdict::Refuse(_));
        Ok::<_, Failure>((!waits).then_some(()))
    })
}

/// Why it is this node that bootstraps; `None` when nobody has to.
fn own_verdict(node: &Node, ballot: &Ballot) -> Result<Option<Reason>, Failure> {
    let verdict = elect(ballot);
    match &verdict {
        Verdict::Bootstrap(name, reason) if *name == node.electorate.own => {
            Ok(Some(reason.clone()))
        }
        Verdict::Join(_) | Verdict::Restore(_) => Ok(None),
        Verdict::Bootstrap(..) | Verdict::Revive(..) | Verdict::Wait(_) | Verdict::Refuse(_) => {
            node.score(None)?;
            Err(Failure::Retry(format!(
                "{} must not bootstrap now: {verdict}",
                node.name
            )))
        }
    }
}

fn own_report(node: &Node, ballot: &Ballot) -> Result<Report, Failure> {
    if let Some(Stand::Reported { report, .. }) = ballot.stands.get(&node.electorate.own) {
        return Ok(report.clone());
    }
    Err(Failure::Retry(format!("{} has not reported", node.name)))
}

/// Opens the epoch: the cluster lets exactly one node do that.
///
/// # Errors
/// When another has opened it, or the cluster does not answer.
pub fn open(node: &Node, epoch: &Epoch) -> Result<(), Failure> {
    let set = properties::epoch_set(&node.resource, epoch.number);
    let pairs = properties::epoch_pairs(&node.resource, epoch);
    if cluster::create_properties(&set, &pairs).map_err(retry)? {
        return Ok(());
    }
    Err(Failure::Retry(format!(
        "another node has opened epoch {} already",
        epoch.number
    )))
}

/// Takes the epoch back: no server has run in it.
///
/// # Errors
/// When the cluster does not answer.
pub fn close(node: &Node, epoch: &Epoch) -> Result<(), Failure> {
    let set = properties::epoch_set(&node.resource, epoch.number);
    cluster::delete_properties(&set).map_err(retry)
}

/// The second look, with the epoch open and published: nobody has begun to restore a component meanwhile, nothing has
/// changed the verdict. Whoever begins now sees the epoch.
fn look_again(node: &Node, first: &Ballot, epoch: &Epoch) -> Result<(), Failure> {
    let number = epoch.number;
    node.publish(Phase::Bootstrapping { epoch: number })?;
    match own_verdict(node, &as_before(node, first, epoch)?)? {
        Some(_) => Ok(()),
        None => Err(Failure::Retry(format!(
            "somebody was faster than epoch {number}"
        ))),
    }
}

/// The ballot now, as if this node had not opened its epoch nor said so.
///
/// # Errors
/// When somebody has opened another, or the cluster does not answer.
pub fn as_before(node: &Node, first: &Ballot, epoch: &Epoch) -> Result<Ballot, Failure> {
    let outlook = node.look()?;
    if *outlook.epoch() != *epoch {
        return Err(Failure::Retry(format!(
            "epoch {} is not ours any more",
            epoch.number
        )));
    }
    let mut ballot = Ballot {
        epoch: first.epoch.clone(),
        stands: published::stands(&outlook.published, &first.epoch),
        ..outlook.ballot
    };
    if let Some(own) = first.stands.get(&node.electorate.own) {
        ballot
            .stands
            .insert(node.electorate.own.clone(), own.clone());
    }
    ballot.fates.at_large.remove(&node.name);
    Ok(ballot)
}

/// Makes the data directory say what was decided, and starts the server from it.
fn start(node: &Node, report: &Report, epoch: &Epoch) -> Result<Process, Failure> {
    let mut record = node.record()?;
    record.lives.clone_from(&report.lives);
    record.begin(epoch);
    node.remember(&record)?;
    node.forget_view()?;
    match report.position() {
        Some(position) => {
            let (uid, gid) = node.settings.owner()?;
            let text = grastate::render(Some(position.history), Some(position.seqno), true);
            let owner = grastate::Owner { uid, gid };
            grastate::replace(&node.file("grastate.dat"), &text, owner).map_err(|error| {
                Failure::Retry(format!(
                    "cannot write {}: {error}",
                    node.file("grastate.dat").display()
                ))
            })?;
        }
        None => {
            node.give_up_data()?; // a grastate.dat without a history may forbid the bootstrap
            if !node.file("mysql").exists() {
                node.server().install()?;
            }
        }
    }
    node.server().start(
        Beginning::NewCluster {
            forced: epoch.last_forced(epoch.number),
        },
        report.position(),
    )
}

fn become_primary(
    node: &Node,
    process: Process,
    epoch: &Epoch,
    deadline: &Deadline,
) -> Result<(), Failure> {
    let status = wait_until(deadline, STEP, &membership::awaited(node), || {
        if !process.lives() {
            let words = node.server().last_words();
            let name = &node.name;
            return Err(Failure::Retry(format!(
                "{words}: the server on {name} ended while bootstrapping"
            )));
        }
        match membership::progress(node)? {
            Progress::Serving(status) => Ok(Some(status)),
            Progress::Silent | Progress::Outside | Progress::Inside(_) => Ok(None),
        }
    })?;
    membership::enter(node, &status, epoch.number)?;
    if epoch.position.is_none()
        && let Some(history) = status.cluster_state_uuid
    {
        // From now on an empty cluster is one that was emptied.
        let set = properties::epoch_set(&node.resource, epoch.number);
        let name = format!("{}-epoch-position", node.resource);
        let position = format!("{history}:{}", status.last_committed.unwrap_or(0));
        cluster::set_property(&set, &name, &position).map_err(retry)?;
    }
    Ok(())
}

/// Old epochs leave the CIB.
///
/// # Errors
/// When the cluster does not answer.
pub fn forget_old(node: &Node, epochs: &[u64]) -> Result<(), Failure> {
    let surplus = (epochs.len() + 1).saturating_sub(KEPT);
    for number in epochs.iter().take(surplus) {
        let set = properties::epoch_set(&node.resource, *number);
        cluster::delete_properties(&set).map_err(retry)?;
    }
    Ok(())
}

fn place(report: &Report) -> String {
    report
        .position()
        .map_or("a new history".into(), ToString::to_string)
}
